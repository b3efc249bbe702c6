"""The microphone: a tone from Chromium's fake device reaches the world's audio tokens; a refusal is told.
The tokens' values are those that the worker reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Person
    from playwright.async_api import BrowserContext

pytestmark = pytest.mark.asyncio(loop_scope="session")

# The level that the page measures and the tokens that the worker reports, by the frame at hand.
KEEP_HEARING = """() => {
  window.hearing = [];
  const talk = document.querySelector(".talk");
  mundo.on("state", ({ world }) => {
    if (!world || hearing.at(-1)?.frame === world.frame) return;
    hearing.push({ frame: world.frame, audio: world.audio, level: Number(talk.style.getPropertyValue("--level")) });
  });
}"""


async def test_a_loud_tone_reaches_the_audio_tokens(context: BrowserContext, driver: Person) -> None:
    await context.grant_permissions(["microphone"])
    page = driver.page
    await page.evaluate(KEEP_HEARING)
    await driver.frames(24)
    quiet = await page.evaluate("() => hearing.splice(0)")
    await page.keyboard.down("KeyV")
    await driver.until("() => document.querySelector('.talk').dataset.state === 'talking'")
    await driver.frames(96)
    await page.keyboard.up("KeyV")
    heard = await page.evaluate("() => hearing.splice(0)")
    loudest_quiet = max(max(entry["audio"], default=0.0) for entry in quiet)
    loud = [max(entry["audio"]) for entry in heard]
    assert max(loud) > loudest_quiet + 0.2, (loudest_quiet, loud)
    assert await page.evaluate("() => document.querySelector('.talk').dataset.state") == "silent"


async def test_holding_v_in_the_prompt_line_writes_a_v(driver: Person) -> None:
    page = driver.page
    await page.keyboard.press("Enter")
    await page.keyboard.type("valley")
    assert await page.input_value(".say") == "valley"
    assert await page.evaluate("() => document.querySelector('.talk').dataset.state") == "silent"
    await page.keyboard.press("Escape")


async def test_a_forbidden_microphone_is_told_and_the_world_goes_on(driver: Person) -> None:
    page = driver.page
    await page.evaluate(
        """() => { navigator.mediaDevices.getUserMedia =
          () => Promise.reject(new DOMException("no", "NotAllowedError")); }"""
    )
    await page.get_by_role("button", name="Talk to the world").click()
    await driver.until("() => document.querySelector('.notice')?.textContent.includes('not allowed')")
    await driver.frames(6)
