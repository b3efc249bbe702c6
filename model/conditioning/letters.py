"""How words are spelt, as bags of hashed runs of letters, so that "chuvoso" and "chuvinha" have something in common.
Knows letters; refuses to know languages and what words mean."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BUCKETS = 8192  # the first stays empty
RUNS = 20  # of one word at most, itself among them
LONG = (3, 4)  # letters of a run; a word's ends count as letters
CONTINUES = "##"  # how a word piece begins that goes on with a word
_OUTSIDE = ("[CLS]", "[SEP]", "[PAD]")


@lru_cache(maxsize=65536)
def runs(word: str) -> tuple[int, ...]:
    """The buckets of a word and of its runs of letters (arXiv 1607.04606): RUNS of them, the last 0 where there are
    fewer."""
    whole = f"<{word}>"
    parts = [whole, *(whole[i : i + n] for n in LONG for i in range(len(whole) - n + 1))]
    found = [1 + zlib.crc32(part.encode()) % (BUCKETS - 1) for part in dict.fromkeys(parts)][:RUNS]
    return (*found, *(0,) * (RUNS - len(found)))


def spelt(pieces: Sequence[str]) -> list[tuple[int, ...]]:
    """For each word piece of a text the runs of the whole word that it belongs to; none for what stands around a
    text."""
    out: list[tuple[int, ...]] = []
    begin = 0
    while begin < len(pieces):
        end = begin + 1
        while end < len(pieces) and pieces[end].startswith(CONTINUES):
            end += 1
        word = "".join(piece.removeprefix(CONTINUES) for piece in pieces[begin:end])
        out += [(0,) * RUNS if word in _OUTSIDE else runs(word)] * (end - begin)
        begin = end
    return out
