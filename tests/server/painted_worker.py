"""A worker for the gateway's tests: speaks engine.messages over the real socket and paints real x264 packets.
Obeys words: "refuse me", "die", "hang", "fail", "cannot be saved", "noise"; whoever holds a button hears 1 kHz.
"aloud: ..." is said aloud, with a mouth of its own."""

from __future__ import annotations

import argparse
import asyncio
import os
import struct
import time
import zlib

import msgspec
import numpy as np

from configs.paths import vocabulary
from engine import messages as m
from engine.codec import CodecConfig, Encoder
from engine.inputs import Microphone
from engine.opus import OpusEncoder
from engine.pacing import next_tick

BITS_PER_SECOND = 1_000_000
NOISE, ALOUD = "noise", "aloud:"
TICKS = m.VIDEO_CLOCK // m.FRAME_RATE
MOST_SLOTS = 6  # that are sounded at once
STILL = bytes.fromhex("ffd8ffe000104a46494600010101004800480000ffd9")


class Painted:
    """One world: a bright bar that stands where look_x points, on a field as bright as the buttons."""

    def __init__(self, opened: m.Open) -> None:
        self.opened = opened
        self.control = m.Control(seq=-1, buttons=0, look_x=0.0, look_y=0.0)
        self.text_id, self.text, self.said = 0, opened.prompt, ""
        self.samples, self.keyframes, self.frame = 0, 0, 0
        self.seed = opened.seed
        if opened.saved:
            said = msgspec.msgpack.decode(zlib.decompress(opened.saved), type=dict[str, int | str])
            self.frame, self.text, self.seed = said["frame"], said["text"], said["seed"]
        self.first = self.frame
        self.first_slot: int | None = None
        self.slot = self.sounded = -1  # counted from its first
        self.microphone = Microphone()
        self.opus, self.sounds = OpusEncoder(), ["wind", "rain"]
        self.hanging, self.late_look, self.camera = False, True, "first"
        self.encoder = Encoder(CodecConfig(bits_per_second=BITS_PER_SECOND))
        self.bits_per_second = BITS_PER_SECOND
        self.dice = np.random.default_rng(self.seed)

    def hear(self, pcm: bytes) -> None:
        self.samples += len(pcm) // 2
        self.microphone.hear(pcm)

    def saved(self) -> bytes:
        said = {"frame": self.frame, "text": self.text, "seed": self.seed}
        return zlib.compress(msgspec.msgpack.encode(said))

    def loudness(self) -> float:
        """Of the frame's sound, on the scale of the network's audio tokens: 60 dB from 0 to 1."""
        pcm = self.microphone.drain()
        power = 0.0 if pcm is None else 2 * float(np.square(pcm).mean())
        return min(max(1 + float(np.log10(power + 1e-12)) / 6, 0.0), 1.0)

    def sound(self) -> m.AudioPacket:
        """Of all slots since the last sound: a tone as long as a button is held."""
        slots = min(self.slot - self.sounded, MOST_SLOTS)
        seconds = ((self.slot + 1 - slots) * m.AUDIO_SAMPLES + np.arange(slots * m.AUDIO_SAMPLES)) / m.AUDIO_RATE
        tone = 0.5 * np.sin(2 * np.pi * 1000 * seconds) * (self.control.buttons != 0)
        begins, packets = self.opus.encode(tone.astype(np.float32), self.slot * TICKS)
        self.sounded = self.slot
        name = {"session": self.opened.session, "epoch": self.opened.epoch, "frame": self.frame - 1}
        return m.AudioPacket(**name, pts=begins, packets=packets)

    def paint(self, slot: int) -> tuple[m.VideoPacket, m.Receipt, m.State]:
        """The picture of a slot of the worker's clock."""
        self.first_slot = slot if self.first_slot is None else self.first_slot
        self.slot = slot - self.first_slot
        loudness = self.loudness()
        luma = np.full((288, 512), 40 + min(self.control.buttons, 100), np.uint8)
        if NOISE in self.text:  # as much as the encoder may send
            luma[:] = self.dice.integers(0, 230, (36, 64), np.uint8).repeat(8, 0).repeat(8, 1)
        x = 16 + int(240 + self.control.look_x * 100) % 470
        luma[:, x : x + 10] = 235
        chroma = np.full((144, 256), 128, np.uint8)
        packet = self.encoder.encode(luma, chroma, chroma, self.slot * TICKS)
        self.keyframes += packet.keyframe
        name = {"session": self.opened.session, "epoch": self.opened.epoch, "frame": self.frame}
        values = {
            "seq": float(self.control.seq),
            "buttons": float(self.control.buttons),
            "look_x": self.control.look_x,
            "samples": float(self.samples),
            "keyframes": float(self.keyframes),
            "world_frame": float(self.frame),
            "seed": float(self.seed),
            "letters": float(len(self.text)),
            "picture_bytes": float(len(self.opened.picture)),
            "bits_per_second": float(self.bits_per_second),
            "late_look": float(self.late_look),
            "camera": float(vocabulary()["camera"].index(self.camera)),
            "pid": float(os.getpid()),
        }
        self.frame += 1
        video = m.VideoPacket(**name, pts=packet.pts, keyframe=packet.keyframe, data=packet.data)
        seq = self.control.seq
        receipt = m.Receipt(**name, pts=packet.pts, control_seq=seq, look_seq=seq, text_id=self.text_id)
        return video, receipt, m.State(**name, values=values, audio=[loudness])


