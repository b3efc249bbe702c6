"""Hands and words in the browser: which keys walk, which write, and that the picture obeys both.
The picture is judged by the probe, from the pixels that Chromium received."""

from __future__ import annotations

import itertools
import statistics
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.browser.people import Person

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]

SETTLE_FRAMES = 48
APART_FRAMES, MOST_APART_FRAMES = 5, 8  # what the probe was trained on
LEAST_FORWARD_M, LEAST_TURN_RAD = 0.15, 0.05


@pytest.fixture(scope="module")
def probe() -> Any:
    """A small network trained on simulator frames: what is in a picture, and what moved between two."""
    from model.evaluation.probe import Probe

    return Probe.load()


async def motion(driver: Person, probe: Any, pairs: int = 4) -> dict[str, float]:
    """What moves from a picture to the next, on average: `forward` in metres, `turn` in radians."""
    seen = await driver.pictures(2 * pairs + 1, APART_FRAMES)
    moved = [
        probe.motion(a, b)
        for (first, a), (second, b) in itertools.pairwise(seen)
        if second - first <= MOST_APART_FRAMES
    ]
    assert moved, f"expected frames {APART_FRAMES} to {MOST_APART_FRAMES} apart, got {[index for index, _ in seen]}"
    return {name: statistics.fmean(one[name] for one in moved) for name in ("forward", "turn")}


async def test_holding_w_walks_and_letting_go_stops(driver: Person, probe: Any) -> None:
    still = (await motion(driver, probe))["forward"]
    await driver.page.keyboard.down("KeyW")
    await driver.frames(6)
    walking = (await motion(driver, probe))["forward"]
    await driver.page.keyboard.up("KeyW")
    await driver.frames(12)
    stopped = (await motion(driver, probe))["forward"]
    assert walking > max(still, stopped) + LEAST_FORWARD_M, (still, walking, stopped)


async def test_arrows_turn_the_view_both_ways(driver: Person, probe: Any) -> None:
    turned = {}
    for key in ("ArrowRight", "ArrowLeft"):
        await driver.page.keyboard.down(key)
        await driver.frames(6)
        turned[key] = (await motion(driver, probe, pairs=2))["turn"]
        await driver.page.keyboard.up(key)
        await driver.frames(12)
    assert turned["ArrowLeft"] < -LEAST_TURN_RAD and turned["ArrowRight"] > LEAST_TURN_RAD, turned


@pytest.mark.parametrize(("text", "what"), [("let it snow", "snow"), ("night falls", "night")])
async def test_a_typed_prompt_changes_the_picture(driver: Person, probe: Any, text: str, what: str) -> None:
    page = driver.page
    before = probe.read(await driver.picture())[what]
    await page.keyboard.press("Enter")
    await page.keyboard.type(text)
    await page.keyboard.press("Enter")
    await driver.until("() => mundo.state.prompts.at(-1)?.stage === 'heard'")
    await driver.frames(SETTLE_FRAMES)
    after = probe.read(await driver.picture())[what]
    assert before < 0.5 < after, f"{what} was {before:.2f}, is {after:.2f}"


async def test_a_prompt_shows_its_life(driver: Person) -> None:
    page = driver.page
    await page.keyboard.press("/")
    await page.keyboard.type("fog rolls in")
    await page.keyboard.press("Enter")
    await driver.until("() => /heard at frame [\\d,]+/.test(document.querySelector('.trail').textContent)")
    (prompt,) = await page.evaluate("() => mundo.state.prompts")
    assert (prompt["text"], prompt["stage"]) == ("fog rolls in", "heard")
    assert prompt["frame"] > 0


async def test_letters_in_the_prompt_line_do_not_walk(driver: Person) -> None:
    page = driver.page
    await page.keyboard.press("Enter")
    await page.keyboard.type("was dawn", delay=20)
    assert (await driver.steered())["buttons"] == 0
    await page.keyboard.press("Escape")
    await page.keyboard.down("KeyW")
    assert (await driver.steered())["buttons"] == 1
    await page.keyboard.up("KeyW")


async def test_a_key_held_while_the_line_opens_keeps_walking(driver: Person) -> None:
    page = driver.page
    await page.keyboard.down("KeyW")
    await page.keyboard.press("Enter")
    await page.keyboard.down("KeyW")  # as a keyboard repeats it
    await page.keyboard.type("rain")
    assert await page.input_value(".say") == "rain"
    assert (await driver.steered())["buttons"] == 1
    await page.keyboard.up("KeyW")
    await driver.until("() => JSON.parse(taps.sent.at(-1)).buttons === 0")


async def test_losing_the_window_lets_go_of_everything(driver: Person) -> None:
    page = driver.page
    for key in ("KeyW", "ShiftLeft", "Space"):
        await page.keyboard.down(key)
    assert (await driver.steered())["buttons"] == 1 + (1 << 8) + (1 << 9)
    await page.evaluate("() => window.dispatchEvent(new Event('blur'))")
    assert (await driver.steered())["buttons"] == 0


async def test_the_mouse_looks_under_pointer_lock(driver: Person) -> None:
    page = driver.page
    await page.mouse.click(320, 120)
    await driver.until("() => document.pointerLockElement !== null")
    before = await driver.steered()
    await page.mouse.move(420, 120, steps=5)
    await driver.until("(x) => JSON.parse(taps.sent.at(-1)).look_x > x + 0.05", before["look_x"])
    await page.keyboard.press("Enter")
    await driver.until("() => document.pointerLockElement === null")


async def test_programs_steer_too_and_misuse_is_named(driver: Person) -> None:
    page = driver.page
    await page.evaluate("() => mundo.steer({ buttons: ['KeyD', 'ShiftLeft'], look: [0.1, 0] })")
    assert (await driver.steered())["buttons"] == (1 << 3) + (1 << 9)
    said = await page.evaluate("() => { try { mundo.steer({ buttons: ['KeyQ'] }); } catch (e) { return e.message; } }")
    assert "KeyQ" in said


async def test_the_left_thumb_walks_and_the_right_one_looks(driver: Person) -> None:
    finger = await driver.fingers()
    await finger("touchStart", (120, 200))
    await finger("touchMove", (150, 150))
    await driver.until("() => JSON.parse(taps.sent.at(-1)).buttons === 1 + 8")
    await finger("touchStart", (150, 150), (500, 150))
    await finger("touchMove", (150, 150), (460, 150))
    await driver.until("() => JSON.parse(taps.sent.at(-1)).look_x > 0.1")
    assert (await driver.steered())["buttons"] == 1 + 8
    await finger("touchEnd")
    await driver.until("() => JSON.parse(taps.sent.at(-1)).buttons === 0")
