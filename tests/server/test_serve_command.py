"""`mundo serve` as a person runs it: its output, its ready file, its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen, run
from typing import Any

import httpx
import pytest

WORKER = Path(__file__).with_name("painted_worker.py")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    command = json.dumps([sys.executable, str(WORKER)])
    return {**os.environ, "MUNDO_WORKER__COMMAND": command, "MUNDO_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def serving(tmp_path: Path, environment: dict[str, str]) -> Iterator[Any]:
    arguments = ["serve", "--port", "0", "--ready-file", str(tmp_path / "ready.json")]
    process = Popen([sys.executable, "-m", "server.cli", *arguments], env=environment, stdout=PIPE, text=True)
    try:
        deadline = time.monotonic() + 30
        while not (tmp_path / "ready.json").exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        yield process, json.loads((tmp_path / "ready.json").read_text())
    finally:
        process.terminate()
        process.communicate(timeout=20)


def worker_of(pid: int) -> int:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # others' processes come and go
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid and "painted_worker" in (stat.parent / "cmdline").read_text():
                return int(stat.parent.name)
    raise AssertionError("the gateway has no worker")


def lives(pid: int) -> bool:
    """Whether the process runs; one that ended and that nobody has waited for yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 10
    while lives(pid):
        assert time.monotonic() < deadline, f"process {pid} still runs after 10 s"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_announces_itself_and_ends_cleanly(serving: Any, tmp_path: Path, number: signal.Signals) -> None:
    process, ready = serving
    with httpx.Client(base_url=ready["url"], headers={"Origin": ready["url"]}) as http:
        assert http.get("/readyz").status_code == 200
        assert http.post("/api/v1/invites/redeem", json={"code": ready["invite"]}).status_code == 204
        assert http.post("/api/v1/sessions", json={}).status_code == 201
    worker = worker_of(process.pid)
    process.send_signal(number)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert f"{ready['url']}/#invite={ready['invite']}" in out
    assert not lives(worker)
    assert len(list((tmp_path / "data" / "worlds").glob("*/*.world"))) == 1  # the world was saved at the end


def test_a_worker_that_is_stuck_goes_with_its_gateway(serving: Any) -> None:
    process, _ = serving
    worker = worker_of(process.pid)
    os.kill(worker, signal.SIGSTOP)
    process.kill()
    wait_for_end(worker)


def test_an_invite_made_beside_a_running_gateway_is_accepted(serving: Any, environment: dict[str, str]) -> None:
    _, ready = serving
    command = [sys.executable, "-m", "server.cli", "invite", "create", "--uses", "1"]
    code = run(command, env=environment, stdout=PIPE, text=True, check=True).stdout.strip()
    answers = [httpx.post(f"{ready['url']}/api/v1/invites/redeem", json={"code": code}).status_code for _ in range(2)]
    assert answers == [204, 403]


def test_invites_are_listed_and_withdrawn_by_the_command(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from server import cli

    def mundo(words: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli.app, words.split())
        return done.exit_code, done.output

    monkeypatch.setenv("MUNDO_DATA_DIR", environment["MUNDO_DATA_DIR"])
    code = mundo("invite create --uses 3 --expires 12h --note Ana")[1].strip()
    listed = mundo("invite list")[1]
    assert "0 of 3" in listed and listed.strip().endswith("Ana") and "open" in listed and code not in listed
    invite = listed.split()[0]
    assert mundo(f"invite revoke {invite}")[0] == 0 and "revoked" in mundo("invite list")[1]
    for words, said in (
        (f"invite revoke {invite}", "there is none of the id"),
        ("invite create --expires soon", "expected a span such as 30m, 12h or 7d, got 'soon'"),
    ):
        status, output = mundo(words)
        assert status == 2 and said in output
    monkeypatch.setenv("MUNDO_RATES__REDEEM_TOTAL", "often")
    assert mundo("invite list")[0] == 2 and "rates.redeem_total" in mundo("invite list")[1]


def killed_gateways(environment: dict[str, str], tmp_path: Path, times: int) -> None:
    """A session and its world outlive so many gateways."""
    command = [sys.executable, "-m", "server.cli", "serve", "--port", "0", "--ready-file", str(tmp_path / "ready.json")]
    cookies: dict[str, str] = {}
    session, frame, worker = "", 0, 0
    for number in range(times + 1):
        (tmp_path / "ready.json").unlink(missing_ok=True)
        process = Popen(command, env=environment, stdout=PIPE, text=True)
        try:
            deadline = time.monotonic() + 60
            while not (tmp_path / "ready.json").exists():
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)
            if worker:
                wait_for_end(worker)
            ready = json.loads((tmp_path / "ready.json").read_text())
            with httpx.Client(base_url=ready["url"], headers={"Origin": ready["url"]}, cookies=cookies) as http:
                if number == 0:
                    assert http.post("/api/v1/invites/redeem", json={"code": ready["invite"]}).status_code == 204
                    session, cookies = http.post("/api/v1/sessions", json={}).json()["id"], dict(http.cookies)
                else:
                    shown = http.get(f"/api/v1/sessions/{session}").json()
                    assert shown["state"] == "paused"
                    (world,) = http.get("/api/v1/worlds").json()
                    assert http.post("/api/v1/sessions", json={"saved": world["id"]}).json()["id"] == session
                saved = set((tmp_path / "data" / "worlds").glob("*/*.world"))
                while not set((tmp_path / "data" / "worlds").glob("*/*.world")) - saved:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
                now = http.get(f"/api/v1/sessions/{session}").json()
                assert now["state"] == "live" and now["frame"] > frame
                frame = now["frame"] - 3 * 24
            worker = worker_of(process.pid)
        finally:
            process.kill()
            process.communicate(timeout=20)


