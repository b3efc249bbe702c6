"""Schemathesis, which nobody here wrote, against the OpenAPI that a running gateway publishes: what it makes up gets an
answer that the document names, and no fault. It is owner and operator at once, so that all of it is reached."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.conftest import WORKER

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "an operator's token, long enough"
RATES = (
    "REDEEM_AN_ADDRESS", "REDEEM_TOTAL", "SHARE_AN_ADDRESS", "SESSIONS_A_DEVICE", "OFFERS_A_DEVICE", "PROMPTS_A_DEVICE",
    "SHARES_A_DEVICE", "WORLDS_A_DEVICE", "IMPORTS_A_DEVICE", "WHEP_AN_ADDRESS", "OPERATOR_AN_ADDRESS",
)  # fmt: skip
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# 503 is an answer: the queue is full, a world cannot be saved. Bodies that are no JSON are bytes of any kind.
CONFIG = '[checks.not_a_server_error]\nexpected-statuses = ["2xx", "3xx", "4xx", 503]\n'
HOOKS = """
import schemathesis
from hypothesis import strategies as st
from schemathesis import openapi

for kind in ("application/sdp", "application/vnd.mundo.world"):
    openapi.media_type(kind, st.binary(max_size=400))

@schemathesis.serializer("application/sdp", "application/vnd.mundo.world")
def as_it_is(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A gateway's address and an owner's cookie."""
    rates = {f"MUNDO_RATES__{name}": "100000/minute" for name in RATES}
    environment = {**os.environ, **rates, "MUNDO_OPERATOR_TOKEN": TOKEN, "MUNDO_DATA_DIR": str(tmp_path / "data")}
    environment["MUNDO_WORKER__COMMAND"] = json.dumps([sys.executable, str(WORKER)])
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "server.cli", "serve", "--port", "0", "--ready-file", str(ready)]
    log = (tmp_path / "log.txt").open("wb")
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        told = json.loads(ready.read_text())
        with httpx.Client(base_url=told["url"], headers={"Origin": told["url"]}) as http:
            http.post("/api/v1/invites/redeem", json={"code": told["invite"]}).raise_for_status()
            yield told["url"], "; ".join(f"{name}={value}" for name, value in http.cookies.items())
            assert http.get("/readyz").status_code == 200  # it has not been brought down
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()
    assert "Traceback" not in (tmp_path / "log.txt").read_text()


def schemathesis(folder: Path, served: tuple[str, str], *options: str) -> str:
    """What it says at the end; fails with that when it found something."""
    url, cookie = served
    (folder / "schemathesis.toml").write_text(CONFIG)
    (folder / "hooks_of_ours.py").write_text(HOOKS)
    headers = {"Cookie": cookie, "Origin": url, "Authorization": f"Bearer {TOKEN}"}
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/api/v1/openapi.json", "--no-color",
            *(word for name, value in headers.items() for word in ("--header", f"{name}: {value}")),
            "--checks", CHECKS, "--continue-on-failure", "--generation-deterministic", *options,
        ],
        cwd=folder, env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks_of_ours", "PYTHONPATH": str(folder)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def test_what_schemathesis_makes_up_is_answered(served: tuple[str, str], tmp_path: Path) -> None:
    said = schemathesis(tmp_path, served, "--phases", "fuzzing", "--max-examples", "3")
    found = re.search(r"(\d+) generated, (\d+) passed", said)
    assert found is not None and found[1] == found[2] and int(found[1]) >= 60, said


@pytest.mark.soak
def test_all_that_schemathesis_makes_up_is_answered(served: tuple[str, str], tmp_path: Path) -> None:
    said = schemathesis(tmp_path, served, "--phases", "coverage,fuzzing", "--max-examples", "40")
    found = re.search(r"(\d+) generated, (\d+) passed", said)
    assert found is not None and found[1] == found[2] and int(found[1]) > 1000, said
