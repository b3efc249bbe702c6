"""A bad network without root: a UDP relay in the test's process, between a browser and a gateway.
Knows datagrams; nothing of what they carry. Order is kept, as queues on a path keep it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from playwright.async_api import Page

QUEUE_S = 0.5  # what a narrow line's buffer holds before it drops: that of a common home router

# The answer's candidates become the relay's, so that no packet takes another way.
INIT = r"""
const Direct = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Direct {
  async setRemoteDescription({ type, sdp }) {
    const lines = sdp.split("\r\n").map(async (line) => {
      const [, head, ip, port, tail] = line.match(/^(a=candidate:(?:\S+ ){4})(\S+) (\d+)( typ .*)$/) ?? [];
      return head ? `${head}${ip} ${await window.relayTo(ip, Number(port))}${tail}` : line;
    });
    return super.setRemoteDescription({ type, sdp: (await Promise.all(lines)).join("\r\n") });
  }
};
"""


@dataclass
class Line:
    """How the network is at this moment; a test changes it while packets flow."""

    loss: float = 0.0
    jitter_s: float = 0.0
    bits_per_second: float = 0.0  # 0: no limit
    silent: bool = False


class Way:
    """One direction of one pair of sockets."""

    def __init__(self, line: Line, dice: random.Random) -> None:
        self._line, self._dice = line, dice
        self._free_at = self._last_at = 0.0

    def carry(self, data: bytes, deliver: Callable[[bytes], None]) -> None:
        """Deliver the datagram when the line would, or never."""
        loop, line = asyncio.get_running_loop(), self._line
        now = loop.time()
        if line.silent or self._dice.random() < line.loss:
            return
        at = now
        if line.bits_per_second:
            begins = max(now, self._free_at)
            if begins - now > QUEUE_S:
                return
            at = self._free_at = begins + 8 * len(data) / line.bits_per_second
        at = self._last_at = max(self._last_at, at + self._dice.uniform(0, line.jitter_s))
        if at <= now:
            deliver(data)
        else:
            loop.call_at(at, deliver, data)


class _End(asyncio.DatagramProtocol):
    """A socket; what arrives goes to `arrived`."""

    def __init__(self, arrived: Callable[[bytes, Any], None]) -> None:
        self._arrived = arrived
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._arrived(data, addr)

    def send(self, data: bytes, addr: Any = None) -> None:
        """Unless the socket is closed meanwhile."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(data, addr)


class Relay:
    """Pairs of sockets, one pair for each candidate that a browser was given."""

    def __init__(self, line: Line, seed: int = 1) -> None:
        self.line, self._dice = line, random.Random(seed)
        self.carried = 0  # datagrams from the gateway
        self._ends: list[_End] = []

    async def stand_before(self, page: Page) -> None:
        """Let a page with INIT reach its gateway through here. Call before the page connects."""
        await page.expose_function("relayTo", self.to)

    async def to(self, ip: str, port: int) -> int:
        """The port from which packets go on to `ip`, `port`, and come back."""
        loop = asyncio.get_running_loop()
        out, back = Way(self.line, self._dice), Way(self.line, self._dice)
        browser: list[Any] = []  # its address, once it is known

        def from_browser(data: bytes, address: Any) -> None:
            browser[:] = [address]
            out.carry(data, gateway_end.send)

        def from_gateway(data: bytes, _: Any) -> None:
            self.carried += 1
            if browser:
                back.carry(data, lambda one: browser_end.send(one, browser[0]))

        _, browser_end = await loop.create_datagram_endpoint(lambda: _End(from_browser), local_addr=(ip, 0))
        _, gateway_end = await loop.create_datagram_endpoint(lambda: _End(from_gateway), remote_addr=(ip, port))
        self._ends += [browser_end, gateway_end]
        assert browser_end.transport is not None
        return int(browser_end.transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Nothing passes any more."""
        for end in self._ends:
            if end.transport is not None:
                end.transport.close()
