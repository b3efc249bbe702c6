"""Ways through the page from arrival to leaving: by keyboard alone, by fingers alone, and as a stranger who is told
nothing, with a clock; and how soon the first frame of a world is seen."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Walking
    from playwright.async_api import Browser

    from tests.browser.people import Person, Served

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]

SCREEN: dict[str, Any] = {"name": "desktop", "width": 1024, "height": 640}
PHONE: dict[str, Any] = {"name": "phone", "width": 390, "height": 844, "touch": True}
STRANGER_S = 60.0
FIRST_FRAME_MS = 2000.0

# Milliseconds from a click to the first frame of the world that it opens.
CLICK_TO_FRAME = """(selector) => new Promise((resolve) => {
  const clicked = performance.now();
  const stop = mundo.on("state", ({ visible }) => {
    if (!visible) return;
    stop();
    resolve(performance.now() - clicked);
  });
  document.querySelector(selector).click();
})"""


async def test_by_keyboard_alone_from_arrival_to_leaving(walking: Walking) -> None:
    async with walking(SCREEN) as walker:
        page, keys = walker.page, walker.page.keyboard

        async def tab_to(selector: str) -> None:
            for _ in range(30):
                if await page.evaluate("(to) => document.activeElement.matches(to)", selector):
                    return
                await keys.press("Tab")
            raise AssertionError(f"no Tab leads to {selector}")

        await page.goto("/")
        await page.wait_for_selector("#invite:focus")
        await keys.type(walker.served.invite)
        await keys.press("Enter")
        await page.wait_for_selector(".wall:not([aria-busy]) .card")
        await tab_to("[data-template=meadow]")
        await keys.press("Enter")
        await walker.until("() => mundo.state.visible")
        await keys.down("KeyW")
        await walker.holds(1)
        await keys.up("KeyW")
        await keys.press("Enter")
        await keys.type("night falls")
        await keys.press("Enter")
        await page.wait_for_selector(".trail .seen")
        assert await page.evaluate("() => document.activeElement.tagName") == "VIDEO"
        await tab_to(".round:has([data-icon=share])")
        await keys.press("Enter")
        await walker.until("() => document.querySelector('dialog[open] input')?.value.includes('/watch#')")
        await keys.press("Escape")
        await page.wait_for_selector("dialog", state="detached")
        assert await page.evaluate("() => document.activeElement.ariaLabel") == "Share"
        await tab_to("[aria-label=Leave]")
        await keys.press("Enter")
        await page.wait_for_selector("#describe")


async def strangers_way(person: Person, friend: Person, walks: str) -> dict[str, float]:
    """Invite, world, prompt, walk, share, and a second browser watches, as who was told nothing goes. `walks` is what
    the world's state says then. When each was reached, in seconds."""
    page, began, reached = person.page, time.monotonic(), dict[str, float]()

    def now(name: str) -> None:
        reached[name] = round(time.monotonic() - began, 2)

    await page.goto(f"/#invite={person.served.invite}")
    await page.wait_for_selector("#describe:focus")
    now("in")
    await page.keyboard.type("a foggy coast at dusk")
    await page.keyboard.press("Enter")
    now("asked for a world")
    await person.until("() => mundo.state.visible")
    now("in a world")
    await page.keyboard.press("Enter")
    await page.keyboard.type("let it snow")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".trail [data-stage=heard]")
    now("heard")
    await page.keyboard.down("KeyW")
    await person.until(f"() => mundo.state.world.values.{walks}")
    await page.keyboard.up("KeyW")
    now("walked")
    await page.get_by_role("button", name="Share", exact=True).click()
    await person.until("() => document.querySelector('dialog[open] input')?.value.includes('/watch#')")
    now("shared")
    await friend.page.goto(await page.input_value("dialog input"))
    await friend.until("() => mundo.state.visible && mundo.state.role === 'viewer'")
    await person.until("() => document.querySelector('.people').textContent === '1 watching'")
    now("watched")
    print(f"a stranger's way, in seconds: {reached}")
    return reached


