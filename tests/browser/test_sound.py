"""The world's sound in a real Chromium: a tone out of the worker is heard with its frame, captions, mute and volume."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Person, Walker, Walking

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCREEN = {"name": "desk", "width": 1280, "height": 720}
APART_MS = 40.0
ROUNDS = 6

# When the picture became bright (somebody holds Shift) and dark, and when the tone began and ended.
WATCH = """() => {
  const video = document.querySelector("video");
  const audio = new AudioContext();
  const meter = new AnalyserNode(audio, { fftSize: 256 });
  audio.createMediaStreamSource(new MediaStream(video.srcObject.getAudioTracks())).connect(meter);
  const samples = new Float32Array(256);
  const seen = (window.seen = { light: [], sound: [] });
  const note = (list, on, at) => list.at(-1)?.on !== on && list.push({ on, at });
  setInterval(() => {
    meter.getFloatTimeDomainData(samples);
    note(seen.sound, samples.some((one) => Math.abs(one) > 0.2), performance.now());
  }, 4);
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const look = (_, { presentationTime }) => {
    canvas.drawImage(video, 20, 20, 4, 4, 0, 0, 1, 1);
    note(seen.light, canvas.getImageData(0, 0, 1, 1).data[0] > 90, presentationTime);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}"""


# The loudest sample of a moment of the world's sound.
LISTEN = """() => {
  const audio = new AudioContext();
  const meter = new AnalyserNode(audio, { fftSize: 2048 });
  const tracks = document.querySelector("video").srcObject.getAudioTracks();
  audio.createMediaStreamSource(new MediaStream(tracks)).connect(meter);
  const samples = new Float32Array(2048);
  window.loudest = () => {
    meter.getFloatTimeDomainData(samples);
    return samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  };
}"""


def lags(seen: dict[str, Any]) -> list[float]:
    """Milliseconds from each picture that became bright to the tone that began nearest to it."""
    bright = [one["at"] for one in seen["light"] if one["on"]]
    loud = [one["at"] for one in seen["sound"] if one["on"]]
    return [min((b - a for b in loud), key=abs) for a in bright]


async def held(walker: Walker) -> dict[str, Any]:
    """What the page saw and heard while Shift was held for a while, again and again."""
    page = walker.page
    await walker.come_in()
    await walker.open_world()
    await walker.frames(12)
    await page.mouse.click(640, 300)
    await walker.until("() => document.querySelector('video').srcObject?.getAudioTracks().length === 1")
    assert await page.evaluate("() => !document.querySelector('video').muted")
    await page.evaluate(WATCH)
    for number in range(1, ROUNDS + 1):
        await page.keyboard.down("Shift")
        await walker.until("(n) => seen.sound.filter(({ on }) => on).length >= n", number)
        await page.keyboard.up("Shift")
        await walker.until("() => seen.sound.at(-1).on === false && seen.light.at(-1).on === false")
    return dict(await page.evaluate("() => seen"))


async def test_a_tone_out_of_the_worker_is_heard_as_often_as_its_picture_is_seen(walking: Walking) -> None:
    async with walking(SCREEN) as walker:
        seen = await held(walker)
    assert len([one for one in seen["light"] if one["on"]]) == ROUNDS
    assert len([one for one in seen["sound"] if one["on"]]) >= ROUNDS


@pytest.mark.soak
async def test_a_tone_is_heard_within_40_ms_of_its_picture_on_a_machine_at_rest(walking: Walking) -> None:
    async with walking(SCREEN) as walker:
        apart = lags(await held(walker))
    assert abs(statistics.median(apart)) <= APART_MS, f"milliseconds from the picture to its tone: {apart}"


async def test_a_world_of_the_bundled_networks_is_heard(driver: Person) -> None:
    await driver.page.mouse.click(640, 300)
    await driver.page.evaluate(LISTEN)
    await driver.until("() => window.loudest() > 0.002")


async def test_what_is_to_be_heard_is_written_for_who_wants_it_and_the_sound_can_be_off(walking: Walking) -> None:
    async with walking(SCREEN) as walker:
        page = walker.page
        await walker.come_in()
        await walker.open_world()
        await walker.frames(6)
        await page.mouse.click(640, 300)
        assert await page.is_hidden(".captions")
        await page.keyboard.press("?")
        await page.focus("#choose-captions")
        await page.keyboard.press("Space")
        assert await page.is_checked("#choose-captions")
        await page.fill("#volume", "0.5")
        await page.keyboard.press("Escape")
        await walker.until("() => document.querySelector('.captions').innerText === 'wind · rain'")
        await walker.until("() => document.querySelector('video').volume === 0.5")
        await page.keyboard.press("m")
        await walker.until("() => document.querySelector('video').muted")
        await walker.fits()


async def test_the_worlds_own_sound_is_taken_out_of_the_microphone_and_nothing_else_is(walking: Walking) -> None:
    keep = """navigator.mediaDevices.getUserMedia = (wish) => {
      window.wished = wish.audio;
      return Promise.reject(new DOMException("no", "NotAllowedError"));
    };"""
    async with walking(SCREEN, keep) as walker:
        await walker.come_in()
        await walker.open_world()
        await walker.page.get_by_role("button", name="Talk to the world").click()
        wished = await walker.until("() => window.wished")
    assert wished == {"echoCancellation": True, "noiseSuppression": False, "autoGainControl": False}


async def test_what_the_world_understood_is_shown_with_how_sure_it_is(walking: Walking) -> None:
    async with walking(SCREEN) as walker:
        await walker.come_in()
        await walker.open_world()
        said = {"type": "heard", "frame": 9, "words": "let it snow", "kind": "speech"}
        await walker.hear(**said, confidence=0.82, obeyed=True)
        assert await walker.page.inner_text(".understood") == "Heard: “let it snow” (82 % sure)"
        await walker.hear(**said, confidence=0.31, obeyed=False)
        assert "Not understood well enough to act on (31 % sure)" in await walker.page.inner_text(".understood")
        await walker.fits()
