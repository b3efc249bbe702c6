"""What an operator's hooks see before a world does: texts, what is said aloud, pictures, imported worlds."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image

from engine.messages import PICTURE_HEIGHT, PICTURE_WIDTH
from server.channels import PromptUnfit
from server.moderation import HookMissing, Moderation
from server.saves import About, Saved, pack
from server.settings import ModerationSettings

pytestmark = pytest.mark.asyncio(loop_scope="session")
WORLD = {"Content-Type": "application/vnd.mundo.world"}


def refuses_blood(text: str) -> str | None:
    """A hook as an operator writes it."""
    if text == "break the hook":
        raise RuntimeError("no connection")
    return "No blood here." if "blood" in text else None


async def refuses_spoken_blood(text: str) -> str | None:
    """Sees texts and words alike; one of them takes longer than it may."""
    if text == "slow down":
        await slow(text)
    return None if text.startswith("aloud:") else refuses_blood(text)


async def slow(text: str) -> None:
    import asyncio

    await asyncio.sleep(10)


async def test_a_hook_refuses_texts_and_the_world_goes_on(run: Any) -> None:
    here = await run(moderation={"hook": f"{__name__}:refuses_blood", "timeout_s": 1.0})
    browser = await here.invited()
    answer = await browser.http.post("/api/v1/sessions", json={"prompt": "a sea of blood"})
    assert answer.status_code == 422 and answer.json()["detail"] == "No blood here."
    session = await browser.start(prompt="a sea")
    connection = await browser.connect(session)
    for ref, text in enumerate(("blood", "break the hook"), start=1):
        connection.tell(type="text", text=text, ref=ref)
        assert (await connection.until("refused"))["ref"] == ref
    answer = await browser.http.post(f"/api/v1/sessions/{session}/prompts", json={"text": "blood"})
    assert answer.json()["type"].endswith("prompt-refused")
    answer = await browser.http.post(f"/api/v1/sessions/{session}/saves", json={"name": "blood"})
    assert answer.json()["type"].endswith("prompt-refused")
    connection.tell(type="text", text="a calm sea", ref=3)
    await connection.until("state", lambda event: event["values"]["letters"] == len("a calm sea"))


async def test_what_is_said_aloud_is_obeyed_only_after_the_hook_saw_its_words(run: Any) -> None:
    here = await run(moderation={"hook": f"{__name__}:refuses_spoken_blood", "timeout_s": 1.0})
    browser = await here.invited()
    connection = await browser.connect(await browser.start(prompt="a sea"))
    heard = []
    for words in ("blood", "slow down", "", "a calm sea"):
        connection.tell(type="text", text=f"aloud: {words}", ref=1)
        heard.append(await connection.until("heard"))
    assert [one["obeyed"] for one in heard] == [False, False, False, True]
    reasons = ["No blood here.", "The text cannot be checked just now.", "What was said cannot be checked."]
    assert [one.get("reason") for one in heard] == [*reasons, None]
    assert {one["words"] for one in heard} == {"blood", "slow down", "", "a calm sea"}
    await connection.until("state", lambda event: event["values"]["letters"] == len("a calm sea"))


async def test_without_a_hook_nothing_that_is_said_aloud_waits(here: Any) -> None:
    browser = await here.invited()
    connection = await browser.connect(await browser.start(prompt="a sea"))
    connection.tell(type="text", text="aloud: blood", ref=1)
    heard = await connection.until("heard")
    assert heard["obeyed"] and "reason" not in heard


def refuses_red(png: bytes) -> str | None:
    """A hook for pictures; they come to it as worlds begin from them."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
        assert picture.size == (PICTURE_WIDTH, PICTURE_HEIGHT)
        red, green, _ = picture.convert("RGB").getpixel((256, 144))
    if green > 200:
        raise RuntimeError("no connection")
    return "No red here." if red > 200 else None


def painted(colour: str, kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (800, 600), colour).save(file, kind)
    return file.getvalue()


def wish(colour: str) -> dict[str, str]:
    return {"picture": base64.b64encode(painted(colour, "JPEG")).decode(), "prompt": "a sea"}


async def test_a_hook_refuses_pictures_and_all_stays_as_it_was(run: Any) -> None:
    hooks = {"picture_hook": f"{__name__}:refuses_red", "timeout_s": 5.0}
    here = await run(moderation=hooks, limits={"sessions_a_device": 1})
    browser = await here.invited()
    session = await browser.start(prompt="a bay")
    for colour, reason in (("red", "No red here."), ("lime", "The picture cannot be checked just now.")):
        answer = await browser.http.post("/api/v1/sessions", json=wish(colour))
        assert answer.status_code == 422 and answer.json()["type"].endswith("prompt-refused")
        assert answer.json()["detail"] == reason
    assert [one.id for one in here.gateway.sessions.all] == [session]  # that of before, which the new one would end
    assert "mundo_texts_refused_total 2.0" in (await browser.http.get("/metrics")).text
    connection = await browser.connect(await browser.start(**wish("blue")))
    assert (await connection.until("state"))["values"]["picture_bytes"] > 100


async def test_where_texts_are_checked_no_picture_passes_unseen(run: Any) -> None:
    here = await run(moderation={"hook": f"{__name__}:refuses_blood"})
    browser = await here.invited()
    answer = await browser.http.post("/api/v1/sessions", json=wish("blue"))
    assert answer.status_code == 422 and "cannot be checked here" in answer.json()["detail"]
    await browser.start(prompt="a sea")


@pytest.mark.parametrize(
    ("name", "prompt", "still", "slug"),
    [
        ("blood", "a sea", painted("blue", "JPEG"), "prompt-refused"),
        ("home", "a sea of blood", painted("blue", "JPEG"), "prompt-refused"),
        ("home", "a sea", painted("red", "JPEG"), "prompt-refused"),
        ("home", "a sea", b"", "world-refused"),
        ("home", "a sea", painted("blue", "JPEG"), ""),
    ],
)
async def test_an_imported_world_is_seen_by_the_hooks(
    run: Any, name: str, prompt: str, still: bytes, slug: str
) -> None:
    hooks = {"hook": f"{__name__}:refuses_blood", "picture_hook": f"{__name__}:refuses_red", "timeout_s": 5.0}
    browser = await (await run(moderation=hooks)).invited()
    file = pack(Saved(About(name, prompt, "", 1, 1.0, 2.0, 5, still), b"all of it"))
    answer = await browser.http.post("/api/v1/worlds/import", content=file, headers=WORLD)
    assert answer.status_code == (422 if slug else 201), answer.text
    assert answer.json().get("type", "").endswith(slug)
    assert len((await browser.http.get("/api/v1/worlds")).json()) == (not slug)


async def test_a_hook_that_is_slow_or_missing_is_said() -> None:
    moderation = Moderation(ModerationSettings(hook=f"{__name__}:slow", picture_hook="", timeout_s=0.05))
    with pytest.raises(PromptUnfit, match="cannot be checked"):
        await moderation.check("hello")
    for hook in ("nothing", "server.moderation:nothing", "no.such.module:hook", "server.moderation:log"):
        with pytest.raises(HookMissing, match="moderation.hook: expected"):
            Moderation(ModerationSettings(hook=hook, picture_hook="", timeout_s=1.0))
        with pytest.raises(HookMissing, match="moderation.picture_hook: expected"):
            Moderation(ModerationSettings(hook="", picture_hook=hook, timeout_s=1.0))
