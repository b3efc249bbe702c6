"""The operator's page in Chromium: the token, what stands there, an invite made, a session ended."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
from playwright.async_api import async_playwright, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")
TOKEN = "an operator's token, long enough"


async def test_an_operator_sees_sessions_makes_an_invite_and_ends_a_session(run: Any) -> None:
    here = await run(operator_token=TOKEN)
    owner = await here.invited()
    session = await owner.start()
    await owner.connect(session)
    complaints: list[str] = []
    async with async_playwright() as playwright:
        chromium = shutil.which("chromium") or "/usr/bin/chromium"
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"http://{await here.listen()}/admin")
        await page.fill("#token", "a guess")
        await page.click("#enter button")
        await expect(page.locator("#said")).to_contain_text("token")
        await expect(page.locator("#inside")).to_be_hidden()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        await page.fill("#token", TOKEN)
        await page.click("#enter button")
        await expect(page.locator("#sessions tr", has_text=session)).to_contain_text("live")
        await expect(page.locator("#machine")).to_contain_text(f"of {os.cpu_count()} cores")
        await page.fill("#note", "for Ana")
        await page.click("#invite button")
        await expect(page.locator("#invites tr", has_text="for Ana")).to_contain_text("0 of 1")
        code = await page.locator("#code").inner_text()
        await page.locator("#sessions tr", has_text=session).get_by_text("End").click()
        await expect(page.locator("#sessions")).to_contain_text("Nobody is in a world.")
        await browser.close()
    guest = await here.browser()
    assert (await guest.http.post("/api/v1/invites/redeem", json={"code": code})).status_code == 204
    assert here.gateway.sessions.get(session) is None and not complaints