class PaintedWorker:
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.worlds: dict[str, Painted] = {}

    def send(self, message: m.Message) -> None:
        self.writer.write(m.encode(message))

    def take(self, message: m.Incoming) -> None:
        if isinstance(message, m.Open):
            return self.open(message)
        world = self.worlds.get(message.session)
        if world is None or world.opened.epoch != message.epoch:
            return self.send(m.refusal(message, "not open"))
        match message:
            case m.Control():
                world.control = message
            case m.Text():
                self.obey(world, message)
            case m.Audio():
                world.hear(message.pcm)
            case m.Leave():
                self.hear(world, message.given)
            case m.KeyframeWanted():
                world.encoder.want_idr()
            case m.Bitrate():
                world.bits_per_second = message.bits_per_second
                world.encoder.set_bitrate(message.bits_per_second)
            case m.LateLook():
                world.late_look = message.on
            case m.Camera():
                world.camera = message.camera
            case m.Rung():
                self.tell_rung(world, message.rung)
            case m.Save() if world.text == "cannot be saved":
                self.send(m.refusal(message, "I forget everything."))
            case m.Save():
                name = {"session": message.session, "epoch": message.epoch, "frame": world.frame}
                data = world.saved()
                self.send(m.Saved(**name, save_id=message.save_id, text_id=world.text_id, still=STILL, data=data))
            case m.Close():
                del self.worlds[message.session]

    def open(self, message: m.Open) -> None:
        name = {"session": message.session, "epoch": message.epoch}
        if message.prompt == "refuse me":
            return self.send(m.refusal(message, "I will not."))
        try:
            world = self.worlds[message.session] = Painted(message)
        except (zlib.error, msgspec.MsgspecError, KeyError) as error:
            return self.send(m.refusal(message, f"The saved world cannot be read: {error}"))
        self.send(m.Opened(**name, frame=world.frame))
        self.tell_rung(world)

    def tell_rung(self, world: Painted, rung: str = "") -> None:
        """The size that was asked for; the pictures themselves stay as small as they are."""
        scale = {"": 1, "270p": 1, "540p": 2, "1080p": 4}[rung]
        self.send(
            m.OnRung(
                session=world.opened.session,
                epoch=world.opened.epoch,
                frame=world.frame,
                rung=rung or "270p",
                width=480 * scale,
                height=270 * scale,
                bits_per_second=BITS_PER_SECOND,
                pinned=bool(rung),
            )
        )

    def obey(self, world: Painted, message: m.Text) -> None:
        name = {"session": message.session, "epoch": message.epoch}
        match message.text:
            case "refuse me":
                self.send(m.refusal(message, "I will not."))
            case "die":
                os._exit(3)
            case "hang":
                world.hanging = True
            case "fail":
                del self.worlds[message.session]
                self.send(m.Failed(**name, reason="it broke"))
            case "nonsense":
                self.writer.write(struct.pack(">I", 4) + b"\xc1\xc1\xc1\xc1")
            case text if text.startswith(ALOUD):
                world.said = text.removeprefix(ALOUD).strip()
                if world.opened.speech_needs_leave:
                    told = {"said_id": message.text_id, "words": world.said, "confidence": 0.9}
                    self.send(m.Spoke(**name, frame=world.frame, **told))
                else:
                    self.hear(world, True)
            case text:
                world.text_id, world.text = message.text_id, text

    def hear(self, world: Painted, given: bool) -> None:
        """What was said aloud is obeyed where leave was given."""
        if given:
            name = {"session": world.opened.session, "epoch": world.opened.epoch, "frame": world.frame}
            self.send(m.Heard(**name, words=world.said, kind="speech", confidence=0.9, obeyed=True))
            world.text = world.said

    async def tick(self) -> None:
        began_s, slot = time.monotonic(), -1
        while True:
            due = next_tick(began_s, slot, time.monotonic())
            slot = due.slot
            await asyncio.sleep(due.wait_s)
            for world in [world for world in self.worlds.values() if not world.hanging]:
                for message in (*world.paint(slot), world.sound()):
                    self.send(message)
                if world.frame == world.first + 1:
                    name = {"session": world.opened.session, "epoch": world.opened.epoch, "frame": world.first}
                    self.send(m.Sounds(**name, heard=world.sounds))


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", required=True)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--capacity", type=int, default=2)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--number", type=int)
    parser.add_argument("--neighbours")
    options = parser.parse_args()
    reader, writer = await asyncio.open_unix_connection(options.socket)
    worker = PaintedWorker(writer)
    worker.send(
        m.Ready(
            model="painted",
            steps=1,
            rung="270p",
            width=480,
            height=270,
            bits_per_second=BITS_PER_SECOND,
            capacity=options.capacity,
            workers=options.workers or 1,
        )
    )
    ticking = asyncio.create_task(worker.tick())
    try:
        while True:
            worker.take(m.decode_incoming(await m.read_body(reader)))
    except (asyncio.IncompleteReadError, ConnectionError):  # the latter where there was something left to read or send
        ticking.cancel()


if __name__ == "__main__":
    asyncio.run(main())
