"""What nobody should send: each gets a clear refusal, and the world goes on."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from configs.paths import WEB

pytestmark = pytest.mark.asyncio(loop_scope="session")  # one gateway serves them all


PROBLEM = "urn:mundo:problem:"


def slug(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code and document["title"] and document["detail"]
    return str(document["type"]).removeprefix(PROBLEM)


async def test_nothing_can_be_started_without_an_invite(here: Any) -> None:
    browser = await here.browser()
    answer = await browser.http.post("/api/v1/sessions", json={})
    assert answer.status_code == 401 and slug(answer) == "sign-in-needed"
    browser.http.cookies.set("mundo", "forged.cookie.value")
    assert slug(await browser.http.post("/api/v1/sessions", json={})) == "sign-in-needed"
    assert (await browser.http.get("/api/v1/me")).json() == {"may_start": False, "session": None, "open": False}


async def test_another_persons_session_looks_like_none(here: Any) -> None:
    session = await (await here.invited()).start()
    stranger = await here.invited()
    for path in (f"/api/v1/sessions/{session}", "/api/v1/sessions/none"):
        answer = await stranger.http.get(path)
        assert answer.status_code == 404 and slug(answer) == "no-such-session"


async def test_prompts_that_do_not_fit_are_refused_with_numbers(here: Any) -> None:
    browser = await here.invited()
    answer = await browser.http.post("/api/v1/sessions", json={"prompt": "m" * 401})
    assert slug(answer) == "prompt-too-long" and "401" in answer.json()["detail"]
    session = await browser.start(prompt="a meadow")
    for text, expected in (("n" * 401, "prompt-too-long"), (" ", "prompt-refused"), ("a\x00b", "prompt-refused")):
        answer = await browser.http.post(f"/api/v1/sessions/{session}/prompts", json={"text": text})
        assert answer.status_code == 422 and slug(answer) == expected


async def test_a_world_that_the_worker_refuses_frees_its_place(run: Any) -> None:
    here = await run()
    browser = await here.invited()
    for _ in range(3):
        answer = await browser.http.post("/api/v1/sessions", json={"prompt": "refuse me"})
        assert answer.status_code == 422 and slug(answer) == "prompt-refused"
        assert answer.json()["detail"] == "I will not."
    await browser.start(prompt="a meadow")


async def test_requests_that_are_not_as_described_are_refused(here: Any) -> None:
    browser = await here.invited()
    for body in ({"seed": -1}, {"seed": 2**31}, {"colour": "red"}, {"prompt": 7}):
        answer = await browser.http.post("/api/v1/sessions", json=body)
        assert answer.status_code == 422 and slug(answer) == "invalid-request"
    assert slug(await browser.http.post("/api/v1/sessions", json={"template": "../../x"})) == "no-such-template"
    assert slug(await browser.http.post("/api/v1/sessions", content=b"\xff\xfe{")) == "invalid-request"
    nested = await browser.http.post("/api/v1/sessions", content=b"[" * 60_000)
    assert 400 <= nested.status_code < 500 and slug(nested)
    assert slug(await browser.http.get("/api/v1/nothing")) == "http"


async def test_a_large_body_is_refused_announced_or_not(here: Any) -> None:
    browser = await here.browser()

    async def endless() -> Any:
        for _ in range(100):
            yield b" " * 4096

    for content in (b" " * 100_000, endless()):
        answer = await browser.http.post("/api/v1/invites/redeem", content=content)
        assert answer.status_code == 413 and slug(answer) == "body-too-large"


async def test_a_post_from_another_origin_is_refused(here: Any) -> None:
    browser = await here.browser()
    body = {"code": await here.gateway.invites.create(1, 60.0)}
    for origin in ("http://evil.test", "https://mundo.test", "http://mundo.test:81", "null", ""):
        answer = await browser.http.post("/api/v1/invites/redeem", json=body, headers={"Origin": origin})
        assert answer.status_code == 403 and slug(answer) == "wrong-origin"
    assert (await browser.http.post("/api/v1/invites/redeem", json=body)).status_code == 204


async def test_configured_origins_are_the_only_ones(run: Any) -> None:
    here = await run(origins=["https://worlds.test"])
    browser = await here.browser()
    body = {"code": await here.gateway.invites.create(1, 60.0)}
    assert slug(await browser.http.post("/api/v1/invites/redeem", json=body)) == "wrong-origin"
    headers = {"Origin": "https://worlds.test"}
    assert (await browser.http.post("/api/v1/invites/redeem", json=body, headers=headers)).status_code == 204


async def test_a_malformed_offer_is_refused(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    malformed = (b"", b"hello", b"\xff\xfe\x00", b"v=0\r\nm=video x\r\n", b"v=0\r\n" + b"a=x\r\n" * 12_000)
    for offer in malformed:
        answer = await browser.offer(session, offer)
        assert answer.status_code == 400 and slug(answer) == "malformed-sdp"
    for offer in (b"v=0\r\ns=-\r\nt=0 0\r\n", b"v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n"):
        answer = await browser.offer(session, offer)
        assert answer.status_code == 422 and slug(answer) == "offer-refused"


async def test_a_mangled_offer_never_breaks_the_gateway(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    whole = await browser.connect(session)
    text = whole.pc.localDescription.sdp
    mangled = [
        text.replace("H264", "H999"),
        text.replace("a=setup:actpass", "a=setup:sideways"),
        text.replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 zz:"),
        text.replace("a=recvonly", "a=sendonly"),
        text.replace("a=ice-ufrag", "a=ice-frag"),
        text.replace("a=rtcp-mux", "a=rtcp-max"),
        text.replace("a=mid:1", "a=mid:0"),
        text.replace("a=fmtp:", "a=fmtp:9"),
        text + "a=candidate:1 1 udp 1 999.1.1.1 0 typ host\r\n" * 70,
        text[: len(text) // 2],
    ]
    for offer in mangled:
        answer = await browser.offer(session, offer)
        assert answer.status_code in (201, 400, 422), answer.text
    await whole.until("receipt")
    await whole.frames(3)


async def test_an_offer_to_a_session_that_ends_meanwhile_is_refused(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    world = here.gateway.sessions.get(session)
    connection = await browser.connect(session)
    await here.gateway.sessions.end(world, "the test ends it")
    here.gateway.sessions._sessions[session] = world  # as one who was let in just before finds it
    answer = await browser.offer(session, connection.pc.localDescription.sdp)
    assert answer.status_code == 404 and slug(answer) == "no-such-session" and not world.peers


async def test_an_offer_needs_its_media_type(here: Any) -> None:
    browser = await here.invited()
    answer = await browser.http.post(f"/api/v1/sessions/{await browser.start()}/offer", json={})
    assert answer.status_code == 415 and slug(answer) == "wrong-media-type"


async def test_junk_on_the_channels_is_refused_and_the_world_goes_on(here: Any) -> None:
    browser = await here.invited()
    connection = await browser.connect(await browser.start())
    for junk in (b"\x00\xff\x01", "{", '{"seq":-1,"buttons":0}', '{"seq":1,"buttons":4096}', '{"seq":1,"buttons":NaN}'):
        connection.control.send(junk)
        assert "control channel" in (await connection.until("refused"))["reason"]
    for junk in (b"\x00\xff", "[]", '{"type":"sudo"}', "x" * 9000):
        connection.events.send(junk)
        assert "events channel" in (await connection.until("refused"))["reason"]
    connection.steer(3, buttons=2)
    await connection.until("state", lambda event: event["values"]["buttons"] == 2)


async def test_a_flood_of_junk_closes_that_peer_only(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    good, bad = await browser.connect(session), await browser.connect(session)
    for _ in range(25):
        bad.events.send(b"\x00")
    assert "nobody can read" in (await bad.until("ended"))["reason"]
    good.heard.clear()
    await good.until("receipt")


async def test_a_device_gets_so_many_connections_and_no_more(run: Any) -> None:
    here = await run(limits={"peers_a_device": 1})
    browser = await here.invited()
    session = await browser.start()
    connection = await browser.connect(session)
    answer = await browser.offer(session, connection.pc.localDescription.sdp)
    assert answer.status_code == 503 and slug(answer) == "too-many-peers"


async def test_redeeming_is_limited_by_address(run: Any) -> None:
    here = await run(rates={"redeem_an_address": "3/minute"})
    browser = await here.browser()
    answers = [await browser.http.post("/api/v1/invites/redeem", json={"code": "x"}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [403, 403, 403, 429]
    assert slug(answers[3]) == "too-many-requests" and 1 <= int(answers[3].headers["Retry-After"]) <= 60


async def test_a_full_queue_says_when_to_come_back(run: Any) -> None:
    here = await run(limits={"queue_length": 1})
    people = [await here.invited() for _ in range(4)]
    for browser in people[:3]:
        await browser.connect(await browser.start())
    answer = await people[3].http.post("/api/v1/sessions", json={})
    assert answer.status_code == 503 and slug(answer) == "no-worker-free"
    assert int(answer.headers["Retry-After"]) > 0


async def test_only_the_page_itself_is_served(here: Any) -> None:
    http = (await here.browser()).http
    page = await http.get("/")
    needed = re.findall(r'(?:href|src)="(/[^"]*)"', page.text)
    assert len(needed) >= 4 and "/web/js/main.js" in needed
    for path in needed:
        assert (await http.get(path)).status_code == 200, path
    for path in (
        "package.json", "package-lock.json", "tsconfig.json", "index.html", "node_modules/typescript/package.json",
        "", "js/", "docs/missing.png", "js/../package.json",
        "js/%2e%2e/package.json", "js/..%2fpackage.json", "js//etc/passwd",
    ):  # fmt: skip
        assert (await http.get(f"/web/{path}")).status_code == 404, path


async def test_the_pages_texts_are_pressed_and_nothing_that_is_said_to_somebody(here: Any) -> None:
    http, wish = (await here.browser()).http, {"Accept-Encoding": "gzip"}
    script = await http.get("/web/js/main.js", headers=wish)
    assert script.headers["Content-Encoding"] == "gzip" and script.headers["Vary"] == "Accept-Encoding"
    assert script.text == (WEB / "js" / "main.js").read_text("utf-8")
    assert "Content-Security-Policy" in script.headers
    for path in ("/web/pictures/wall/meadow.avif", "/api/v1/templates", "/"):
        assert "Content-Encoding" not in (await http.get(path, headers=wish)).headers, path
    plain = await http.get("/web/js/main.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers and plain.text == script.text


async def test_the_page_is_kept_strict(here: Any) -> None:
    answer = await (await here.browser()).http.get("/healthz")
    assert answer.json() == {"status": "ok"}
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "microphone=(self)" in answer.headers["Permissions-Policy"]
