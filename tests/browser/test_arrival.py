"""From the address to the world and out again: invites typed and linked, the wall, and who is turned away.
Judges what a person sees, in Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from configs.paths import WEIGHTS

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

    from tests.browser.people import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_redeem_by_typing_then_describe_a_world_and_be_in_it(person: Person) -> None:
    page = person.page
    await page.goto("/")
    await page.wait_for_selector("#invite:focus")
    await page.keyboard.type(f" {person.served.invite} ")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#describe:focus")
    await page.keyboard.type("a meadow at dawn")
    await page.keyboard.press("Enter")
    await person.until("() => mundo.state.visible")
    assert await page.evaluate("() => [mundo.state.role, mundo.state.phase]") == ["driver", "live"]
    await person.leave()


async def test_an_invite_in_the_link_opens_the_door_and_leaves_the_address(person: Person) -> None:
    await person.come_in()
    assert person.page.url == f"{person.served.url}/"


async def test_a_wrong_invite_is_refused_and_the_right_one_still_works(person: Person) -> None:
    page = person.page
    await page.goto("/")
    await page.fill("#invite", "kazik-wrong-wrong")
    await page.keyboard.press("Enter")
    await person.until("() => document.querySelector('.error').textContent.includes('does not open the door')")
    await page.fill("#invite", person.served.invite)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#describe")


async def test_the_wall_shows_every_template_and_one_click_opens_it(person: Person) -> None:
    page = person.page
    await person.come_in()
    await page.wait_for_selector(".wall:not([aria-busy])")
    listed = await page.evaluate("async () => (await (await fetch('/api/v1/templates')).json()).map(({ id }) => id)")
    assert await page.evaluate("() => [...document.querySelectorAll('.card')].map((c) => c.dataset.template)") == listed
    assert listed, "expected the bundled weights to come with templates"
    await person.until("() => [...document.querySelectorAll('.card img')].every((image) => image.naturalWidth > 0)")
    await page.click(f"[data-template={listed[0]}]")
    await person.until("() => mundo.state.visible")
    await person.leave()


async def test_a_picture_of_ones_own_is_the_first_that_is_seen(person: Person) -> None:
    page, chosen = person.page, WEIGHTS / "templates" / "dunes.png"
    await person.come_in()
    async with page.expect_file_chooser() as choosing:
        await page.get_by_role("button", name="From a picture of yours").press("Enter")
    await (await choosing.value).set_files(chosen)
    await person.until("() => mundo.state.visible")
    with Image.open(chosen) as file:
        own = np.asarray(file.convert("RGB"), np.float32)[8:278, 16:496]
    assert np.abs(await person.picture() - own).mean() < 12, "expected the world to stand where the picture was taken"
    await person.leave()


async def test_what_is_no_picture_leads_back_with_the_reason(person: Person) -> None:
    await person.come_in()
    await person.page.set_input_files("#picture", {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    await person.until("() => document.querySelector('.error')?.textContent.includes('50 megapixels')")


async def test_a_reload_comes_back_to_the_same_world(driver: Person) -> None:
    session = await driver.page.evaluate("() => mundo.state.session")
    await driver.page.reload()
    await driver.until("() => mundo.state.visible")
    assert await driver.page.evaluate("() => mundo.state.session") == session


async def test_leaving_a_world_leaves_nothing_behind(driver: Person) -> None:
    page = driver.page
    await driver.leave()
    assert await page.evaluate("() => taps.peers.map((peer) => peer.connectionState)") == ["closed"]
    left = ".stage, .veil, dialog, video:not(.wall video)"  # the wall's own films may play already
    assert await page.evaluate("(left) => document.querySelectorAll(left).length", left) == 0
    sent = await page.evaluate("() => taps.sent.length")
    await page.keyboard.press("KeyW")
    await page.wait_for_timeout(300)
    assert await page.evaluate("() => [taps.sent.length, mundo.state.phase]") == [sent, "idle"]


async def test_somebody_without_an_invite_is_asked_for_one(person: Person) -> None:
    await person.page.goto("/?world=AAAAAAAAAAAAAAAA")
    await person.page.wait_for_selector("#invite")
    assert "invite" in await person.page.inner_text(".error")


async def test_a_browser_without_webrtc_is_told_so(context: BrowserContext) -> None:
    await context.add_init_script("delete window.RTCPeerConnection;")
    page = await context.new_page()
    await page.goto("/")
    await page.get_by_role("heading", name="This browser cannot show a world").wait_for()
