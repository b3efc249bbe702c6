"""Late look as somebody chooses it, and the way from hand to eye as the page measures it in a world of the model: 300
presses, and 300 looks with late look and without it, in turn."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.browser.people import Person, Walker

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]

ROUNDS, EACH = 6, 50
PRESS_P50_MS, PRESS_P95_MS, LOOK_P50_MS = 100.0, 150.0, 60.0
LOOK_RAD = 0.03  # seven pixels

# So many presses, or looks to one side and back, at moments that no tick knows; how long each took, as the page says.
ACT = """async ([kind, times, radians]) => {
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const obeyed = [];
  const stop = mundo.on("frame", ({ latency_ms, look_ms }) => obeyed.push(...(kind === "look" ? look_ms : latency_ms)));
  const seen = async (act) => {
    const before = obeyed.length;
    act();
    while (obeyed.length === before) await wait(2);
    return obeyed.at(-1);
  };
  const key = (type, code) => seen(() => dispatchEvent(new KeyboardEvent(type, { code, bubbles: true })));
  const taken = [];
  for (let one = 0; one < times; one += 1) {
    const code = one % 2 ? "KeyD" : "KeyA";
    if (kind === "look") taken.push(await seen(() => mundo.steer({ look: [one % 2 ? -radians : radians, 0] })));
    else {
      taken.push(await key("keydown", code));
      await key("keyup", code);
    }
    await wait(60 + 90 * Math.random());
  }
  stop();
  return taken;
}"""


async def choose_late_look(person: Person, wanted: bool) -> None:
    page = person.page
    await page.keyboard.press("?")
    await page.get_by_label("Late look").set_checked(wanted)
    await page.keyboard.press("Escape")
    await page.wait_for_selector("dialog", state="detached")
    await person.frames(8)


def told(taken_ms: list[float]) -> str:
    p50, p95 = np.percentile(taken_ms, [50, 95])
    return f"p50 {p50:.0f}, p95 {p95:.0f} ms of {len(taken_ms)}"


async def test_late_look_is_chosen_in_the_settings_and_looks_are_counted_apart(inside: Walker) -> None:
    await inside.page.evaluate("() => mundo.steer({ look: [0.02, 0] })")
    await inside.until("() => mundo.stats().looks_measured === 1 && mundo.stats().look_to_photon_p50_ms > 0")
    assert await inside.page.evaluate("() => mundo.stats().inputs_measured") == 0
    for wanted in (False, True):
        await choose_late_look(inside, wanted)
        await inside.until("(wanted) => mundo.state.world.values.late_look === wanted", int(wanted))
    await inside.page.keyboard.press("KeyH")
    await inside.until("() => /\\d ms/.test(document.querySelector('[data-figure=look]').textContent)")


@pytest.mark.soak  # speed: the limits are those of an idle machine of two cores that holds 24 frames a second
async def test_presses_and_looks_are_seen_in_time(person: Person) -> None:
    async def act(kind: str) -> list[float]:
        return list(await person.page.evaluate(ACT, [kind, EACH, LOOK_RAD]))

    await person.come_in()
    await person.open_world(template="shore", seed=7)
    presses: list[float] = []
    looks: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(ROUNDS):
        for late in (True, False):
            await choose_late_look(person, late)
            looks[late] += await act("look")
        presses += await act("press")
    rate = await person.page.evaluate("() => mundo.stats().fps")
    await person.leave()
    figures = f"presses {told(presses)}; looks {told(looks[True])}, without {told(looks[False])}; {rate:.1f} frames/s"
    print(figures)
    assert statistics.median(looks[True]) < statistics.median(looks[False]), figures
    assert statistics.median(presses) <= PRESS_P50_MS and np.percentile(presses, 95) <= PRESS_P95_MS, figures
    assert statistics.median(looks[True]) <= LOOK_P50_MS, figures
