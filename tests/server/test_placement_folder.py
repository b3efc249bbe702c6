"""Folders of gateways that were killed are removed by the next one, and no others."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from configs.paths import ROOT
from server.placement.folder import Folder

HOLDS = """
import tempfile, time
tempfile.tempdir = {folder!r}
from server.placement.folder import Folder
print(Folder().path, flush=True)
time.sleep(600)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_a_killed_gateway_left_goes_and_what_a_living_one_has_stays(temporary: Path) -> None:
    script = HOLDS.format(folder=str(temporary))
    other = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    left = Path(other.stdout.readline().strip())
    (left / "worker-1.sock").touch()
    ours = Folder()
    assert left.parent == temporary and (left / "worker-1.sock").exists()  # it lives
    other.kill()
    other.communicate()
    Folder().remove()
    assert list(temporary.iterdir()) == [ours.path] and ours.path.stat().st_mode & 0o777 == 0o700
    ours.remove()
    assert not list(temporary.iterdir())


def test_what_is_no_gateways_stays_whatever_it_is_called(temporary: Path) -> None:
    folder, elsewhere, file = (temporary / name for name in ("mundo-of-mine", "elsewhere", "mundo-file"))
    folder.mkdir()
    (folder / "unheld").touch()  # one that is about to be held
    elsewhere.mkdir()
    (elsewhere / "held").touch()
    (temporary / "mundo-link").symlink_to(elsewhere)
    file.touch()
    Folder().remove()
    assert (folder / "unheld").exists() and (elsewhere / "held").exists() and file.exists()
