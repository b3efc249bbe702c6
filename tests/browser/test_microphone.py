"""The microphone: a tone from Chromium's fake device reaches the world's audio tokens; a refusal is told.
The tokens' values are those that the worker reports."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

    from tests.browser.people import Person

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]

LOUDNESS, BANDS_FROM, BANDS = 0, 2, 15  # where the worker's values have loudness, and which are its bands
TONE_BAND = 4  # 440 Hz among 15 bands from 100 Hz to 10 kHz
FOLLOW_FRAMES = 2

# The level that the page measures and the tokens that the worker reports, by the frame at hand.
KEEP_HEARING = """() => {
  window.hearing = [];
  const talk = document.querySelector(".talk");
  mundo.on("state", ({ world }) => {
    if (!world || hearing.at(-1)?.frame === world.frame) return;
    hearing.push({ frame: world.frame, audio: world.audio, level: Number(talk.style.getPropertyValue("--level")) });
  });
}"""


TONE_CAME_AND_WENT = """(loudness) => {
  const loud = hearing.map(({ audio }) => audio[loudness] > 0.5);
  const changes = loud.filter((one, index) => index > 0 && one !== loud[index - 1]).length;
  return changes >= 6;
}"""


async def test_a_loud_tone_reaches_the_audio_tokens(context: BrowserContext, visitor: Person) -> None:
    await context.grant_permissions(["microphone"])
    page = visitor.page
    await page.evaluate(KEEP_HEARING)
    await visitor.frames(12)
    quiet = await page.evaluate("() => hearing.splice(0)")
    await page.keyboard.down("KeyV")
    await visitor.until("() => document.querySelector('.talk').dataset.state === 'talking'")
    await visitor.until(TONE_CAME_AND_WENT, LOUDNESS)
    await page.keyboard.up("KeyV")
    heard = await page.evaluate("() => hearing.splice(0)")
    assert max(entry["audio"][LOUDNESS] for entry in quiet) < 0.1
    loud = [entry for entry in heard if entry["audio"][LOUDNESS] > 0.8]
    assert loud, [entry["audio"][LOUDNESS] for entry in heard]
    bands = loud[len(loud) // 2]["audio"][BANDS_FROM : BANDS_FROM + BANDS]
    assert abs(int(np.argmax(bands)) - TONE_BAND) <= 1, bands
    lags = following(heard)
    assert len(lags) >= 3, [(entry["frame"], entry["level"], entry["audio"][LOUDNESS]) for entry in heard]
    assert statistics.median(lags) <= FOLLOW_FRAMES, f"frames from the page's meter to the token: {lags}"


def following(heard: list[dict[str, Any]]) -> list[int]:
    """For each time that the page's own meter passes half, up or down: frames until the token has done the same."""
    level = [entry["level"] > 0.5 for entry in heard]
    token = [entry["audio"][LOUDNESS] > 0.5 for entry in heard]
    lags = []
    for number in range(1, len(heard)):
        if level[number] != level[number - 1]:
            done = next((later for later in range(number, len(heard)) if token[later] == level[number]), None)
            if done is not None:
                lags.append(int(heard[done]["frame"] - heard[number]["frame"]))
    return lags


async def test_holding_v_in_the_prompt_line_writes_a_v(visitor: Person) -> None:
    page = visitor.page
    await page.keyboard.press("Enter")
    await page.keyboard.type("valley")
    assert await page.input_value(".say") == "valley"
    assert await page.evaluate("() => document.querySelector('.talk').dataset.state") == "silent"
    await page.keyboard.press("Escape")


async def test_a_forbidden_microphone_is_told_and_the_world_goes_on(visitor: Person) -> None:
    page = visitor.page
    await page.evaluate(
        """() => { navigator.mediaDevices.getUserMedia =
          () => Promise.reject(new DOMException("no", "NotAllowedError")); }"""
    )
    await page.get_by_role("button", name="Talk to the world").click()
    await visitor.until("() => document.querySelector('.notice')?.textContent.includes('not allowed')")
    await visitor.frames(6)
