"""What the page does for a person in a painted world: a small first load, prompts, pictures, recordings, languages,
rest, and a socket where UDP is blocked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

if TYPE_CHECKING:
    from conftest import Walking

    from tests.browser.people import Walker

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCREEN: dict[str, Any] = {"name": "desktop", "width": 1024, "height": 640}
FIRST_LOAD_BYTES = 150_000

# Name, bytes on the wire, bytes of the body there and as it lies, and whether it came before the world's own modules.
LOADED = """() => {
  const all = ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type));
  const world = all.find(({ name }) => name.endsWith("/ui/stage.js"))?.startTime;
  return world && all.map(({ name, transferSize, encodedBodySize, decodedBodySize, startTime }) =>
    [new URL(name).pathname, transferSize, encodedBodySize, decodedBodySize, startTime < world]);
}"""


async def test_what_is_loaded_first_is_small(walking: Walking) -> None:
    """Films apart, which come last."""
    async with walking(SCREEN) as walker:
        await walker.come_in()
        await walker.page.wait_for_selector(".wall:not([aria-busy]) .card")
        await walker.until("() => [...document.querySelectorAll('.card img')].every((one) => one.naturalWidth > 0)")
        await walker.until(LOADED)
        await walker.page.wait_for_load_state("networkidle")
        loaded = {path: sizes for path, *sizes in await walker.page.evaluate(LOADED) if not path.endswith(".mp4")}
        first = {path for path, (*_, before) in loaded.items() if before or "/wall/" in path}
        assert {"/", "/web/js/main.js", "/web/css/arrival.css", "/web/pictures/wall/meadow.avif"} <= first
        weight = sum(loaded[path][0] for path in first)
        print(f"first {weight} bytes, with the world's modules {sum(sizes[0] for sizes in loaded.values())}")
        assert 0 < weight < FIRST_LOAD_BYTES, loaded
        pressed = {path for path, (_, there, lies, _) in loaded.items() if 0 < there < lies}
        assert {"/web/js/main.js", "/web/css/arrival.css", "/web/pictures/horizon.svg"} <= pressed


async def test_a_prompt_is_heard_and_then_seen(inside: Walker) -> None:
    ref = await inside.page.evaluate("() => mundo.say('a balloon rises')")
    await inside.until("(ref) => mundo.state.prompts.find((one) => one.ref === ref).seen_ms > 0", ref)
    await inside.until("() => /heard at frame [\\d,]+, seen after/.test(document.querySelector('.trail').textContent)")


async def test_a_picture_and_a_recording_are_saved(inside: Walker) -> None:
    page = inside.page
    async with page.expect_download() as picture:
        await page.keyboard.press("KeyP")
    assert (await picture.value).suggested_filename.endswith(".png")
    await page.keyboard.press("KeyR")
    await page.wait_for_selector(".recording")
    await inside.frames(30)
    async with page.expect_download() as recording:
        await page.keyboard.press("KeyR")
    path = await (await recording.value).path()
    assert path.stat().st_size > 1000
    assert await page.is_hidden(".recording")


async def test_the_film_strip_shows_how_it_began_what_was_said_and_what_was_kept(inside: Walker) -> None:
    page = inside.page
    await inside.page.evaluate("() => mundo.say('fog rolls in')")
    await page.wait_for_selector(".moment:not(.began)", state="attached")
    await page.mouse.move(500, 300)
    await page.get_by_role("button", name="More").click()
    await page.get_by_role("button", name="Keep this place").click()
    await page.wait_for_selector(".moment.kept", state="attached")
    await page.keyboard.press("KeyT")
    assert await page.locator(".moment q").all_inner_texts() == ["How it began", "fog rolls in", "Kept"]
    lit = """() => [...document.querySelectorAll(".moment canvas")].map((one) =>
      Math.max(...one.getContext("2d").getImageData(0, 0, one.width, one.height).data.filter((_, at) => at % 4 < 3)))"""
    assert min(await page.evaluate(lit)) > 100, "expected pictures of the world"
    await page.locator("button.moment").click()
    await inside.until("() => mundo.state.prompts.filter(({ text }) => text === 'fog rolls in').length === 2")


async def test_figures_are_those_of_the_gateway_and_of_what_is_seen(inside: Walker) -> None:
    page = inside.page
    await page.keyboard.press("KeyH")
    await inside.until("() => mundo.stats().fps > 0 && mundo.stats().loss !== null")
    await page.wait_for_timeout(600)  # they are written twice a second
    told = await page.evaluate(
        """async () => {
          const ready = await (await fetch("/readyz")).json(), shown = {};
          for (const one of document.querySelectorAll("[data-figure]")) shown[one.dataset.figure] = one.textContent;
          return [ready, shown];
        }"""
    )
    ready, shown = told
    assert shown["model"] == f"{ready['model']}, {ready['steps']}"
    assert (shown["rung"], shown["picture"]) == ("270p", "480 × 270")
    assert float(shown["fps"]) > 0 and shown["round_trip"].endswith("ms") and shown["loss"].endswith("%")


async def test_whose_world_it_is_chooses_its_quality(inside: Walker) -> None:
    page = inside.page
    await page.keyboard.press("KeyH")
    await page.keyboard.press("?")
    await page.select_option("#quality", "540p")
    await inside.until("() => mundo.stats().rung.rung === '540p' && mundo.stats().rung.pinned")
    await page.wait_for_selector("[data-figure=rung] >> text=540p")
    await page.keyboard.press("Escape")
    await page.wait_for_selector("dialog", state="detached")
    await page.keyboard.press("?")
    assert await page.input_value("#quality") == "540p"
    await page.select_option("#quality", "")
    await inside.until("() => !mundo.stats().rung.pinned")


async def test_a_link_is_sent_by_what_the_device_has_for_it(walking: Walking) -> None:
    async with walking(SCREEN, "navigator.share = (given) => Promise.resolve(void (window.shared = given));") as walker:
        await walker.come_in()
        await walker.open_world(template="meadow")
        await walker.page.get_by_role("button", name="Share", exact=True).click()
        await walker.page.get_by_role("button", name="Suggest").click()
        await walker.until("() => document.querySelector('dialog input').value.includes('/watch#')")
        await walker.page.get_by_role("button", name="Send…").click()
        shared = await walker.page.evaluate("() => shared.url")
        assert shared == await walker.page.input_value("dialog input")


async def test_at_rest_there_is_the_world_and_nothing_else(inside: Walker) -> None:
    page = inside.page
    await page.mouse.move(500, 300)
    await page.wait_for_selector(".stage.restful")
    seen = """() => [...document.querySelectorAll(".stage *")].filter((one) => one.checkVisibility({
      opacityProperty: true, visibilityProperty: true }) && one.getBoundingClientRect().width > 1
      && (one.textContent.trim() || one.matches("svg, input, button")) && !one.matches(".hidden, .dock, .log, .trail"))
      .map((one) => one.outerHTML.slice(0, 80))"""
    await inside.until("() => document.querySelector('.hint')?.matches('.gone')")
    await inside.until(f"() => ({seen})().length === 0")
    await page.mouse.move(400, 300)
    await page.wait_for_selector(".stage:not(.restful)")


async def test_the_other_language_comes_at_once_and_stays(walking: Walking) -> None:
    async with walking(SCREEN) as walker:
        page = walker.page
        await walker.come_in()
        await page.fill("#describe", "um mar")
        await page.get_by_role("button", name="Português").click()
        await page.wait_for_selector("h1 >> text=Para onde?")
        assert await page.input_value("#describe") == "um mar"
        assert await page.get_attribute("html", "lang") == "pt"
        await page.reload()
        await page.wait_for_selector("h1 >> text=Para onde?")


# The answer's candidates are taken out, so that no packet finds a way.
NO_UDP = """
const Open = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Open {
  setRemoteDescription({ type, sdp }) {
    return super.setRemoteDescription({ type, sdp: sdp.replace(/^a=candidate:.*\\r\\n/gm, "") });
  }
};
"""


async def test_where_udp_is_blocked_the_world_comes_over_a_socket(walking: Walking) -> None:
    async with walking(SCREEN, NO_UDP) as walker:
        page = walker.page
        await walker.come_in()
        await walker.open_world(template="meadow")
        assert await page.evaluate("() => taps.peers.every((peer) => peer.connectionState === 'closed')")
        await page.keyboard.down("KeyW")
        await walker.until("() => mundo.state.world.values.buttons === 1")
        await page.keyboard.up("KeyW")
        await page.keyboard.press("Enter")
        await page.keyboard.type("fog rolls in")
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".trail .seen")
        assert (await walker.picture()).shape == (270, 480, 3)
        await walker.until("() => mundo.stats().inputs_measured > 0 && mundo.stats().round_trip_ms !== null")
        await page.wait_for_function(  # and the operator's metrics count them
            """async () => /^mundo_input_to_photon_seconds_count [1-9]/m.test(await (await fetch("/metrics")).text())"""
        )


async def test_our_worlds_wait_on_the_arrival(inside: Walker) -> None:
    page = inside.page
    await inside.frames(12)
    await page.mouse.move(500, 300)
    await page.get_by_role("button", name="More").click()
    await page.get_by_role("button", name="Keep this place").click()
    await page.wait_for_selector(".notice >> text=Kept")
    await inside.leave()
    await page.wait_for_selector(".shelf li")
    await inside.until("() => document.querySelectorAll('.shelf li').length === 2")
    await inside.sound("our worlds")
    await page.locator(".shelf li").first.get_by_role("button", name="Rename").click()
    await page.fill(".shelf .over input", "The long meadow")
    await page.keyboard.press("Enter")
    await page.locator(".shelf .card-title", has_text="The long meadow").wait_for()
    await page.locator(".shelf .card", has_text="The long meadow").click()
    await inside.until("() => mundo.state.visible")
    await inside.leave()
    await page.wait_for_selector(".shelf li")
    while remaining := await page.locator(".shelf li").count():
        await page.locator(".shelf li").first.get_by_role("button", name="for good").click()
        await page.locator(".shelf .over .primary").click()
        await inside.until("(count) => document.querySelectorAll('.shelf li').length < count", remaining)
    assert await page.is_hidden(".yours")


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A second of film."""
    path = tmp_path_factory.mktemp("loop") / "loop.webm"
    with av.open(str(path), "w") as film:
        track = film.add_stream("libvpx", rate=12)
        track.width, track.height, track.pix_fmt = 96, 54, "yuv420p"
        for shade in range(12):
            picture = av.VideoFrame.from_ndarray(np.full((81, 96), 20 * shade, np.uint8), format="yuv420p")
            film.mux(track.encode(picture))
        film.mux(track.encode(None))
    return path.read_bytes()


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
async def test_the_wall_lives_where_there_are_loops_and_motion_is_wanted(
    walking: Walking, loop: bytes, motion: Any
) -> None:
    async with walking(SCREEN) as walker:
        page = walker.page
        await page.emulate_media(reduced_motion=motion)
        listed = [{"id": "meadow", "title": {"en": "A meadow"}, "loop": "/web/pictures/wall/meadow.webm"}]
        await page.route("**/api/v1/templates", lambda route: route.fulfill(json=listed))
        await page.route("**/meadow.webm", lambda route: route.fulfill(body=loop, content_type="video/webm"))
        await walker.come_in()
        await page.wait_for_selector(".wall:not([aria-busy]) .card")
        if motion == "reduce":
            assert await page.locator(".card video").count() == 0
        else:
            await walker.until("() => document.querySelector('.card video.on')?.currentTime > 0")
            film, others = await page.evaluate(
                """() => {
                  const all = performance.getEntriesByType("resource");
                  const [{ loadEventEnd }] = performance.getEntriesByType("navigation");
                  const film = all.find(({ name }) => name.endsWith("/meadow.webm"));
                  const still = all.find(({ name }) => name.endsWith("/meadow.avif"));
                  return [film.startTime, [still.responseEnd, loadEventEnd]];
                }"""
            )
            assert film >= max(others) > 0, "expected the film after the still and after the page's own load"
