"""A controls file: what a person would do and when, read into the inputs of each frame.
Knows the file's rules and refuses what it cannot read; knows no world."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.paths import vocabulary
from engine.inputs import clamp_look
from engine.messages import FRAME_RATE, MAX_PROMPT_CHARS

KEYS = ("at", "buttons", "look", "say")


class ControlsError(Exception):
    """The file is not a list of timed controls; says where and why."""


@dataclass(frozen=True)
class Event:
    """From `at_s` on: these buttons held, this look in rad/s (None: as before), and a prompt said once."""

    at_s: float
    buttons: int | None = None
    look: tuple[float, float] | None = None
    say: str = ""


@dataclass(frozen=True)
class FrameControls:
    """One frame's share of the script: a bitmap, radians of this frame, prompts to say before it."""

    buttons: int
    look_x: float
    look_y: float
    say: tuple[str, ...]


def read(path: Path) -> list[Event]:
    """Events in order of time, from a JSON list or JSON lines of
    {"at": seconds, "buttons": ["KeyW"], "look": [right, up] in rad/s, "say": "text"}. Raises ControlsError."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ControlsError(f"{path}: cannot be read: {error}") from error
    return sorted((_event(f"{path}, {where}", entry) for where, entry in _entries(path, text)), key=lambda e: e.at_s)


def controls_at(events: list[Event], frame: int) -> FrameControls:
    """What holds in frame `frame`. An event counts from the first frame that begins at or after its time."""
    buttons, look, said = 0, (0.0, 0.0), []
    for event in events:
        first = math.ceil(event.at_s * FRAME_RATE - 1e-6)
        if first > frame:
            break
        buttons = buttons if event.buttons is None else event.buttons
        look = look if event.look is None else event.look
        if event.say and first == frame:
            said.append(event.say)
    return FrameControls(buttons, clamp_look(look[0] / FRAME_RATE), clamp_look(look[1] / FRAME_RATE), tuple(said))


def _entries(path: Path, text: str) -> list[tuple[str, Any]]:
    try:
        if text.lstrip().startswith("["):
            return [(f"entry {n}", entry) for n, entry in enumerate(json.loads(text), 1)]
        lines = [(f"line {n}", line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
        return [(where, _line(path, where, line)) for where, line in lines]
    except json.JSONDecodeError as error:
        raise ControlsError(f"{path}, line {error.lineno}: not JSON: {error.msg}") from error


def _line(path: Path, where: str, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise ControlsError(f"{path}, {where}: not JSON: {error.msg}") from error


def _event(where: str, entry: Any) -> Event:
    if not isinstance(entry, dict):
        raise ControlsError(f"{where}: expected an object, got {json.dumps(entry)}")
    if unknown := sorted(set(entry) - set(KEYS)):
        raise ControlsError(f"{where}: unknown key {unknown[0]!r}; the keys are {', '.join(KEYS)}")
    at_s, say = entry.get("at", 0), entry.get("say", "")
    if not _is_number(at_s) or at_s < 0:
        raise ControlsError(f"{where}: at is seconds from 0 on, not {json.dumps(at_s)}")
    if not isinstance(say, str) or len(say) > MAX_PROMPT_CHARS:
        raise ControlsError(f"{where}: say is a text of at most {MAX_PROMPT_CHARS} characters")
    return Event(float(at_s), _buttons(where, entry.get("buttons")), _look(where, entry.get("look")), say)


def _buttons(where: str, names: Any) -> int | None:
    if names is None:
        return None
    known = list(vocabulary()["buttons"])
    if not isinstance(names, list) or any(name not in known for name in names):
        raise ControlsError(f"{where}: buttons is a list out of {', '.join(known)}, not {json.dumps(names)}")
    return sum(1 << known.index(name) for name in set(names))


def _look(where: str, look: Any) -> tuple[float, float] | None:
    if look is None:
        return None
    if not isinstance(look, list) or len(look) != 2 or not all(_is_number(part) for part in look):
        raise ControlsError(f"{where}: look is [right, up] in rad/s, not {json.dumps(look)}")
    return float(look[0]), float(look[1])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
