"""What is refused, and that the world goes on: long prompts, malformed offers, junk on a channel, lost connections.
Every refusal has a reason that a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.people import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")

OFFER = """async (sdp) => {
  const answer = await fetch(`/api/v1/sessions/${mundo.state.session}/offer`,
    { method: "POST", headers: { "content-type": "application/sdp" }, body: sdp });
  return [answer.status, answer.headers.get("content-type"), await answer.json()];
}"""


async def test_an_oversized_prompt_is_refused_with_its_reason(visitor: Person) -> None:
    page = visitor.page
    await page.keyboard.press("Enter")
    await page.fill(".say", "snow " * 100)
    assert "too many" in await page.inner_text(".count")
    await page.keyboard.press("Enter")
    await visitor.until("() => document.querySelector('.trail li[data-stage=refused]')")
    assert "400" in await page.inner_text(".trail li[data-stage=refused]")
    await visitor.frames(6)


@pytest.mark.parametrize("sdp", ["", "nonsense", "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "\x00\x01" * 500])
async def test_a_malformed_offer_is_a_problem_and_the_world_goes_on(visitor: Person, sdp: str) -> None:
    status, kind, problem = await visitor.page.evaluate(OFFER, sdp)
    assert 400 <= status < 500, problem
    assert kind.startswith("application/problem+json")
    assert problem["type"].startswith("urn:mundo:problem:")
    assert problem["detail"]
    await visitor.frames(6)


@pytest.mark.parametrize("channel", ["control", "events"])
async def test_junk_on_a_channel_is_refused_and_the_world_goes_on(visitor: Person, channel: str) -> None:
    page = visitor.page
    await page.evaluate("() => { window.refused = []; mundo.on('refused', (reason) => refused.push(reason)); }")
    await page.evaluate(
        """(name) => { const channel = taps.channels[name];
          channel.send(new Uint8Array([0, 255, 3, 128])); channel.send("{"); channel.send('{"type":"nothing"}'); }""",
        channel,
    )
    await visitor.until("() => refused.length > 0 && document.querySelector('.notice')")
    assert channel in (await page.evaluate("() => refused"))[0]
    assert await page.evaluate("() => [mundo.state.phase, taps.peers.length]") == ["live", 1]
    await visitor.frames(6)


async def test_a_flood_of_junk_costs_the_connection_and_the_page_comes_back(visitor: Person) -> None:
    page = visitor.page
    session = await page.evaluate("() => mundo.state.session")
    await page.evaluate("() => { for (let i = 0; i < 60; i += 1) taps.channels.events.send('junk'); }")
    await visitor.until("() => taps.peers.length > 1 && mundo.state.phase === 'live'")
    await visitor.frames(6)
    assert await page.evaluate("() => mundo.state.session") == session


async def test_a_lost_connection_is_shown_and_made_again(visitor: Person) -> None:
    page = visitor.page
    frame = await page.evaluate("() => mundo.stats().frame")
    await page.evaluate(
        """() => { window.phases = []; mundo.on('state', ({ phase }) => phases.push(phase));
          window.veiled = new Promise((told) => new MutationObserver(() => {
            if (document.querySelector('.veil')?.dataset.kind === 'reconnecting') told(document.body.innerText);
          }).observe(document.querySelector('.veil'), { attributes: true, childList: true, subtree: true }));
          taps.channels.events.close(); }"""
    )
    assert "Reconnecting" in await page.evaluate("() => veiled")
    await visitor.until("() => phases.includes('reconnecting') && mundo.state.phase === 'live'")
    await visitor.frames(6)
    assert await page.evaluate("() => mundo.stats().frame") > frame
    await page.keyboard.down("KeyW")
    await visitor.until("() => JSON.parse(taps.sent.at(-1)).buttons === 1")
    await page.keyboard.up("KeyW")


async def test_a_world_that_ends_says_so_and_leads_on(visitor: Person) -> None:
    page = visitor.page
    await page.evaluate("() => fetch(`/api/v1/sessions/${mundo.state.session}`, { method: 'DELETE' })")
    await visitor.until("() => mundo.state.phase === 'ended'")
    await page.get_by_role("button", name="Open another world").click()
    await page.wait_for_selector("#describe")
