"""Every state that a person meets, on a desktop, a tablet and in Portuguese on a phone: it says what it should, fits
the screen, and axe finds nothing. What the gateway would say is said to the page; the picture is painted."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from conftest import Walking

    from tests.browser.people import Walker

pytestmark = pytest.mark.asyncio(loop_scope="session")

CSS = Path(__file__).resolve().parents[2] / "web" / "css"
DESKTOP: dict[str, Any] = {"name": "desktop", "width": 1280, "height": 720}
PHONE: dict[str, Any] = {"name": "phone", "width": 390, "height": 844, "touch": True, "locale": "pt-BR"}
TABLET: dict[str, Any] = {"name": "tablet", "width": 820, "height": 1180, "touch": True}
OTHERS: list[dict[str, Any]] = [
    {"name": "narrow", "width": 320, "height": 568, "touch": True},
    {"name": "4K", "width": 3840, "height": 2160},
]

# Holds the offer back until `letThrough()`, so that the opening can be looked at.
HOLD_OFFERS = """
window.through = new Promise((resolve) => (window.letThrough = resolve));
const fetched = window.fetch;
window.fetch = async (...given) => {
  if (window.holding && String(given[0]).endsWith("/offer")) await window.through;
  return fetched(...given);
};
"""
SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
MOST_SHIFT = 0.02


@pytest_asyncio.fixture(loop_scope="session", params=[DESKTOP, TABLET, PHONE], ids=lambda screen: screen["name"])
async def walker(request: pytest.FixtureRequest, walking: Walking) -> AsyncIterator[Walker]:
    """Somebody at a screen, with nothing on it yet."""
    async with walking(request.param, HOLD_OFFERS, SHIFTS) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def inside(walker: Walker) -> Walker:
    """Somebody in a world."""
    await walker.come_in()
    await walker.open_world(template="meadow")
    return walker


async def test_arrival_to_world(walker: Walker) -> None:
    page, portuguese = walker.page, walker.screen.get("locale") == "pt-BR"
    await page.goto("/")
    await page.wait_for_selector("#invite:focus")
    assert await page.get_attribute("html", "lang") == ("pt" if portuguese else "en")
    assert ("mundo que responde" if portuguese else "world that answers") in await page.inner_text("h1")
    await walker.sound("invite")
    await page.fill("#invite", "kazik-wrong-wrong")
    await page.keyboard.press("Enter")
    await walker.until("() => document.querySelector('.error').textContent")
    await walker.sound("invite refused")
    await page.fill("#invite", walker.served.invite)
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".wall:not([aria-busy])")
    await walker.until("() => [...document.querySelectorAll('.card img')].every((one) => one.naturalWidth > 0)")
    await walker.sound("choose")
    assert await page.evaluate("() => shifted") < MOST_SHIFT
    await page.evaluate("() => { window.holding = true; }")
    await page.click("[data-template=shore]")
    await page.wait_for_selector(".veil[data-kind=connecting] [aria-current=step]")
    assert ("À beira-mar" if portuguese else "Along the shore") in await page.inner_text(".veil")
    await walker.sound("opening")
    await page.evaluate("() => letThrough()")
    await walker.until("() => mundo.state.visible")
    await page.wait_for_selector(".veil[data-kind=clear]")
    await walker.sound("world")
    assert await page.evaluate("() => shifted") < MOST_SHIFT


async def test_words_figures_and_what_is_under_more(inside: Walker) -> None:
    page = inside.page
    await page.keyboard.press("/")
    await page.keyboard.type("let it snow " * 36)
    await page.wait_for_selector(".count.over")
    await inside.sound("line, too long")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".trail [data-stage=refused]")
    await inside.sound("prompt refused")
    await page.keyboard.press("Enter")
    await page.keyboard.type("let it snow")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".trail .seen")
    await page.keyboard.press("KeyH")
    await page.wait_for_selector(".figures")
    await inside.sound("heard, figures")
    await page.keyboard.press("KeyH")
    assert await page.is_hidden(".figures")
    await page.click(".edge.top [aria-controls=more]")
    await inside.sound("more")
    await page.keyboard.press("Escape")
    assert await page.is_hidden("#more")
    await page.wait_for_selector(".moment", state="attached")
    await page.keyboard.press("Shift")  # a key of the world is no key of the page
    await page.evaluate("() => document.querySelector('video').focus()")
    await page.keyboard.press("KeyT")
    await page.wait_for_selector(".moment")
    await inside.sound("film strip")
    await page.keyboard.press("Escape")
    assert await page.is_hidden(".film")
    await page.evaluate("() => document.querySelector('video').focus()")
    await page.keyboard.press("KeyX")
    await page.wait_for_selector(".moves")
    await inside.sound("camera moves")
    await page.keyboard.press("Escape")
    await page.keyboard.press("KeyC")
    await page.wait_for_selector(".sign p")
    await inside.sound("another camera")
    await page.evaluate("() => document.querySelector('video').focus()")
    await page.keyboard.press("KeyB")
    await page.wait_for_selector(".veil[data-kind=held] button:focus")
    await inside.sound("held still")


async def test_sheets(inside: Walker) -> None:
    page = inside.page
    await page.click(".edge.top .round:has([data-icon=share])")
    await inside.until("() => document.querySelector('dialog[open] input')?.value.includes('/watch#')")
    await page.wait_for_selector(".code svg")
    await inside.sound("share")
    await page.keyboard.press("Escape")
    await page.wait_for_selector("dialog", state="detached")
    await page.keyboard.press("?")
    await page.wait_for_selector("dialog.keys[open]")
    await inside.sound("keys")
    await page.keyboard.press("Escape")
    await page.wait_for_selector("dialog", state="detached")


async def test_together(inside: Walker) -> None:
    page = inside.page
    await inside.hear(type="role", role="driver", owner=True, peer="me")
    people = [{"id": "me", "role": "driver", "owner": True}, {"id": "b", "role": "suggester", "owner": False}]
    await inside.hear(type="people", list=[*people, {"id": "c", "role": "viewer", "owner": False}], holder=None)
    await inside.hear(type="suggestions", list=[{"id": 7, "text": "fog rolls in", "votes": 2}], voting_s=0)
    assert await page.locator(".here li").count() == 3
    assert "fog rolls in" in await page.inner_text(".suggestions")
    await inside.sound("together")
    await inside.hear(type="suggestions", list=[], voting_s=0)
    assert await page.locator(".suggestions li").count() == 0
    # Whoever hands the controls over watches, and may take them back.
    await inside.hear(type="people", list=people, holder="b")
    await inside.hear(type="role", role="viewer", owner=True, peer="me")
    assert await page.locator(".say, .talk").count() == 0
    await inside.sound("handed over")
    await inside.hear(type="role", role="suggester", owner=False, peer="me")
    assert await page.locator(".say").count() == 1 and await page.locator(".talk").count() == 0
    await inside.sound("suggesting")


async def test_states_of_the_gateway(inside: Walker) -> None:
    page = inside.page
    await inside.hear(type="session", state="queued", queue_position=2, wait_s=40)
    await page.wait_for_selector(".veil[data-kind=queued]")
    assert re.search(r"\b2\b.*40", (await page.inner_text(".veil")).replace("\n", " "))
    await inside.sound("queued")
    await inside.hear(type="session", state="queued", queue_position=1, wait_s=None)
    await inside.hear(type="session", state="resuming")
    await page.wait_for_selector(".veil[data-kind=resuming]")
    await inside.sound("resuming")
    await inside.hear(type="session", state="live")
    await page.wait_for_selector(".veil[data-kind=clear]")
    await inside.hear(type="notice", kind="time", text="This world closes in five minutes.")
    await page.wait_for_selector(".notice")
    await inside.sound("notice")


async def test_reconnecting_and_ended(inside: Walker) -> None:
    page = inside.page
    await page.evaluate("() => { window.holding = true; taps.channels.events.close(); }")
    await page.wait_for_selector(".veil[data-kind=reconnecting]")
    await inside.sound("reconnecting")
    await page.evaluate("() => { window.holding = false; letThrough(); }")
    await page.wait_for_selector(".veil[data-kind=clear]")
    await page.evaluate("() => fetch(`/api/v1/sessions/${mundo.state.session}`, { method: 'DELETE' })")
    await page.wait_for_selector(".veil[data-kind=ended] button:focus")
    assert re.search("It was closed|Foi fechado", await page.inner_text(".veil"))
    assert await page.is_visible(".still"), "expected the last picture behind the words"
    await inside.sound("ended")
    await page.keyboard.press("Enter")
    await inside.until("() => document.querySelector('#describe') || mundo.state.phase === 'live'")


async def test_a_microphone_that_is_not_allowed(inside: Walker) -> None:
    page = inside.page
    await page.evaluate(
        """() => { navigator.mediaDevices.getUserMedia = () =>
          Promise.reject(new DOMException("no", "NotAllowedError")); }"""
    )
    await page.click(".talk")
    await page.wait_for_selector(".notice")
    assert re.search("microphone is not allowed|microfone não é permitido", await page.inner_text(".notice"))
    await inside.sound("microphone denied")


@pytest.mark.parametrize("screen", [DESKTOP, TABLET, PHONE], ids=lambda screen: screen["name"])
async def test_browsers_that_cannot(screen: dict[str, Any], walking: Walking) -> None:
    async with walking(screen, "delete window.RTCPeerConnection;") as walker:
        await walker.page.goto("/")
        await walker.page.wait_for_selector(".veil[data-kind=no_webrtc]")
        await walker.sound("no WebRTC")
        # An old browser runs no module of ours: what the page's own text says then.
        await walker.page.route("**/main.js", lambda route: route.abort())
        await walker.page.goto("/")
        await walker.page.wait_for_selector(".old", state="visible")
        await walker.sound("old browser")


@pytest.mark.parametrize("screen", OTHERS, ids=lambda screen: screen["name"])
async def test_other_screens(screen: dict[str, Any], walking: Walking) -> None:
    async with walking(screen) as walker:
        page = walker.page
        await page.goto("/")
        await page.wait_for_selector("#invite")
        await walker.sound("invite")
        await walker.come_in()
        await page.wait_for_selector(".wall:not([aria-busy])")
        await walker.sound("choose")
        await walker.open_world(template="dunes")
        await walker.sound("world")
        for key, selector in (("KeyH", ".figures"), ("?", "dialog.keys")):
            await page.keyboard.press(key)
            await page.wait_for_selector(selector)
            await walker.sound(selector)
            await page.keyboard.press("Escape")
        await page.click(".edge.top [aria-controls=more]")
        await walker.sound("more")
        await page.keyboard.press("Escape")
        await page.click(".edge.top .round:has([data-icon=share])")
        await page.wait_for_selector(".code svg")
        await walker.sound("share")


async def test_motion_is_short_and_none_where_it_is_not_wanted(walking: Walking) -> None:
    async with walking(DESKTOP, HOLD_OFFERS) as walker:
        page = walker.page
        await page.emulate_media(reduced_motion="reduce")
        moving = "() => document.getAnimations().map((one) => one.animationName ?? one.transitionProperty)"
        await walker.come_in()
        await page.wait_for_selector(".wall:not([aria-busy]) .card")
        await page.hover(".card")
        seen = await page.evaluate(moving)
        await page.evaluate("() => { window.holding = true; }")
        await page.click("[data-template=shore]")
        await page.wait_for_selector(".veil [aria-current=step]")
        seen += await page.evaluate(moving)
        await page.evaluate("() => letThrough()")
        await walker.until("() => mundo.state.visible")
        await page.keyboard.press("KeyX")
        seen += await page.evaluate(moving)
        assert seen == []


async def test_no_motion_of_the_styles_is_longer_than_200_ms() -> None:
    """What breathes and drifts while one waits, for ever, apart."""
    styles = "".join(path.read_text() for path in CSS.glob("*.css"))
    told = re.findall(r"(?:animation|transition|--quick|--soft)[\w-]*: ([^;}]+)", styles)
    assert len(told) > 20
    slow = [
        one
        for rule in told
        for one in rule.split(",")
        if "infinite" not in one and any(float(ms) > 200 for ms in re.findall(r"([\d.]+)ms", one))
    ]
    slow += [rule for rule in told if re.search(r"[\d.]+s\b", rule.replace("ms", "")) and "infinite" not in rule]
    assert slow == ["late 0s 3s forwards"], "expected only what waits for a browser that runs none of our modules"
