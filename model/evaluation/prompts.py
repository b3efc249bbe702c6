"""Reads a prompts file: what is said in which scene, and what should then be seen.
Knows the vocabulary's names and refuses all others; nothing of worlds that obey."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model.evaluation.judges import ATTRIBUTES

BUNDLED = Path(__file__).parent / "prompts.json"
# Written by hand, and locked before any training that is judged by them.
BUNDLED_SHA256 = "e4ea9046cb0b23840b8aef83ab4eba1d68f90b1ce6dde1e320bb4b798952697e"
KEYS = ("prompt", "language", "start", "expect")
MAX_CHARS = 400


class PromptsError(Exception):
    """The file is no list of prompts; says where, what was expected and what came."""


@dataclass(frozen=True)
class Prompt:
    """`start`: the scene in which it is said, empty when the world begins with it. `expect`: what is seen after it."""

    text: str
    language: str
    start: dict[str, str] = field(default_factory=dict)
    expect: dict[str, str] = field(default_factory=dict)

    def after(self, attribute: str) -> str:
        """What an attribute is once the prompt is obeyed; empty when it is left open."""
        return self.expect.get(attribute) or self.start.get(attribute, "")


def read(path: Path) -> list[Prompt]:
    """The prompts of a JSON file [{"prompt", "language"?, "start"?, "expect"}]. Raises PromptsError."""
    try:
        text = path.read_text("utf-8")
        entries = json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise PromptsError(f"{path}: cannot be read: {error}") from error
    except json.JSONDecodeError as error:
        raise PromptsError(f"{path}, line {error.lineno}: not JSON: {error.msg}") from error
    if not isinstance(entries, list) or not entries:
        raise PromptsError(
            f"{path}: expected a list of prompts, got {type(entries).__name__} of {len(text)} characters"
        )
    return [_prompt(f"{path}, entry {n}", entry) for n, entry in enumerate(entries, 1)]


def bundled() -> list[Prompt]:
    """The prompts that belong to the harness. Raises PromptsError when they are not those that were locked."""
    found = hashlib.sha256(BUNDLED.read_bytes()).hexdigest()
    if found != BUNDLED_SHA256:
        raise PromptsError(f"{BUNDLED}: expected sha256 {BUNDLED_SHA256}, found {found}; prompts never change")
    return read(BUNDLED)


def _prompt(where: str, entry: Any) -> Prompt:
    if not isinstance(entry, dict):
        raise PromptsError(f"{where}: expected an object, got {json.dumps(entry)}")
    if unknown := sorted(set(entry) - set(KEYS)):
        raise PromptsError(f"{where}: unknown key {unknown[0]!r}; the keys are {', '.join(KEYS)}")
    text = entry.get("prompt")
    if not isinstance(text, str) or not 0 < len(text.strip()) <= MAX_CHARS:
        raise PromptsError(f"{where}: prompt is a text of 1 to {MAX_CHARS} characters, not {json.dumps(text)}")
    start, expect = (_names(f"{where}, {key}", entry.get(key, {})) for key in ("start", "expect"))
    if not expect:
        raise PromptsError(f"{where}: expect names at least one of {', '.join(ATTRIBUTES)}")
    if start and "place" in expect:
        raise PromptsError(f"{where}: a world that has begun stays in its place; only a fresh one can be asked for one")
    return Prompt(text.strip(), str(entry.get("language", "en")), start, expect)


def _names(where: str, names: Any) -> dict[str, str]:
    if not isinstance(names, dict):
        raise PromptsError(f"{where}: expected an object of names, got {json.dumps(names)}")
    for kind, name in names.items():
        if kind not in ATTRIBUTES:
            raise PromptsError(f"{where}: unknown name {kind!r}; known: {', '.join(ATTRIBUTES)}")
        if name not in ATTRIBUTES[kind]:
            raise PromptsError(f"{where}: unknown {kind} {json.dumps(name)}; known: {', '.join(ATTRIBUTES[kind])}")
    return dict(names)
