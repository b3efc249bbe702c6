"""One session inside a worker: its world, what people do to it, its one encoder, and the messages of each frame.
Knows no socket: messages leave through `send`. Blocking work runs in the two threads it is handed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import Enum
from functools import partial

import msgspec

from engine import rungs
from engine.codec import FRAME_TICKS
from engine.display import Display, Shown, Sight
from engine.hearing import Hearing
from engine.inputs import BadInput, Drained, Gathered, Look
from engine.listening import Listening, Understood
from engine.loudspeaker import Due, Loudspeaker, Stateful
from engine.messages import (
    MAX_SAVED_BYTES,
    Audio,
    Bitrate,
    Camera,
    Close,
    Control,
    Failed,
    KeyframeWanted,
    LateLook,
    Leave,
    Message,
    OnRung,
    Open,
    Opened,
    Receipt,
    Rung,
    Save,
    Saved,
    State,
    Stats,
    Text,
    VideoPacket,
    refusal,
)
from engine.meter import Meter, mean, resident_mib
from engine.sounding import OpenSound
from engine.steppable import Dreaming, Obedient, Savable, Steppable
from engine.still import still
from engine.world import Frame, Inputs, PromptRefused
from model.conditioning.control import PITCH_LIMIT
from model.conditioning.state import WorldState

STATS_EVERY_S = 1.0


OpenWorld = Callable[[Open], Steppable]
RestoreWorld = Callable[[bytes], Savable]
Send = Callable[[Message], None]


class NotRestored(Exception):
    """These bytes are no world of this model; the message is for people."""


class Phase(Enum):
    """OPENING until the first frame can be sampled, LIVE while it ticks, ENDED after Close or a failure."""

    OPENING = "opening"
    LIVE = "live"
    ENDED = "ended"


@dataclass(frozen=True)
class Threads:
    """Threads that sample, one a world, and some that encode: frame t is encoded while t + 1 is sampled; and the one
    that hears, in order."""

    sampling: Executor
    encoding: Executor
    hearing: Executor


@dataclass(frozen=True)
class Senses:
    """How worlds sound, and how they hear; a worker may lack either."""

    open_sound: OpenSound | None = None
    listening: Listening | None = None


class Session:
    """A world that a gateway opened."""

    def __init__(
        self, message: Open, threads: Threads, send: Send, senses: Senses | None = None, sight: Sight | None = None
    ) -> None:
        self.name, self.epoch = message.session, message.epoch
        self.phase = Phase.OPENING
        self._request, self._threads, self._send = message, threads, send
        self._gathered = Gathered()
        self._late_look = True
        self._world: Steppable | None = None
        self._sight = sight or Sight()
        self._display: Display | None = None
        self._encoding: asyncio.Task[None] | None = None
        self._idr_wanted, self._bits_per_second = False, 0
        self._text_id = 0
        self._save: Save | None = None
        self._last: Frame | None = None
        self._receipt: Receipt | None = None  # of that frame
        self._dreaming: asyncio.Task[None] | None = None  # of what lies around the first frame
        self._first_slot = self._last_slot = -1
        self._senses = senses or Senses()
        self._hearing = Hearing(message, self._senses.listening, threads.hearing, self._send_while_live)
        self._loudspeaker: Loudspeaker | None = None
        self._meter, self._meter_since_s = Meter(), time.monotonic()

    async def open(self, open_world: OpenWorld, restore_world: RestoreWorld) -> None:
        """Build the world in the sampling thread. Says Opened, Refused or Failed."""
        build = partial(self._build, open_world, restore_world)
        try:
            first = await asyncio.get_running_loop().run_in_executor(self._threads.sampling, build)
        except (PromptRefused, NotRestored) as error:
            self.phase = Phase.ENDED
            self._send(refusal(self._request, str(error)))
        except Exception as error:
            self.fail(error)
        else:
            if self.phase is Phase.OPENING:
                self.phase = Phase.LIVE
                self._meter_since_s = time.monotonic()
                self._send(Opened(session=self.name, epoch=self.epoch, frame=first))

    def _build(self, open_world: OpenWorld, restore_world: RestoreWorld) -> int:
        """The number of the first frame that the world will give."""
        wish, first = self._request, 0
        if wish.saved:
            world = restore_world(wish.saved)
            self._world, first = world, world.index
        else:
            self._world = open_world(wish)
        self._request = msgspec.structs.replace(wish, saved=b"", picture=b"")
        self._display = Display(self._sight, time.monotonic())
        if self._senses.open_sound is not None and isinstance(self._world, Stateful):
            self._loudspeaker = Loudspeaker(wish, self._senses.open_sound(wish.seed))
        return first

    def take(
        self,
        message: Control | Text | Audio | Leave | KeyframeWanted | Bitrate | Rung | LateLook | Camera | Save | Close,
    ) -> None:
        """Keep what the message says until the next tick. Raises BadInput."""
        match message:
            case Control():
                self._gathered.control(message)
            case Text():
                self._gathered.text(message)
            case Audio():
                self._gathered.audio(message)
            case Leave():
                self._hearing.leave(message)
            case KeyframeWanted():
                self._idr_wanted = True
            case Bitrate():
                if message.bits_per_second <= 0:
                    raise BadInput(f"a bitrate is above 0, not {message.bits_per_second}")
                self._bits_per_second = message.bits_per_second
            case Rung():
                if self._display is None:
                    raise BadInput("the world is not there yet")
                self._display.pin(message.rung)
            case LateLook():
                self._late_look = message.on
            case Camera():
                self._gathered.camera(message)
            case Save():
                if not isinstance(self._world, Savable):
                    raise BadInput("this world cannot be saved")
                self._save = message
            case Close():
                self.phase = Phase.ENDED
                if isinstance(self._world, Dreaming):
                    self._world.patience_s = 0.0  # nobody waits for it, and others may wait for the cores

    def fail(self, error: BaseException) -> None:
        """End this world, and only this one."""
        self.phase = Phase.ENDED
        reason = f"{type(error).__name__}: {error}"
        self._send(Failed(session=self.name, epoch=self.epoch, reason=reason))

    async def tick(self, slot: int, busy: float) -> None:
        """Sample the frame of `slot` (counted by the worker) while the one before it is encoded. `busy`: the share of
        the last period that the worker did not wait. While the world dreams there is no new one, and who has come since
        the last is shown that."""
        if self.phase is not Phase.LIVE:
            raise RuntimeError(f"expected a live session to tick, {self.name!r} is {self.phase.value}")
        if self._first_slot < 0:
            self._first_slot, self._last_slot = slot, slot - 1
        pts = (slot - self._first_slot) * FRAME_TICKS
        if self._dreaming is not None and not self._dreaming.done():
            self._last_slot = slot  # nobody is late
            self._show_again(pts)
            return
        drained = self._gathered.drain()
        speaking, look = self._hearing.speaking, (drained.look_x, drained.look_y)
        inputs = Inputs(drained.buttons, *look, drained.pcm, speaking, drained.camera)
        assert self._world is not None and self._display is not None
        self._display.paced(busy, slot - self._last_slot - 1, time.monotonic())
        if isinstance(self._world, Obedient):
            self._hearing.listen(drained.pcm)
        try:
            if self._dreaming is not None:
                self._dreaming.result()
            if drained.text is not None:
                await self._say(drained.text)
            if (meant := self._hearing.take(0 if self._last is None else self._last.index + 1)) is not None:
                await self._obey(meant)
            if self._save is not None and self._last is not None:
                await self._put_away(self._save, self._last)
            loop = asyncio.get_running_loop()
            step = partial(self._step, inputs, Due(pts, slot - self._last_slot), loop)
            frame = await loop.run_in_executor(self._threads.sampling, step)
            self._last, self._last_slot = frame, slot
            await self.settle()
        except Exception as error:
            self.fail(error)
            return
        if self.phase is Phase.LIVE:
            self._receipt = Receipt(
                session=self.name,
                epoch=self.epoch,
                frame=frame.index,
                pts=pts,
                control_seq=drained.control_seq,
                look_seq=drained.control_seq,
                text_id=self._text_id,
            )
            self._send(  # not held up by the encoder: the person's sound is heard from here
                State(session=self.name, epoch=self.epoch, frame=frame.index, values=frame.state, audio=frame.audio)
            )
            assert self._display is not None
            show = partial(self._display.show, frame, pts, *self._wanted(), partial(self._late, frame, drained))
            self._encoding = asyncio.create_task(self._publish(frame, self._receipt, show))
            if self._dreaming is None and isinstance(self._world, Dreaming):
                self._dreaming = asyncio.create_task(self._dream(self._world))

    async def _dream(self, world: Dreaming) -> None:
        """First the first frame leaves: both take all cores."""
        await self.settle()
        await asyncio.get_running_loop().run_in_executor(self._threads.sampling, world.dream)

    def _wanted(self) -> tuple[bool, int]:
        """Whether the next picture is to be an IDR, and the bitrate from it on, or 0: as it is."""
        wanted = self._idr_wanted, self._bits_per_second
        self._idr_wanted, self._bits_per_second = False, 0
        return wanted

    def _show_again(self, pts: int) -> None:
        """The last frame once more, as an IDR, if one is wanted and the encoder is free."""
        last, receipt, display = self._last, self._receipt, self._display
        if not self._idr_wanted or last is None or receipt is None or (self._encoding and not self._encoding.done()):
            return
        assert display is not None
        self._idr_wanted = False
        show = partial(display.show_again, last, pts)
        self._encoding = asyncio.create_task(self._publish(last, msgspec.structs.replace(receipt, pts=pts), show))

    def _late(self, frame: Frame, drained: Drained) -> list[Look]:
        """The looks that came after a frame's own and will turn the next ones, seen from it."""
        if not self._late_look:
            return []
        pitch = frame.state.get("pitch", 0.0)  # a head goes no further than its neck
        return [
            Look(look.seq, look.right_rad, min(max(pitch + look.up_rad, -PITCH_LIMIT), PITCH_LIMIT) - pitch)
            for look in self._gathered.beyond(drained)
        ]

    def _step(self, inputs: Inputs, due: Due, loop: asyncio.AbstractEventLoop) -> Frame:
        """The next picture; before it its sound, which browsers hold back while they show pictures at once."""
        world, loudspeaker = self._world, self._loudspeaker
        assert world is not None
        if loudspeaker is None or not isinstance(world, Stateful):
            return world.step(inputs)

        def sound(state: WorldState) -> None:
            for message in loudspeaker.sound(world.index, state, inputs, due):
                loop.call_soon_threadsafe(self._send_while_live, message)

        return world.step(inputs, sound)

    async def _put_away(self, save: Save, last: Frame) -> None:
        """Say the world as it is between two frames; what cannot be said, or is too large, is refused."""
        self._save = None
        assert isinstance(self._world, Savable)
        loop, world = asyncio.get_running_loop(), self._world
        drawing = loop.run_in_executor(self._threads.encoding, still, last.y, last.u, last.v)
        try:
            data = await loop.run_in_executor(self._threads.sampling, world.saved)
            if len(data) > MAX_SAVED_BYTES:
                raise ValueError(f"it has {len(data)} bytes, {MAX_SAVED_BYTES} at most may be saved")
        except Exception as error:  # the world itself goes on
            return self._send(refusal(save, f"the world cannot be saved: {error}"))
        finally:
            picture = await drawing
        self._send(
            Saved(
                session=self.name,
                epoch=self.epoch,
                save_id=save.save_id,
                frame=world.index,
                text_id=self._text_id,
                still=picture,
                data=data,
            )
        )

    async def settle(self) -> None:
        """Wait for the frame that is being encoded. Raises what its encoding raised."""
        if self._encoding is not None:
            await self._encoding

    async def _say(self, text: Text) -> None:
        assert self._world is not None
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads.sampling, self._world.say, text.text)
            self._text_id = text.text_id
        except PromptRefused as error:
            self._send(refusal(text, str(error)))

    def _send_while_live(self, message: Message) -> None:
        if self.phase is Phase.LIVE:
            self._send(message)

    async def _obey(self, said: Understood) -> None:
        assert isinstance(self._world, Obedient)
        obey = partial(self._world.obey, said.meaning, said.words)
        await asyncio.get_running_loop().run_in_executor(self._threads.sampling, obey)
        self._hearing.tell(said)

    async def _publish(self, frame: Frame, receipt: Receipt, show: Callable[[], Shown]) -> None:
        shown = await asyncio.get_running_loop().run_in_executor(self._threads.encoding, show)
        packet = shown.packet
        if self.phase is not Phase.LIVE:
            return
        name, epoch, index = self.name, self.epoch, frame.index
        look_seq = receipt.look_seq if shown.look_seq < 0 else shown.look_seq
        self._send(msgspec.structs.replace(receipt, look_seq=look_seq))
        if shown.moved is not None:
            self._tell_rung(shown.moved, index)
        self._send(
            VideoPacket(
                session=name, epoch=epoch, frame=index, pts=packet.pts, keyframe=packet.keyframe, data=packet.data
            )
        )
        self._meter.add(frame.step_ms, frame.decode_ms + shown.enlarge_ms, packet.encode_ms)
        self._report(index)

    def _tell_rung(self, rung: rungs.Rung, frame: int) -> None:
        assert self._display is not None
        self._send(
            OnRung(
                session=self.name,
                epoch=self.epoch,
                frame=frame,
                rung=rung.name,
                width=rung.crop.width,
                height=rung.crop.height,
                bits_per_second=rung.bits_per_second,
                pinned=self._display.pinned,
            )
        )

    def _report(self, frame: int) -> None:
        now_s = time.monotonic()
        passed_s = now_s - self._meter_since_s
        if passed_s < STATS_EVERY_S:
            return
        meter = self._meter
        self._send(
            Stats(
                session=self.name,
                epoch=self.epoch,
                frame=frame,
                fps=meter.frames / passed_s,
                step_ms=mean(meter.step_ms),
                decode_ms=mean(meter.decode_ms),
                encode_ms=mean(meter.encode_ms),
                memory_mib=resident_mib(),
            )
        )
        meter.reset()
        self._meter_since_s = now_s
