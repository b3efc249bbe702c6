"""What the bundled Omni reads in typed text."""

from __future__ import annotations

import pytest

from configs.paths import WEIGHTS
from engine.models import OMNI_FILE
from engine.reading import OPEN, grammar, read
from model.conditioning.meaning import PromptReader
from model.conditioning.text import TextEncoder
from model.omni import Omni


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("night falls", (OPEN, "night", OPEN)),
        ("let it snow", (OPEN, OPEN, "snow")),
        ("a coast at dusk", ("coast", "dusk", OPEN)),
    ],
)
def test_what_is_typed_plainly_is_read_rightly(text: str, wanted: tuple[str, ...]) -> None:
    omni, reader = Omni.load(WEIGHTS / OMNI_FILE), PromptReader.load(WEIGHTS)
    assert tuple(read(omni, reader, [text])[0].values()) == wanted


def test_the_adapter_reads_portuguese_and_loses_nothing_of_english() -> None:
    omni, asked = Omni.load(WEIGHTS / OMNI_FILE), grammar()

    def right(reader: PromptReader, language: str) -> float:
        some = [one for one in asked if one.language == language][:100]
        found = read(omni, reader, [one.text for one in some])
        return sum(f == one.wanted for f, one in zip(found, some, strict=True)) / len(some)

    adapted, plain = PromptReader.load(WEIGHTS), PromptReader(TextEncoder.load(), None)
    assert right(adapted, "en") >= right(plain, "en") - 0.03
    assert right(adapted, "pt") > 0.9
