"""What an operator sets, sees and ends: settings, invites, metrics, the admin API, TURN, moderation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from pathlib import Path
from typing import Any

import pytest
import structlog

from server.settings import BadSettings, load_settings

pytestmark = pytest.mark.asyncio(loop_scope="session")  # one gateway serves them all
TOKEN = "an operator's token, long enough"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"port": 70_000}, "port: "),
        ({"rates": {"redeem_total": "often"}}, "rates.redeem_total: expected a rate such as 10/minute, got 'often'"),
        ({"limits": {"peers_a_session": 0}}, "limits.peers_a_session: "),
        ({"limits": {"peers": 3}}, "limits.peers: "),
        ({"operator_token": "short"}, "operator_token needs 24 characters, this has 5"),
        ({"turn": {"urls": ["turn:x"]}}, "turn.urls needs turn.secret"),
        ({"turn": {"urls": ["http://x"], "secret": "s"}}, "turn.urls expects addresses such as turn:host:3478"),
    ],
)
async def test_a_wrong_setting_is_named(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSettings) as refused:
        load_settings(**wrong)
    assert said in str(refused.value) and "short'" not in str(refused.value)


async def test_settings_come_from_a_file_then_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "mundo.toml"
    own.write_text("port = 9000\n[limits]\npeers_a_session = 7\nqueue_length = 5\n")
    monkeypatch.setenv("MUNDO_CONFIG", str(own))
    monkeypatch.setenv("MUNDO_LIMITS__QUEUE_LENGTH", "6")
    settings = load_settings()
    assert (settings.port, settings.limits.peers_a_session, settings.limits.queue_length) == (9000, 7, 6)
    assert settings.limits.body_bytes == 65536
    monkeypatch.setenv("MUNDO_LIMITS__QUEUE_LENGTH", "many")
    with pytest.raises(BadSettings, match="limits.queue_length: .*'many'"):
        load_settings()
    monkeypatch.setenv("MUNDO_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(BadSettings, match="MUNDO_CONFIG: expected a TOML file"):
        load_settings()
    monkeypatch.setenv("MUNDO_CONFIG", str(own))
    own.write_text("port = \n")
    with pytest.raises(BadSettings, match="line 1"):
        load_settings()


async def test_metrics_count_without_naming_anybody(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    connection = await browser.connect(session)
    connection.steer(1, buttons=1)
    await connection.until("receipt", lambda event: event["control_seq"] == 1)
    await connection.until("receipt", lambda event: event["frame"] > 4)
    connection.tell(type="measured", photon_ms=[80.0, 120.0], look_ms=[50.0])
    connection.tell(type="ping", t=1.0)
    await connection.until("pong")
    text = (await browser.http.get("/metrics")).text
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(figures['mundo_sessions{state="live"}']) >= 1 and float(figures["mundo_frames_total"]) > 3
    assert float(figures['mundo_peers{role="driver"}']) == 1 and float(figures["mundo_worker_capacity"]) == 2
    assert float(figures["mundo_input_to_packet_seconds_count"]) >= 1
    assert float(figures["mundo_input_to_photon_seconds_sum"]) == 0.2
    assert float(figures["mundo_look_to_photon_seconds_sum"]) == 0.05
    assert session not in text


async def test_an_operator_sees_and_ends_sessions_and_makes_invites(run: Any) -> None:
    here = await run(operator_token=TOKEN)
    browser, operator = await here.invited(), (await here.browser()).http
    session = await browser.start()
    connection = await browser.connect(session)
    assert (await operator.get("/api/v1/admin/overview")).status_code == 401
    operator.headers["Authorization"] = "Bearer wrong"
    assert (await operator.get("/api/v1/admin/overview")).status_code == 401
    operator.headers["Authorization"] = f"Bearer {TOKEN}"
    seen = (await operator.get("/api/v1/admin/overview")).json()
    assert seen["sessions"][0]["id"] == session and seen["capacity"] == 2 and len(seen["load"]) == 3
    made = (await operator.post("/api/v1/admin/invites", json={"uses": 2, "note": "for Ana"})).json()
    guest = await here.browser()
    assert (await guest.http.post("/api/v1/invites/redeem", json={"code": made["code"]})).status_code == 204
    (line,) = [one for one in (await operator.get("/api/v1/admin/invites")).json() if one["note"] == "for Ana"]
    assert (line["uses"], line["max_uses"], line["standing"]) == (1, 2, "open") and "code" not in line
    assert (await operator.delete(f"/api/v1/admin/invites/{made['id']}")).status_code == 204
    assert (await guest.http.get("/api/v1/me")).json()["may_start"] is False
    assert (await guest.http.post("/api/v1/sessions", json={})).status_code == 403
    late = await here.browser()
    assert (await late.http.post("/api/v1/invites/redeem", json={"code": made["code"]})).status_code == 403
    assert (await operator.delete(f"/api/v1/admin/sessions/{session}")).status_code == 204
    assert "operator" in (await connection.until("ended"))["reason"]
    page = await operator.get("/admin")
    assert "/admin/admin.js" in page.text and (await operator.get("/admin/admin.js")).status_code == 200
    assert (await operator.get("/admin/..%2fapp.py")).status_code == 404


async def test_without_a_token_there_is_nothing_to_administer(here: Any) -> None:
    http = (await here.browser()).http
    for path in ("/admin", "/admin/admin.js", "/api/v1/admin/overview"):
        assert (await http.get(path, headers={"Authorization": "Bearer "})).status_code == 404


async def test_turn_credentials_are_short_lived_and_signed(run: Any) -> None:
    turn = {"urls": ["turn:turn.test:3478"], "secret": "shared", "valid_s": 600.0}
    here = await run(turn=turn)
    browser = await here.invited()
    (server,) = (await browser.http.get("/api/v1/ice")).json()["ice_servers"]
    expires = int(server["username"].partition(":")[0])
    assert 590 < expires - time.time() <= 600 and server["urls"] == turn["urls"]
    wanted = hmac.new(b"shared", server["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(server["credential"]) == wanted


@pytest.mark.parametrize("asked_for", [False, True])
async def test_prompts_are_logged_only_when_that_is_asked_for(run: Any, asked_for: bool) -> None:
    here = await run(log_prompts=asked_for)
    browser = await here.invited()
    with structlog.testing.capture_logs() as logs:
        connection = await browser.connect(await browser.start(prompt="a secret garden"))
        connection.tell(type="text", text="a secret rain", ref=1)
        await connection.until("text")
    assert any(line["event"] == "text" for line in logs)
    assert ("a secret rain" in str(logs)) is asked_for and "a secret garden" not in str(logs)
