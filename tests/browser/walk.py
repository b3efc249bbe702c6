"""Every state that people meet, met as they do: real worlds of the model, real second and third browsers, a real queue
and a worker that really dies. Knows the page by its face; what is done with each state is for who follows."""

from __future__ import annotations

import asyncio
import os
import signal
import wave
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model.voice.espeak import Espeak, Manner
from tests.browser.people import Walker

DESKTOP: dict[str, Any] = {"name": "desktop", "width": 1280, "height": 720}
TABLET: dict[str, Any] = {"name": "tablet", "width": 820, "height": 1180, "touch": True}
PHONE: dict[str, Any] = {"name": "phone", "width": 390, "height": 844, "touch": True, "locale": "pt-BR"}
SCREENS = [DESKTOP, TABLET, PHONE]

# From `holdBack()` to `letThrough()` no offer leaves, so that the opening and a broken line can be looked at.
HOLD_OFFERS = """
let through = Promise.resolve();
window.holdBack = () => { through = new Promise((resolve) => (window.letThrough = resolve)); };
const fetched = window.fetch;
window.fetch = async (...given) => {
  if (String(given[0]).endsWith("/offer")) await through;
  return fetched(...given);
};
"""
# Resolves with the second thing that was heard: of the first one the beginning may be missing.
HEARD_TWICE = """() => new Promise((resolve) => {
  let times = 0;
  mundo.on("heard", ({ words }) => words && (times += 1) === 2 && resolve());
})"""
NO_WEBRTC = "delete window.RTCPeerConnection;"
SAID, SAID_RATE, PAUSE_S = "a snowy mountain landscape at night", 16_000, 4.0
HEARD_WITHIN_S = 100.0  # of a machine that has much else to do
SETTLING_MS = 4000  # in which fog comes, before what was said leaves the screen

Met = Callable[[str, Walker], Awaitable[None]]
At = Callable[..., AbstractAsyncContextManager[Walker]]


def speech(path: Path) -> None:
    """A sentence and a pause, which Chromium's microphone plays again and again."""
    said = Espeak().say(SAID, Manner("en-us"))
    pcm = np.concatenate([np.zeros(SAID_RATE), 0.8 * said / np.abs(said).max(), np.zeros(int(PAUSE_S * SAID_RATE))])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAID_RATE)
        file.writeframes((pcm * 32767).astype("<i2").tobytes())


