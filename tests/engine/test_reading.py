"""What the bundled Omni reads in typed text."""

from __future__ import annotations

import pytest

from configs.paths import WEIGHTS
from engine.models import OMNI_FILE, load_omni
from engine.reading import OPEN, read
from model.conditioning.meaning import PromptReader


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("night falls", (OPEN, "night", OPEN)),
        ("let it snow", (OPEN, OPEN, "snow")),
        ("a coast at dusk", ("coast", "dusk", OPEN)),
    ],
)
def test_what_is_typed_plainly_is_read_rightly(text: str, wanted: tuple[str, ...]) -> None:
    omni, reader = load_omni(WEIGHTS / OMNI_FILE).eval(), PromptReader.load(WEIGHTS)
    assert tuple(read(omni, reader, [text])[0].values()) == wanted
