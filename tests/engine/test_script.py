"""Controls files: what they say, and what is said about those that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.script import ControlsError, controls_at, read


def write(path: Path, content: str) -> Path:
    path.write_text(content, "utf-8")
    return path


def test_a_list_and_lines_read_the_same(tmp_path: Path) -> None:
    entries = [{"at": 1, "buttons": ["KeyW"]}, {"at": 0.5, "look": [0.2, -0.1], "say": "night falls"}]
    as_list = read(write(tmp_path / "list.json", json.dumps(entries, indent=1)))
    as_lines = read(write(tmp_path / "lines.jsonl", "\n".join(map(json.dumps, entries)) + "\n\n"))
    assert as_list == as_lines
    assert [event.at_s for event in as_list] == [0.5, 1.0]


def test_what_is_set_holds_until_it_is_set_again(tmp_path: Path) -> None:
    entries = [
        {"at": 0, "buttons": ["KeyW", "ShiftLeft"]},
        {"at": 1, "look": [0.24, -0.48]},
        {"at": 2, "buttons": [], "say": "let it snow"},
    ]
    events = read(write(tmp_path / "controls", json.dumps(entries)))
    assert controls_at(events, 0).buttons == controls_at(events, 47).buttons == 1 | 1 << 9
    assert controls_at(events, 23).look_x == 0
    assert controls_at(events, 24).look_x == pytest.approx(0.01)
    assert controls_at(events, 100).look_y == pytest.approx(-0.02)
    assert controls_at(events, 48).buttons == 0


def test_a_text_is_said_once(tmp_path: Path) -> None:
    events = read(write(tmp_path / "controls", '{"at": 0.51, "say": "let it snow"}'))
    assert [frame for frame in range(48) if controls_at(events, frame).say] == [13]


def test_an_empty_file_is_a_world_left_alone(tmp_path: Path) -> None:
    assert read(write(tmp_path / "empty", "")) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"at": 0}\n{oops', "line 2: not JSON"),
        ("[1, 2", "line 1: not JSON"),
        ("[1]", "entry 1: expected an object, got 1"),
        ('{"at": -1}', "line 1: at is seconds from 0 on, not -1"),
        ('{"at": "soon"}', "at is seconds"),
        ('{"buttons": ["KeyQ"]}', "buttons is a list out of KeyW, .*KeyQ"),
        ('{"buttons": "KeyW"}', "buttons is a list"),
        ('{"buttons": [["KeyW"]]}', "buttons is a list"),
        ('{"look": [1]}', "look is .*rad/s"),
        ('{"look": [NaN, 0]}', "look is .*rad/s"),
        ('{"say": 5}', "say is a text"),
        ('{"at": 0, "button": []}', "unknown key 'button'"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(ControlsError, match=reason):
        read(write(tmp_path / "controls", content))


def test_a_missing_or_binary_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ControlsError, match="nowhere"):
        read(tmp_path / "nowhere")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ControlsError, match="binary"):
        read(tmp_path / "binary")
