"""The shape of a phrase book: what a language has to bring so that captions.py can speak it.
Knows no words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Noun:
    """A place's name. `articles` and `prepositions` are (indefinite, definite): ('@', 'the'), ('in @', 'in the').
    '@' becomes 'a' or 'an' in a language whose `articles` flag is set."""

    text: str
    articles: tuple[str, str]
    prepositions: tuple[str, str]
    definite_only: bool = False


@dataclass(frozen=True)
class PhraseBook:
    """`[a|b]` is a choice and `{slot}` a phrase of the labels, in every string.

    Slots: np, np_w, np_t, np_tw (a place with the adjectives of weather, time, both), at..., word...; t_X and w_X:
    the list X of the time's or weather's phrases; tw_X: the list X of `both`, and 'night snow X' for that pair.
    `states` is keyed by what is said ('p', 't', 'w' and their joins in this order), `changes` by 't', 'w', 'tw'."""

    places: Mapping[str, Sequence[Noun]]
    times: Mapping[str, Mapping[str, Sequence[str]]]
    weathers: Mapping[str, Mapping[str, Sequence[str]]]
    both: Mapping[str, Sequence[str]]
    states: Mapping[str, Sequence[str]]
    changes: Mapping[str, Sequence[str]]
    articles: bool = False
