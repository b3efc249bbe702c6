"""Everything that the page says is there in every language: its own words, and what the gateway says in English.
Needs node; starts no browser."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.problems import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = [
    path.stem
    for path in (ROOT / "web" / "js" / "words").glob("*.js")
    if path.stem not in ("sounds", "gateway", "cameras")
]
# What no page asks for, and what has a sentence for people in its detail.
NOT_FOR_THE_PAGE = {"no-such-invite", "operator-token-needed", "http", "prompt-refused"}
ENDS = {"end", "close", "dismiss"}  # what is called with a reason that people read

FLAT = """
const flat = (value, name, all) => {
  if (value === null || typeof value !== "object") all.push([name, typeof value === "function" ? null : value]);
  else for (const key of Object.keys(value)) flat(value[key], [...name, key], all);
  return all;
};
const [folder, language] = process.argv.slice(1);
const { WORDS } = await import(`${folder}/${language}.js`);
const { SAID } = await import(`${folder}/gateway.js`);
const { FILMING } = await import(`${folder}/cameras.js`);
console.log(JSON.stringify(flat({ ...WORDS, ...SAID[language], ...FILMING[language] }, [], [])));
"""


def words(language: str) -> dict[tuple[str, ...], Any]:
    """What is said, by where it stands; None for a sentence with a figure or a name in it."""
    folder = str(ROOT / "web" / "js" / "words")
    made = subprocess.run(
        ["node", "--input-type=module", "-e", FLAT, folder, language],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return {tuple(name): said for name, said in json.loads(made.stdout)}


def reasons() -> Iterator[str]:
    """What the gateway's code gives people as reasons, as far as the code itself says it."""
    for path in (ROOT / "server").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call):
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            unfit = name == "PromptUnfit" and isinstance(call.args[0], ast.Constant)
            if name not in ENDS and not (unfit and call.args[0].value == "prompt-refused"):
                continue
            for given in call.args:
                first = given.values[0] if isinstance(given, ast.JoinedStr) else given
                if isinstance(first, ast.Constant) and isinstance(first.value, str) and " " in first.value.strip():
                    yield first.value.split(":")[0]


def test_there_are_english_and_portuguese() -> None:
    assert {"en", "pt"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_every_word_of_the_page_is_there_and_none_was_left_in_english(language: str) -> None:
    english, other = words("en"), words(language)
    assert set(english) <= set(other), "expected every word"
    long = {name for name, said in english.items() if isinstance(said, str) and len(re.findall(r"\w+", said)) > 2}
    assert len(long) > 60
    assert [name for name in long if other[name] == english[name]] == []


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_what_the_gateway_says_is_said_in_every_language(language: str) -> None:
    there = words(language)
    assert [slug for slug in CATALOGUE if slug not in NOT_FOR_THE_PAGE and ("problems", slug) not in there] == []
    said = set(reasons())
    assert {"nobody came back", "the world cannot be opened", "The text is empty."} <= said
    assert [reason for reason in sorted(said) if ("sayings", reason) not in there] == []
