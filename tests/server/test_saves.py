"""Saved worlds as files: whole, or not there, or skipped for the one before."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from server.saves import KEPT, About, NotASave, NotSaved, Saved, SaveFolder, pack, unpack


def a_save(frame: int = 5, data: bytes = b"all of it", **about: Any) -> Saved:
    known = {"name": "home", "prompt": "a meadow", "template": "", "seed": 1, "created_at": 1.0, "saved_at": 2.0}
    return Saved(About(**(known | {"frame": frame, "still": b"jpeg"} | about)), data)


def test_a_save_is_read_as_it_was_written_and_the_one_before_is_kept(tmp_path: Path) -> None:
    folder = SaveFolder(tmp_path / "w")
    for frame in range(5):
        folder.write(pack(a_save(frame)))
    found = folder.newest()
    assert found and found.saved == a_save(4) and (found.number, found.skipped) == (5, 0)
    assert folder.numbers() == [5, 4] and len(list(folder.path.iterdir())) == KEPT
    assert folder.still() == b"jpeg"
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.path.iterdir())


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:20], lambda b: b"", lambda b: b[:-3] + b"abc"])
def test_a_damaged_save_is_skipped_for_the_one_before_it(tmp_path: Path, damage: Any) -> None:
    folder = SaveFolder(tmp_path)
    for frame in (1, 2):
        folder.write(pack(a_save(frame)))
    newest = tmp_path / "000000000002.world"
    newest.write_bytes(damage(newest.read_bytes()))
    found = folder.newest()
    assert found and found.saved.about.frame == 1 and found.skipped == 1
    (tmp_path / "000000000001.world").write_bytes(b"gone")
    with pytest.raises(NotASave, match="none of its 2 saves"):
        folder.newest()
    assert folder.newest(below=1) is None


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_full_disk_or_a_cut_leaves_the_older_saves_intact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    folder = SaveFolder(tmp_path)
    folder.write(pack(a_save(1)))

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "write":
        monkeypatch.setattr("builtins.open", full)
    elif step == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(NotSaved, match="the disk is full"):
        folder.write(pack(a_save(2)))
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["000000000001.world"]
    assert folder.newest().saved.about.frame == 1  # type: ignore[union-attr]


def test_what_a_killed_gateway_left_half_written_counts_as_nothing(tmp_path: Path) -> None:
    folder = SaveFolder(tmp_path)
    folder.write(pack(a_save(1)))
    (tmp_path / "000000000002.partial").write_bytes(pack(a_save(2))[:40])
    assert folder.newest().saved.about.frame == 1  # type: ignore[union-attr]
    folder.write(pack(a_save(3)))
    assert folder.newest().saved.about.frame == 3  # type: ignore[union-attr]


@pytest.mark.parametrize("about", [{"name": "n" * 81}, {"prompt": "p" * 401}, {"seed": -1}, {"still": b"s" * 300_000}])
def test_a_header_out_of_range_is_no_save(about: dict[str, Any]) -> None:
    with pytest.raises(NotASave, match="out of range|at most"):
        unpack(pack(a_save(**about)))
