"""A spoken file as Chromium's microphone: the world's own ear understands it and obeys, without a word of text."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import async_playwright

from tests.browser.walk import speech

if TYPE_CHECKING:
    from tests.browser.people import Served

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]

WITHIN_MS = 1000
UTTERANCES = 16  # of which one at least: on a busy host sound is lost, and what is understood comes late

HEARD = """([most, within_ms]) => {
  const heard = kept.heard.slice(1);
  return heard.length >= most || heard.some((one) => one.obeyed && one.after_ms <= within_ms);
}"""

# When the page's own meter last heard a voice before the world said what it had understood; of every utterance, for the
# first one may have begun before anybody listened.
KEEP = """() => {
  const kept = (window.kept = { loud_at: 0, heard: [] });
  const talk = document.querySelector(".talk");
  setInterval(() => {
    if (Number(talk.style.getPropertyValue("--level")) > 0.4) kept.loud_at = performance.now();
  }, 20);
  mundo.on("heard", (heard) => kept.heard.push({ ...heard, after_ms: performance.now() - kept.loud_at }));
}"""


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sentence and a pause, which Chromium plays again and again."""
    path = tmp_path_factory.mktemp("spoken") / "spoken.wav"
    speech(path)
    return path


async def test_a_spoken_sentence_is_understood_and_obeyed_within_a_second_of_its_end(
    served: Served, spoken: Path
) -> None:
    path = shutil.which("chromium")
    assert path, "Chromium is missing, and the page cannot be judged without it (apt install chromium)"
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={spoken}"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        context = await browser.new_context(base_url=served.url, permissions=["microphone"])
        page = await context.new_page()
        await page.goto(f"{served.url}/#invite={served.invite}")
        await page.wait_for_selector("#describe")
        await page.evaluate("() => mundo.connect({ template: 'meadow' })")
        await page.wait_for_function("() => mundo.state.visible", timeout=60_000)
        await page.evaluate(KEEP)
        await page.get_by_role("button", name="Talk to the world").click()
        await page.wait_for_function(HEARD, arg=[UTTERANCES, WITHIN_MS], timeout=180_000)
        heard = await page.evaluate("() => kept.heard")
        await browser.close()
    assert any(one["obeyed"] and one["after_ms"] <= WITHIN_MS for one in heard[1:]), heard
