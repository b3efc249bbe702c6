"""Who sits before a page in the browser tests: what they do, what they see, and what must hold of each state that they
meet. Knows the page by its face (`window.mundo`, labels, roles); nothing of how server or browser are started."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Page

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
Picture = np.ndarray[Any, np.dtype[np.uint8]]

# Pictures of frames at least so many apart, as RGBA; `how_many` of them. The <video> may be one frame further than the
# event says: a VideoFrame holds picture and time together, so that no frame is taken twice.
PICTURES = """([how_many, apart]) => new Promise((resolve) => {
  const taken = [];
  let last = -1;
  const stop = mundo.on("frame", ({ index, control_seq, width, height }) => {
    if (taken.length && index < taken.at(-1).index + apart) return;
    const frame = new VideoFrame(document.querySelector("video"));
    if (frame.timestamp === last) return frame.close();
    last = frame.timestamp;
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(frame, 0, 0);
    frame.close();
    const rgba = new Uint8Array(context.getImageData(0, 0, width, height).data.buffer).toBase64();
    taken.push({ index, control_seq, width, height, rgba });
    if (taken.length === how_many) { stop(); resolve(taken); }
  });
})"""

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# What the gateway could have said on the events channel, said to the page.
HEAR = """(message) => taps.channels.events.dispatchEvent(
  new MessageEvent("message", { data: JSON.stringify(message) }))"""

STICKS_OUT = """() => {
  const wide = document.documentElement.scrollWidth > innerWidth;
  const scrolls = (one) => one && (/auto|scroll/.test(getComputedStyle(one).overflowX) || scrolls(one.parentElement));
  const cut = [...document.querySelectorAll("button, input, h1, h2, p, a")].filter((one) => {
    const { left, right, width } = one.getBoundingClientRect();
    return one.checkVisibility({ visibilityProperty: true }) && !one.matches(".hidden") && width > 0
      && (left < -1 || right > innerWidth + 1) && !scrolls(one.parentElement);
  });
  return [...(wide ? ["the page"] : []), ...cut.map((one) => one.outerHTML.slice(0, 120))];
}"""


@dataclass(frozen=True)
class Served:
    """Where the gateway is, an invite that opens it, and its process."""

    url: str
    invite: str
    pid: int


@dataclass(frozen=True)
class Shot:
    """A frame as the browser decoded it: RGB [H, W, 3], and the newest control that it obeyed."""

    index: int
    control_seq: int
    picture: Picture

    @classmethod
    def of(cls, taken: dict[str, Any]) -> Shot:
        """Out of what PICTURES resolves to."""
        rgba = np.frombuffer(base64.b64decode(taken["rgba"]), np.uint8)
        picture = rgba.reshape(taken["height"], taken["width"], 4)[..., :3].copy()
        return cls(taken["index"], taken["control_seq"], picture)


class Person:
    """A page and what somebody does with it. Waits are for happenings, with one long patience."""

    def __init__(self, page: Page, served: Served) -> None:
        self.page, self.served = page, served

    async def until(self, expression: str, argument: Any = None) -> Any:
        """The first truthy value of a JavaScript expression."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not (value := await self.page.evaluate(expression, argument)):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            state = await self.page.evaluate("() => [mundo.state, mundo.stats(), document.body.innerText]")
            raise AssertionError(f"waited {PATIENCE_S} s for {expression}; the page is at {state}") from None
        return value

    async def come_in(self) -> None:
        """Redeem the invite by its link, as far as the wall."""
        await self.page.goto(f"{self.served.url}/#invite={self.served.invite}")
        await self.page.wait_for_selector("#describe")

    async def open_world(self, **wish: Any) -> None:
        """Be in a new world of this person's own, and see it."""
        await self.page.evaluate("(wish) => mundo.connect(wish)", wish)
        await self.until("() => mundo.state.phase === 'live' && mundo.state.visible && mundo.stats().frame > 0")

    async def frames(self, count: int) -> None:
        """Let so many more frames be made, whatever the time they take."""
        now = await self.page.evaluate("() => mundo.stats().frame")
        await self.until("(frame) => mundo.stats().frame >= frame", now + count)

    async def shots(self, how_many: int = 1, apart: int = 1) -> list[Shot]:
        """What the <video> shows, of different frames, at least `apart` apart."""
        async with asyncio.timeout(PATIENCE_S):
            taken = await self.page.evaluate(PICTURES, [how_many, apart])
        return [Shot.of(one) for one in taken]

    async def pictures(self, how_many: int = 1, apart: int = 1) -> list[tuple[int, Picture]]:
        """The same as frame index and picture."""
        return [(shot.index, shot.picture) for shot in await self.shots(how_many, apart)]

    async def picture(self) -> Picture:
        """What the <video> shows now."""
        ((_, picture),) = await self.pictures()
        return picture

    async def leave(self) -> None:
        """End the world, so that its worker is free."""
        await self.page.evaluate("() => document.querySelector('.round:has([data-icon=leave])')?.click()")
        await self.page.wait_for_selector(".arrival")

    async def fingers(self) -> Callable[..., Awaitable[None]]:
        """Lays fingers on the page: the kind of a touch event, and where each finger is."""
        touch = await self.page.context.new_cdp_session(self.page)

        async def lay(kind: str, *points: tuple[int, int]) -> None:
            touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
            await touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

        return lay

    async def steered(self) -> dict[str, Any]:
        """The newest snapshot on the control channel."""
        return dict(json.loads(await self.page.evaluate("() => taps.sent.at(-1)")))


class Walker(Person):
    """A person, and what must hold of each state that they meet."""

    def __init__(self, page: Page, served: Served, screen: dict[str, Any]) -> None:
        super().__init__(page, served)
        self.screen = screen
        self.thrown: list[str] = []
        page.on("pageerror", lambda error: self.thrown.append(str(error)))

    async def hear(self, **message: Any) -> None:
        """Let the page hear a message of the gateway."""
        await self.page.evaluate(HEAR, message)

    async def holds(self, buttons: int) -> None:
        """The newest snapshot holds exactly these buttons."""
        await self.until("(buttons) => JSON.parse(taps.sent.at(-1)).buttons === buttons", buttons)

    async def fits(self) -> None:
        """Nothing sticks out of the screen."""
        assert await self.page.evaluate(STICKS_OUT) == []

    async def sound(self, state: str) -> None:
        """The state fits the screen, and axe finds nothing wrong with it."""
        await self.fits()
        if not await self.page.evaluate("() => 'axe' in window"):
            await self.page.evaluate(AXE.read_text())
        found = await self.page.evaluate(
            """async (rules) => {
              const animated = document.getAnimations().filter((one) => one.effect.getTiming().iterations !== Infinity);
              await Promise.all(animated.map((one) => one.finished.catch(() => undefined)));
              const { violations } = await axe.run(document, { runOnly: rules, resultTypes: ["violations"] });
              return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))]);
            }""",
            RULES,
        )
        assert found == [], f"{state} on {self.screen['name']}: {found}"
