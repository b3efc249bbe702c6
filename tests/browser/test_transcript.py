"""What the browser's own speech recognition understands, where it has one and the person asked for it: text to the
world, in the page's language. The recognizer is a stand-in with the browser's face, for Debian's has no service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Walking

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCREEN: dict[str, Any] = {"name": "desktop", "width": 1024, "height": 640, "locale": "pt-BR"}
RECOGNIZER = """
window.recognizers = [];
window.SpeechRecognition = window.webkitSpeechRecognition = class {
  constructor() { recognizers.push(this); }
  start() { this.running = true; }
  stop() { this.running = false; this.onend?.(); }
  abort() { this.running = false; }
  hear(transcript, isFinal) { this.onresult({ resultIndex: 0, results: [{ isFinal, 0: { transcript } }] }); }
};
"""


async def test_what_the_browser_writes_down_is_said_to_the_world_when_a_person_asked_for_it(walking: Walking) -> None:
    async with walking(SCREEN, RECOGNIZER) as walker:
        page = walker.page
        await page.context.grant_permissions(["microphone"])
        await walker.come_in()
        await walker.open_world(template="meadow")
        await page.click(".talk")
        await page.wait_for_selector(".talk[data-state=talking]")
        assert await page.evaluate("() => recognizers.length") == 0, "expected nothing before somebody asked for it"
        await page.click(".talk")
        await page.keyboard.press("?")
        await page.check("#choose-transcribe")
        await page.keyboard.press("Escape")
        await page.wait_for_selector("dialog", state="detached")
        await page.evaluate("() => document.querySelector('video').focus()")
        await page.keyboard.down("KeyV")
        await walker.until("() => recognizers[0]?.running")
        assert await page.evaluate("() => recognizers[0].lang") == "pt"
        await page.evaluate("() => recognizers[0].hear('que caia', false)")
        await page.wait_for_selector(".understood >> text=que caia")
        await page.evaluate("() => recognizers[0].hear('que caia neve', true)")
        await walker.until("() => mundo.state.prompts.at(-1)?.text === 'que caia neve'")
        await page.keyboard.up("KeyV")
        await walker.until("() => !recognizers[0].running")


async def test_where_the_browser_has_none_it_is_not_offered(walking: Walking) -> None:
    async with walking(SCREEN, "delete window.SpeechRecognition; delete window.webkitSpeechRecognition;") as walker:
        await walker.come_in()
        await walker.open_world(template="meadow")
        await walker.page.keyboard.press("?")
        await walker.page.wait_for_selector("#choose-captions")
        assert await walker.page.locator("#choose-transcribe").count() == 0