def workers(pid: int) -> Iterator[int]:
    """The worker processes of a gateway."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue  # it has ended meanwhile
        if parent == pid and b"engine.worker" in command:
            yield int(folder.name)


@dataclass(frozen=True)
class Walk:
    """All states at one screen: `at` puts somebody before the served page, `met` is told of each state."""

    at: At
    screen: dict[str, Any]
    met: Met

    async def whole(self) -> None:
        """From the door to the end, and what browsers meet that cannot."""
        async with self.at(self.screen, HOLD_OFFERS) as one:
            await self.arrive(one)
            await self.film(one)
            await self.say(one)
            await self.look_back(one)
            await self.open_sheets(one)
            await self.let_in(one)
            await self.wait_in_line(one)
            await self.lose_and_find(one)
            await self.talk(one)
            await self.end(one)
        await self.cannot()

    async def arrive(self, one: Walker) -> None:
        """By an invite that is wrong and one that is right to the wall, and into a world."""
        page = one.page
        await page.goto("/")
        await page.wait_for_selector("#invite:focus")
        await self.met("invite", one)
        await page.fill("#invite", "kazik-wrong-wrong")
        await page.keyboard.press("Enter")
        await one.until("() => document.querySelector('.error').textContent")
        await self.met("invite-refused", one)
        await page.fill("#invite", one.served.invite)
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".wall:not([aria-busy]) .card")
        await one.until("() => [...document.querySelectorAll('.card img')].every((image) => image.naturalWidth > 0)")
        await one.until("() => document.querySelector('.card video.on')?.currentTime > 0.5")
        await self.met("choose", one)
        await page.evaluate("() => holdBack()")
        await page.click("[data-template=shore]")
        await page.wait_for_selector(".veil[data-kind=connecting] [aria-current=step]")
        await self.met("opening", one)
        await page.evaluate("() => letThrough()")
        await one.until("() => mundo.state.visible")
        await page.wait_for_selector(".veil[data-kind=clear]")
        await self.met("world", one)

    async def say(self, one: Walker) -> None:
        """A text that is too long, and one that the world obeys; figures."""
        page = one.page
        wish = self.in_words("fog rolls in", "surge a neblina")
        await self.type(one, f"{wish}, " * 50)
        await page.wait_for_selector(".trail [data-stage=refused]")
        await self.met("refused", one)
        await page.wait_for_selector(".trail [data-stage=refused]", state="detached")
        await self.type(one, wish)
        await page.wait_for_selector(".trail .seen")
        await self.wake(one)
        await page.wait_for_timeout(SETTLING_MS)
        await self.met("heard", one)
        await page.evaluate("() => document.querySelector('video').focus()")
        await page.keyboard.press("KeyH")
        for key in ("KeyW", "KeyS") * 3:
            await page.keyboard.press(key)
            await one.frames(4)
        await one.until(
            "() => mundo.stats().inputs_measured > 3 && mundo.stats().worker && mundo.stats().loss !== null"
        )
        await page.wait_for_timeout(600)  # they are written twice a second
        await self.met("figures", one)
        await page.keyboard.press("KeyH")

    def in_words(self, english: str, portuguese: str) -> str:
        """In the language of the screen."""
        return portuguese if self.screen.get("locale") == "pt-BR" else english

    async def type(self, one: Walker, text: str) -> None:
        """Into the line, and sent: as fingers or as keys reach it."""
        if one.screen.get("touch"):
            await one.page.tap(".say")
        else:
            await one.page.keyboard.press("/")
        await one.page.keyboard.type(text)
        await one.page.keyboard.press("Enter")

    async def film(self, one: Walker) -> None:
        """A camera that flies, a move of the camera, and a recording."""
        page = one.page
        await self.fly(one)
        await self.more(one)
        await page.click("#more .entry:has([data-icon=camera_moves])")
        await page.click("[data-move=dolly_in]")
        await self.met("moves", one)
        await page.keyboard.press("Escape")
        await self.more(one)
        await page.click("#more .entry:has([data-icon=record])")
        await page.wait_for_selector(".recording")
        await one.frames(24)
        await self.met("recording", one)
        await self.more(one)
        async with page.expect_download():
            await page.click("#more .entry:has([data-icon=record])")
        await page.wait_for_selector(".notice", state="detached")

    async def fly(self, one: Walker) -> None:
        """Up, by a drone; the next camera; and down again."""
        page = one.page
        await page.evaluate("() => mundo.steer({ buttons: ['Space'], camera: 'drone' })")
        await one.frames(36)
        await self.more(one)
        await page.click("#more .entry:has([data-icon=turn])")
        await one.until("() => mundo.stats().camera === 'orbit'")
        await page.wait_for_selector(".sign p")
        await self.met("camera", one)
        await page.evaluate("() => mundo.steer({ buttons: [], camera: 'first' })")
        await one.until("() => mundo.stats().camera === 'first' && mundo.state.world.values.ground === 1")
        await page.wait_for_selector(".sign:not(:has(p))", state="attached")

    async def look_back(self, one: Walker) -> None:
        """What is under "more": a place that is kept, the film strip, a pause."""
        page = one.page
        await self.more(one)
        await self.met("more", one)
        await page.click("#more .entry:has([data-icon=keep])")
        await page.wait_for_selector(".notice")
        await self.met("kept", one)
        await page.wait_for_selector(".notice", state="detached")
        await self.more(one)
        await page.click("#more .entry:has([data-icon=film])")
        await page.wait_for_selector(".film:not([hidden]) .moment")
        await self.met("film", one)
        await page.keyboard.press("Escape")
        await self.more(one)
        await page.click("#more .entry:has([data-icon=pause])")
        await page.wait_for_selector(".veil[data-kind=held] button:focus")
        await self.met("held", one)
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".veil[data-kind=clear]")

    async def more(self, one: Walker) -> None:
        await self.wake(one)
        await one.page.click(".edge.top [aria-controls=more]")

    async def wake(self, one: Walker) -> None:
        """What rests comes back at a touch or where the mouse moves."""
        if one.screen.get("touch"):
            await one.page.tap("video", position={"x": one.screen["width"] / 2, "y": one.screen["height"] / 2})
        else:
            await one.page.mouse.move(500, 300)
            await one.page.mouse.move(520, 300)
        await one.page.wait_for_selector(".stage:not(.restful)")

    async def talk(self, one: Walker) -> None:
        """A microphone that is not allowed, and one that the world hears by."""
        page = one.page
        await self.wake(one)
        await page.click(".talk")
        await page.wait_for_selector(".talk.troubled")
        await page.wait_for_selector(".notice")
        await self.met("microphone-denied", one)
        await page.context.grant_permissions(["microphone"])
        await self.wake(one)
        await page.click(".talk")
        await page.wait_for_selector(".talk[data-state=talking]")
        async with asyncio.timeout(HEARD_WITHIN_S):
            await page.evaluate(HEARD_TWICE)
        await self.wake(one)
        await self.met("talking", one)
        await page.click(".talk")

    async def open_sheets(self, one: Walker) -> None:
        """The share sheet; keys and settings."""
        page = one.page
        await self.wake(one)
        await page.click(".edge.top .round:has([data-icon=share])")
        await page.wait_for_selector(".code svg")
        await self.met("share", one)
        await page.keyboard.press("Escape")
        await page.wait_for_selector("dialog", state="detached")
        await self.more(one)
        await page.click("#more .entry:has([data-icon=keys])")
        await page.wait_for_selector("dialog.keys[open]")
        await self.met("keys", one)
        await page.keyboard.press("Escape")
        await page.wait_for_selector("dialog", state="detached")

    async def let_in(self, one: Walker) -> None:
        """Somebody watches, somebody suggests and is handed the controls."""
        async with self.at(self.screen) as friend, self.at(self.screen) as other:
            await friend.page.goto(await self.link(one, "viewer"))
            await friend.until("() => mundo.state.visible")
            await self.met("watching", friend)
            await other.page.goto(await self.link(one, "suggester"))
            await other.until("() => mundo.state.visible")
            await self.wake(other)
            await self.type(other, self.in_words("night falls", "anoitece"))
            await one.page.wait_for_selector(".suggestions li")
            await self.met("suggesting", other)
            await self.wake(one)
            await self.met("together", one)
            await one.page.locator(".here [data-role=suggester] .tool").click()
            await one.until("() => mundo.state.role === 'viewer'")
            await self.wake(one)
            await self.met("handed-over", one)
            await one.page.locator(".here .tool:has([data-icon=turn])").first.click()
            await one.until("() => mundo.state.role === 'driver'")

    async def link(self, one: Walker, role: str) -> str:
        """As the share sheet makes it."""
        page = one.page
        await self.wake(one)
        await page.click(".edge.top .round:has([data-icon=share])")
        await page.click(f"dialog [data-role={role}]")
        await one.until("() => document.querySelector('dialog input').value.includes('/watch#')")
        link: str = await page.input_value("dialog input")
        await page.keyboard.press("Escape")
        await page.wait_for_selector("dialog", state="detached")
        return link

    async def wait_in_line(self, one: Walker) -> None:
        """Somebody else wants a world while the only worker has this one."""
        async with self.at(self.screen) as other:
            await other.come_in()
            await other.page.wait_for_selector(".wall:not([aria-busy]) .card")
            await other.page.click("[data-template=dunes]")
            await other.page.wait_for_selector(".veil[data-kind=queued]")
            await self.met("queued", other)
            await other.page.click(".veil-actions button")
            await other.page.wait_for_selector("#describe")
        await one.until("() => mundo.state.phase === 'live'")

    async def lose_and_find(self, one: Walker) -> None:
        """The line breaks; then the worker dies."""
        page = one.page
        await page.evaluate("() => { holdBack(); taps.channels.events.close(); }")
        await page.wait_for_selector(".veil[data-kind=reconnecting]")
        await self.met("reconnecting", one)
        await page.evaluate("() => letThrough()")
        await page.wait_for_selector(".veil[data-kind=clear]")
        for worker in workers(one.served.pid):
            os.kill(worker, signal.SIGKILL)
        await page.wait_for_selector(".veil[data-kind=resuming]")
        await self.met("resuming", one)
        await page.wait_for_selector(".veil[data-kind=clear]", timeout=90_000)

    async def end(self, one: Walker) -> None:
        """It ends, goes on, and is left; it waits among our worlds."""
        page = one.page
        await page.evaluate("() => fetch(`/api/v1/sessions/${mundo.state.session}`, { method: 'DELETE' })")
        await page.wait_for_selector(".veil[data-kind=ended] button:focus")
        await self.met("ended", one)
        await page.keyboard.press("Enter")
        await one.until("() => mundo.state.phase === 'live' && mundo.state.visible")
        await one.frames(12)
        await one.leave()
        await page.wait_for_selector(".shelf li")
        await page.wait_for_selector(".wall:not([aria-busy]) .card")
        await self.met("yours", one)

    async def cannot(self) -> None:
        """Browsers that have no WebRTC, or run nothing of ours."""
        async with self.at(self.screen, NO_WEBRTC) as one:
            await one.page.goto("/")
            await one.page.wait_for_selector(".veil[data-kind=no_webrtc]")
            await self.met("no-webrtc", one)
            await one.page.route("**/main.js", lambda route: route.abort())
            await one.page.goto("/")
            await one.page.wait_for_selector(".old", state="visible")
            await self.met("old-browser", one)