async def test_a_strangers_way_without_documentation(walking: Walking) -> None:
    async with walking(SCREEN) as walker, walking({**SCREEN, "touch": True}) as friend:
        assert (await strangers_way(walker, friend, "buttons === 1"))["watched"] < STRANGER_S


async def test_a_strangers_way_into_a_world_of_the_model(person: Person, stranger: Person) -> None:
    assert (await strangers_way(person, stranger, "speed > 0.5"))["watched"] < STRANGER_S
    await person.page.keyboard.press("Escape")
    await person.leave()


async def test_by_fingers_alone_from_arrival_to_leaving(walking: Walking) -> None:
    async with walking(PHONE) as walker:
        page = walker.page
        await page.goto("/")
        await page.tap("#invite")
        await page.keyboard.type(walker.served.invite)  # as a keyboard on the glass does
        await page.tap("form .primary")
        await page.tap("[data-template=meadow]")
        await walker.until("() => mundo.state.visible")
        finger = await walker.fingers()
        await finger("touchStart", (100, 500))
        await finger("touchMove", (100, 450))
        await walker.holds(1)
        await finger("touchStart", (100, 450), (300, 500))
        await finger("touchMove", (100, 450), (260, 500))
        await walker.until("() => JSON.parse(taps.sent.at(-1)).look_x > 0.05")
        await finger("touchEnd")
        await walker.holds(0)
        await page.tap(".say")
        await page.keyboard.type("night falls")
        await page.tap(".send")
        await page.wait_for_selector(".trail .seen")
        await page.tap(".edge.top .round:has([data-icon=share])")
        await walker.until("() => document.querySelector('dialog[open] input')?.value.includes('/watch#')")
        await page.tap("dialog .round:has([data-icon=close])")
        await page.wait_for_selector("dialog", state="detached")
        await page.tap(".edge.top [aria-controls=more]")
        await page.tap("#more .entry:has([data-icon=film])")
        await page.wait_for_selector(".film:not([hidden]) .moment")
        await page.tap("video", position={"x": 200, "y": 200})
        await page.tap(".edge.top [aria-label=Leave]")
        await page.wait_for_selector("#describe")


@pytest.mark.soak
async def test_the_first_frame_is_there_within_two_seconds_of_the_click(person: Person) -> None:
    """On a machine that has nothing else to do; the median of several worlds, from places and from words."""
    page = person.page
    waits: dict[str, float] = {}
    await person.come_in()
    for place, words in (
        ("shore", "a foggy coast at dusk"),
        ("dunes", "a meadow at dawn"),
        ("winter", "dunes at night"),
    ):
        await page.wait_for_selector(f"[data-template={place}]")
        waits[place] = await page.evaluate(CLICK_TO_FRAME, f"[data-template={place}]")
        await person.leave()
        await page.fill("#describe", words)
        waits[words] = await page.evaluate(CLICK_TO_FRAME, "form .primary")
        await person.leave()
    print(f"from the click to the first frame, in ms: {waits}")
    assert statistics.median(waits.values()) < FIRST_FRAME_MS, waits


async def test_the_picture_goes_on_where_a_browser_asks_for_a_touch_before_sound(
    served: Served, asking: Browser
) -> None:
    context = await asking.new_context(viewport={"width": 1024, "height": 640}, base_url=served.url)
    page = await context.new_page()
    await page.goto("/")
    await page.fill("#invite", served.invite)
    await page.keyboard.press("Enter")
    for _ in range(2):
        await page.click(".wall:not([aria-busy]) [data-template=meadow]")
        await page.wait_for_function("() => mundo.state.visible")
        await page.wait_for_function("() => document.querySelector('.stage video').currentTime > 1", timeout=20_000)
        assert not await page.evaluate("() => document.querySelector('.stage video').muted")
        await page.click("[aria-label=Leave]")
        await page.wait_for_selector("#describe")
    await context.close()
