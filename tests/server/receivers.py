"""`python -m tests.server.receivers URL LINK COUNT`: so many browsers that a share link let in, in a process of their
own, which count pictures and decode none. Says "ready", then how many each got in a second, as JSON a line."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import aiortc.rtcrtpreceiver
import httpx
from aiortc import RTCSessionDescription

from tests.server.conftest import Connection


class Counter:
    """Stands where the decoder would."""

    made: list[Counter] = []  # noqa: RUF012  one a connection, as aiortc makes them

    def __init__(self) -> None:
        self.pictures = 0
        Counter.made.append(self)

    def decode(self, _: Any) -> list[Any]:
        """A whole picture has come."""
        self.pictures += 1
        return []


async def watch(url: str, link: str) -> tuple[httpx.AsyncClient, Connection]:
    """One browser, once its channels are open."""
    http = httpx.AsyncClient(base_url=url, headers={"Origin": url}, timeout=60)
    session = (await http.post("/api/v1/shares/redeem", json={"token": link.partition("#")[2]})).json()["session"]
    connection = Connection()
    await connection.pc.setLocalDescription(await connection.pc.createOffer())
    headers = {"Content-Type": "application/sdp"}
    sdp = connection.pc.localDescription.sdp
    answered = await http.post(f"/api/v1/sessions/{session}/offer", content=sdp, headers=headers)
    answered.raise_for_status()
    await connection.pc.setRemoteDescription(RTCSessionDescription(answered.text, "answer"))
    await connection.opened()
    return http, connection


async def beat(watching: list[tuple[httpx.AsyncClient, Connection]]) -> None:
    """What a page says each second, and as much as it keeps of what it hears."""
    while True:
        for _, connection in watching:
            connection.heard.clear()
            if connection.events.readyState == "open":
                connection.tell(type="ping", t=1.0)
        await asyncio.sleep(1.0)


async def main(url: str, link: str, count: int) -> None:
    aiortc.rtcrtpreceiver.get_decoder = lambda _: Counter()  # type: ignore[assignment]
    watching: list[tuple[httpx.AsyncClient, Connection]] = []
    beating = asyncio.create_task(beat(watching))
    for _ in range(count):
        watching.append(await watch(url, link))
    while len(Counter.made) < count:
        await asyncio.sleep(0.1)
    print("ready", flush=True)
    before = [counter.pictures for counter in Counter.made]
    while not beating.done():
        await asyncio.sleep(1.0)
        now = [counter.pictures for counter in Counter.made]
        print(json.dumps([b - a for a, b in zip(before, now, strict=True)]), flush=True)
        before = now


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
