"""`<mundo-world>` in a page: it connects, steers and speaks, and a hundred of them leave nothing behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Walking

    from tests.browser.people import Walker

SCREEN: dict[str, Any] = {"name": "desktop", "width": 640, "height": 360}
CYCLES, CYCLES_S = 100, 240.0

# Connects and closes elements as pages do: every fourth once it is live, the others somewhere on the way there.
CYCLE = """async ([session, times]) => {
  for (let cycle = 0; cycle < times; cycle += 1) {
    const world = document.createElement("mundo-world");
    world.setAttribute("controls", "");
    document.body.append(world);
    await world.connect({ session });
    const live = new Promise((resolve) => world.on("state", ({ phase }) => phase === "live" && resolve()));
    await (cycle % 4 ? new Promise((resolve) => setTimeout(resolve, 10 * (cycle % 7))) : live);
    if (cycle % 2) world.close();
    world.remove();
  }
}"""
# The same with the page itself: a world, all its panels, and the arrival in between.
PAGE_CYCLE = """async ([session, times]) => {
  const seen = (selector) => new Promise((resolve) => {
    const look = () => document.querySelector(selector) ? resolve() : setTimeout(look, 5);
    look();
  });
  for (let cycle = 0; cycle < times; cycle += 1) {
    await mundo.connect({ session });
    if (cycle % 4) await new Promise((resolve) => setTimeout(resolve, 10 * (cycle % 7)));
    else while (!mundo.state.visible) await new Promise((resolve) => setTimeout(resolve, 5));
    if (cycle % 2 && cycle + 1 < times) continue; // out of the world into it once more
    document.querySelector("[aria-label=Leave]").click();
    await seen(".wall:not([aria-busy]) .card");
  }
}"""
# Who leaves ends the world: here it stays, for the next time. Nor are our worlds listed so often: that is limited.
STAY = """
const fetched = window.fetch;
window.fetch = async (path, given) => {
  if (given?.method === "DELETE") return new Response(null, { status: 204 });
  return path.endsWith("/worlds") ? Response.json([]) : fetched(path, given);
};
"""
COUNT = "() => taps.peers.filter((peer) => peer.connectionState !== 'closed').length"


async def leaves_nothing(walker: Walker, cycle: str, few: int) -> None:
    """After CYCLES connections there is no element, listener or open peer more than after a few."""
    page = walker.page
    session = await page.evaluate(
        """async () => { await import("/web/js/mundo_world.js");
          return (await (await fetch("/api/v1/sessions", { method: "POST", body: '{"template":"meadow"}',
            headers: { "content-type": "application/json" } })).json()).id; }"""
    )
    measure = await page.context.new_cdp_session(page)
    await measure.send("Performance.enable")

    async def left() -> dict[str, float]:
        for _ in range(2):
            await measure.send("HeapProfiler.collectGarbage")
        metrics = (await measure.send("Performance.getMetrics"))["metrics"]
        return {one["name"]: one["value"] for one in metrics if one["name"] in ("Nodes", "JSEventListeners")}

    async def forget() -> None:
        await page.evaluate("() => { taps.peers.length = 0; taps.channels = {}; taps.sent.length = 0; }")

    await page.evaluate(cycle, [session, few])
    await forget()
    before, elements = await left(), await page.evaluate("() => document.querySelectorAll('*').length")
    try:
        async with asyncio.timeout(CYCLES_S):
            await page.evaluate(cycle, [session, CYCLES])
    except TimeoutError:
        told = await page.evaluate("() => [taps.peers.length, mundo.state, document.body.innerText]")
        raise AssertionError(f"{CYCLES} connections take longer than {CYCLES_S} s; the page is at {told}") from None
    assert await page.evaluate("() => taps.peers.length") >= CYCLES
    assert await page.evaluate(COUNT) == 0
    await forget()
    assert await page.evaluate("() => document.querySelectorAll('*').length") == elements
    after = await left()
    print(f"after {few} connections {before}, after {CYCLES} more {after}")
    assert after["JSEventListeners"] <= before["JSEventListeners"] + 5, (before, after)
    assert after["Nodes"] <= before["Nodes"] + 20, (before, after)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_hundred_connections_leave_nothing(walking: Walking) -> None:
    async with walking(SCREEN) as walker:
        await walker.come_in()
        await leaves_nothing(walker, CYCLE, few=3)


@pytest.mark.soak
@pytest.mark.asyncio(loop_scope="session")
async def test_a_hundred_visits_leave_nothing_on_the_page(walking: Walking) -> None:
    async with walking(SCREEN, STAY) as walker:
        await walker.come_in()
        await leaves_nothing(walker, PAGE_CYCLE, few=5)


@pytest.mark.asyncio(loop_scope="session")
async def test_the_element_steers_and_speaks(walking: Walking) -> None:
    async with walking(SCREEN) as walker:
        page = walker.page
        await walker.come_in()
        await page.evaluate(
            """async () => { await import("/web/js/mundo_world.js");
              document.body.replaceChildren(Object.assign(document.createElement("mundo-world"), { id: "w" }));
              w.setAttribute("controls", "");
              await w.connect({ template: "meadow" }); }"""
        )
        await walker.until("() => w.state.visible && w.stats().fps > 0")
        ref = await page.evaluate("() => w.say('fog rolls in')")
        await walker.until("(ref) => w.state.prompts.find((one) => one.ref === ref).stage === 'heard'", ref)
        await page.evaluate("() => w.steer({ buttons: ['KeyW'] })")
        await walker.until("() => JSON.parse(taps.sent.at(-1)).buttons === 1")
        await page.evaluate("() => { w.steer({ buttons: [] }); w.shadowRoot.querySelector('video').focus(); }")
        await page.keyboard.down("KeyD")
        await walker.until("() => JSON.parse(taps.sent.at(-1)).buttons === 8")
        await page.evaluate("() => w.remove()")
        assert await page.evaluate(COUNT) == 0
