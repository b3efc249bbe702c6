"""A peer over one WebSocket, for networks without UDP: the same packets and messages as over WebRTC.
Knows Starlette's socket; what is said on it is the peer's part."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from engine.messages import VIDEO_CLOCK, Ready
from server.channels import Controls, Junk, event, read_frame
from server.hub import Packet, PictureOutlet
from server.outlet import Outlet, OutletClosed, P
from server.peers import SOUND_BYTES_A_S, Peer, PeerState, Seat
from server.shares import Access
from server.sound_out import SoundPacket

SUBPROTOCOL = "mundo.v1"
CODEC = "avc1.42E01F"
VIDEO, SOUND = 1, 2
KEYFRAME = 1
MAX_UNSENT = 512  # messages
BEHIND = 64
STALLED_S = 5.0
_HEADER = struct.Struct(">BBHIQ")  # kind, flags, 0, frame, pts


class SocketPeer(Peer):
    """One WebSocket. `run` is its whole life."""

    def __init__(self, seat: Seat, device_id: str, access: Access, outlet: PictureOutlet) -> None:
        super().__init__(seat, device_id, access, outlet)
        self._unsent: asyncio.Queue[str | None] = asyncio.Queue(MAX_UNSENT)
        self._writing = asyncio.Lock()
        self._socket: WebSocket | None = None

    async def run(self, socket: WebSocket, ready: Ready | None) -> None:
        """Send and receive on an accepted socket until either side ends it."""
        self._socket = socket
        self.connected()
        size = {"width": ready.width, "height": ready.height} if ready else {"width": 0, "height": 0}
        self.send(event("media", codec=CODEC, clock=VIDEO_CLOCK, **size))
        self._seat.joined(self)
        pictures, sound = self._pass_on(self.outlet, framed), self._pass_on(self.sound, framed_sound)
        tasks = [asyncio.create_task(part) for part in (self._tell(), pictures, sound, self._listen())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.close()

    def send(self, message: str) -> None:
        if not self._unsent.full():
            self._unsent.put_nowait(message)

    @property
    def behind(self) -> bool:
        return self._unsent.qsize() > BEHIND

    def send_receipt(self, pts: int, **values: Any) -> None:
        self.send_passing(event("receipt", pts=pts, **values))

    async def hang_up(self) -> None:
        socket = self._socket
        if socket is not None and socket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
                async with asyncio.timeout(1.0):  # one that is stalled takes no farewell
                    await socket.close(1000)

    async def _tell(self) -> None:
        assert self._socket is not None
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            while (message := await self._unsent.get()) is not None:
                async with self._writing, asyncio.timeout(STALLED_S):
                    await self._socket.send_text(message)

    async def _pass_on(self, outlet: Outlet[P], as_bytes: Callable[[P], bytes]) -> None:
        assert self._socket is not None
        with contextlib.suppress(OutletClosed, WebSocketDisconnect, RuntimeError, TimeoutError):
            while True:
                packet = await outlet.get()
                async with self._writing, asyncio.timeout(STALLED_S):
                    await self._socket.send_bytes(as_bytes(packet))
        await asyncio.sleep(0.2 if self.state is PeerState.CLOSED else 0)  # the reason goes before the end

    async def _listen(self) -> None:
        assert self._socket is not None
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if (text := message.get("text")) is not None:
                    self._on_text(text)
                else:
                    self._on_bytes(message.get("bytes") or b"")

    def _on_text(self, raw: str) -> None:
        self.heard_at = now = time.monotonic()
        try:
            message = read_frame(raw)
        except Junk as junk:
            return self.count_junk(str(junk))
        if not isinstance(message, Controls):
            self._on_asked(message)
        elif self._controls.take(now):
            self._steer(message)

    def _on_bytes(self, raw: bytes) -> None:
        self.heard_at = time.monotonic()
        sound = raw[1:]
        if raw[:1] != bytes([SOUND]) or len(sound) % 2 or len(sound) > SOUND_BYTES_A_S:
            expected = f"{SOUND} and whole s16le samples of at most a second"
            return self.count_junk(f"the socket expects bytes that are {expected}, got {len(raw)} bytes")
        if sound:
            self.on_sound(sound)


def framed(packet: Packet) -> bytes:
    """A packet as one binary frame."""
    return _HEADER.pack(VIDEO, KEYFRAME * packet.keyframe, 0, packet.frame & 0xFFFFFFFF, packet.pts) + packet.data


def framed_sound(packet: SoundPacket) -> bytes:
    """10 ms of Opus as one binary frame."""
    return _HEADER.pack(SOUND, 0, 0, 0, packet.pts) + packet.data
