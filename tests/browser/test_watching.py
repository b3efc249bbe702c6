"""A second browser on the share link: the same stream, and nothing that it does changes the world.
Also the links' ends: expired and withdrawn."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.browser.people import Person

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]
PATIENCE_S = 60.0

# Keeps the picture of every sixth frame, by its index: the page's own callback, which comes before this one, names the
# frame that is shown; where the <video> is further already than its callbacks, the picture is not that frame's.
KEEP_ALBUM = """() => {
  window.album = new Map();
  const video = document.querySelector("video");
  const context = new OffscreenCanvas(480, 270).getContext("2d", { willReadFrequently: true });
  let index = -1;
  mundo.on("frame", (frame) => { index = frame.index; });
  const keep = (_now, { mediaTime }) => {
    video.requestVideoFrameCallback(keep);
    if (index < 0 || index % 6) return;
    const frame = new VideoFrame(video);
    if (Math.abs(frame.timestamp - mediaTime * 1e6) < 2) {
      context.drawImage(frame, 0, 0);
      album.set(index, new Uint8Array(context.getImageData(0, 0, 480, 270).data.buffer));
      if (album.size > 40) album.delete(album.keys().next().value);
    }
    frame.close();
  };
  video.requestVideoFrameCallback(keep);
}"""


async def share_link(visitor: Person) -> str:
    """The link that the share sheet makes, by clicking as a person does."""
    await visitor.page.get_by_role("button", name="Share", exact=True).click()
    await visitor.until("() => document.querySelector('dialog[open] input')?.value.includes('/watch#')")
    link: str = await visitor.page.input_value("dialog input")
    await visitor.page.keyboard.press("Escape")
    return link


async def page_of_album(somebody: Person, index: int) -> np.ndarray:
    """The picture of frame `index`, as somebody's browser showed it."""
    kept = await somebody.page.evaluate("(index) => album.get(index).toBase64()", index)
    return np.frombuffer(base64.b64decode(kept), np.uint8).astype(int)


async def make_share(visitor: Person, **wish: Any) -> dict[str, str]:
    """A link by the API, with what the sheet does not offer."""
    made: dict[str, str] = await visitor.page.evaluate(
        """async (wish) => (await fetch(`/api/v1/sessions/${mundo.state.session}/shares`, { method: "POST",
           headers: { "content-type": "application/json" }, body: JSON.stringify(wish) })).json()""",
        {"role": "viewer", **wish},
    )
    return made


async def test_a_second_browser_sees_the_same_frames(visitor: Person, stranger: Person) -> None:
    await stranger.page.goto(await share_link(visitor))
    await stranger.until("() => mundo.state.visible && mundo.stats().frame > 0")
    assert await stranger.page.evaluate("() => mundo.state.role") == "viewer"
    for somebody in (visitor, stranger):
        await somebody.page.evaluate(KEEP_ALBUM)
    await visitor.page.evaluate("() => mundo.steer({ buttons: ['ArrowRight'] })")
    common: list[int] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(common) < 3:  # a busy browser shows not every frame
            await visitor.frames(12)
            theirs, ours = [set(await one.page.evaluate("() => [...album.keys()]")) for one in (stranger, visitor)]
            common = sorted(theirs & ours)
    off = []
    for index in common[-3:]:
        a, b = [await page_of_album(somebody, index) for somebody in (visitor, stranger)]
        off.append(float(np.abs(a - b).mean()))
    assert np.median(off) < 1.0, f"frames {common[-3:]} differ by {off}"  # one may be misnamed by a busy browser
    await visitor.until("() => document.querySelector('.people').textContent === '1 watching'")


async def test_a_watcher_cannot_steer_or_speak(visitor: Person, stranger: Person) -> None:
    await stranger.page.goto(await share_link(visitor))
    await stranger.until("() => mundo.state.visible")
    assert await stranger.page.locator(".say, .talk, [aria-label=Share]").count() == 0
    await stranger.page.keyboard.down("KeyW")
    assert await stranger.page.evaluate("() => taps.sent.length") == 0
    await visitor.page.evaluate("() => { window.receipts = []; mundo.on('receipt', (r) => receipts.push(r)); }")
    # What the page does not send, the gateway does not take either.
    await stranger.page.evaluate(
        """() => { for (let seq = 1e6; seq < 1e6 + 10; seq += 1) {
          taps.channels.control.send(JSON.stringify({ seq, buttons: 1, look_x: seq, look_y: 0, t: 0 })); } }"""
    )
    await stranger.page.evaluate(
        "() => { mundo.on('refused', (r) => (window.refused = r)); mundo.say('night falls'); }"
    )
    await stranger.until("() => mundo.state.prompts[0].stage === 'refused'")
    await visitor.frames(24)
    text_ids = await visitor.page.evaluate("() => receipts.map((receipt) => receipt.text_id)")
    assert set(text_ids) == {0}, "expected the opening prompt to stay in force"
    values = await visitor.page.evaluate("() => mundo.state.world?.values ?? {}")
    assert values.get("buttons", 0.0) == 0.0


async def test_an_expired_link_is_refused_and_the_world_goes_on(visitor: Person, stranger: Person) -> None:
    share = await make_share(visitor, expires_s=0.05)
    await visitor.frames(6)
    await stranger.page.goto(share["url"])
    await stranger.until("() => document.querySelector('.error')?.textContent.includes('expired')")
    await visitor.frames(6)


async def test_a_withdrawn_link_closes_whom_it_let_in(visitor: Person, stranger: Person) -> None:
    await stranger.page.goto(await share_link(visitor))
    await stranger.until("() => mundo.state.visible")
    await visitor.page.get_by_role("button", name="Share", exact=True).click()
    await visitor.page.get_by_role("button", name="Stop sharing").click()
    await stranger.until("() => mundo.state.phase === 'ended'")
    await stranger.page.get_by_role("heading", name="This world has ended").wait_for()
    await visitor.page.keyboard.press("Escape")
    await visitor.frames(6)
