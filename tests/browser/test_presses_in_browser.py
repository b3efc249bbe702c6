"""Ten thousand random presses in Chromium over a line that loses every twentieth packet, both ways: each time the hands
come to rest, the worker holds what they hold. The world is painted; its worker says which buttons it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.relay import INIT, Line, Relay

if TYPE_CHECKING:
    from conftest import Walking

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]

SCREEN: dict[str, Any] = {"name": "desktop", "width": 640, "height": 360}
PRESSES, RESTS = 10_000, 20
LOST = 0.05

# So many presses of random keys, each held until it comes again, every few milliseconds; the bits that are held then.
PRESS = """async (times) => {
  const { BUTTONS, bit } = await import("/web/js/buttons.js");
  const keys = BUTTONS.filter((code) => code !== "KeyC");
  window.held ??= new Set();
  for (let press = 0; press < times; press += 1) {
    const code = keys[Math.floor(Math.random() * keys.length)];
    const type = held.has(code) ? "keyup" : "keydown";
    if (!held.delete(code)) held.add(code);
    dispatchEvent(new KeyboardEvent(type, { code, bubbles: true }));
    if (press % 2 === 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * 16));
  }
  return [...held].reduce((bits, code) => bits | bit(code), 0);
}"""


@pytest.mark.soak
async def test_after_ten_thousand_presses_on_a_lossy_line_the_worker_holds_what_the_hands_hold(
    walking: Walking,
) -> None:
    line = Line()
    async with walking(SCREEN, INIT) as walker:
        relay = Relay(line)
        try:
            await relay.stand_before(walker.page)
            await walker.come_in()
            await walker.open_world(template="meadow")
            line.loss = LOST
            rests = []
            for _ in range(RESTS):
                held = await walker.page.evaluate(PRESS, PRESSES // RESTS)
                await walker.until("(held) => mundo.state.world?.values.buttons === held", held)
                rests.append(held)
            assert len(set(rests)) > RESTS // 2, f"expected hands that rest with different keys held: {rests}"
            line.loss = 0.0
            await walker.leave()
        finally:
            relay.close()