def test_a_killed_gateway_costs_no_session(environment: dict[str, str], tmp_path: Path) -> None:
    killed_gateways(environment | {"MUNDO_SAVES__EVERY_S": "0.3"}, tmp_path, 1)


@pytest.mark.soak
def test_five_killed_gateways_cost_no_session(environment: dict[str, str], tmp_path: Path) -> None:
    killed_gateways(environment, tmp_path, 5)


def test_a_gateway_that_cannot_start_says_why_and_fails(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "server.cli", "serve", "--port", "0"]
    wrong = {"MUNDO_MODERATION__HOOK": "nothing:here"}
    ended = run(command, env=environment | wrong, stdout=PIPE, stderr=STDOUT, text=True, timeout=60)
    assert ended.returncode == 2 and "moderation.hook: expected package.module:function" in ended.stdout
    assert "Traceback" not in ended.stdout


def test_model_and_engine_work_gets_its_arguments_and_gives_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    from server import cli

    started: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(cli, "_run_module", lambda module, arguments: started.append((module, arguments)))
    for words in (
        "train tokenizer --minutes 3 --resume",
        "train dynamics --config x",
        "render --out a.mp4",
        "bench -h",
    ):
        assert CliRunner().invoke(cli.app, words.split()).exit_code == 0
    assert started == [
        ("model.training.tokenizer", ["--minutes", "3", "--resume"]),
        ("model.training.dynamics", ["--config", "x"]),
        ("engine.render", ["--out", "a.mp4"]),
        ("engine.bench", ["-h"]),
    ]
    monkeypatch.undo()
    with pytest.raises(cli.typer.Exit) as ended:
        cli._run_module("json.tool", [str(tmp_path / "missing.json")])
    assert ended.value.exit_code == 2


class Deaf:
    """A gateway that listens to no worker."""

    def worker_ready(self, ready: Any) -> None: ...
    def worker_lost(self, reason: str) -> None: ...
    def worker_said(self, message: Any) -> None: ...


async def test_the_socket_of_a_worker_is_out_of_others_reach(tmp_path: Path) -> None:
    from server.placement.local import LocalPlacement
    from server.settings import load_settings

    placement = LocalPlacement(load_settings(worker={"command": [sys.executable, str(WORKER)]}).worker)
    await placement.start(Deaf())
    folder = placement._folder
    assert folder is not None and folder.path.stat().st_mode & 0o777 == 0o700
    await asyncio.sleep(0.1)
    await placement.stop()
    assert not folder.path.exists()


async def test_a_worker_is_told_its_device_and_a_name_of_none_is_refused(tmp_path: Path) -> None:
    from server.placement.local import LocalPlacement
    from server.settings import BadSettings, load_settings

    told = tmp_path / "told"
    command = [sys.executable, "-c", f"import sys; open({str(told)!r}, 'w').write(' '.join(sys.argv))"]
    placement = LocalPlacement(load_settings(worker={"command": command, "device": "cuda:1"}).worker)
    await placement.start(Deaf())
    for _ in range(200):
        if told.exists() and told.read_text("utf-8"):
            break
        await asyncio.sleep(0.05)
    await placement.stop()
    assert "--device cuda:1" in told.read_text("utf-8")
    with pytest.raises(BadSettings, match="device"):
        load_settings(worker={"device": "gpu"})
