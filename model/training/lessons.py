"""What the text adapter learns from: wishes, the grammar and narrations in both languages, and what nobody understands;
each with the plain sentence that means the same. Knows texts and names, and the encoder as a function of them."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from configs.paths import vocabulary
from model.conditioning.letters import BUCKETS, LONG, RUNS
from model.conditioning.meaning import NAMES
from model.conditioning.state import PLACES, TIMES, WEATHERS
from model.conditioning.text import Hidden, TextEncoder
from model.native import has_fast_bf16
from model.training.contrasts import contrasts
from model.training.endings import endings
from model.training.sentences import Said
from model.training.wishes import KINDS, LANGUAGES, Wish, held_out, read, together, typed
from model.voice.sentences import FOREIGN, parts
from model.worlds.captions import change, describe
from model.worlds.narration import Labels, narrate

HERE = dict(zip(PLACES, ("a meadow", "a desert", "mountains", "a coast"), strict=True))
WHEN = dict(zip(TIMES, ("at dawn", "by day", "at dusk", "at night"), strict=True))
HOW = dict(
    zip(
        WEATHERS,
        ("under a clear sky", "under an overcast sky", "in fog", "in the rain", "in falling snow"),
        strict=True,
    )
)
MEANINGS: tuple[Said, ...] = tuple((p, t, w) for p, t, w in itertools.product(*map(range, NAMES)))
OPEN: Said = (len(PLACES), len(TIMES), len(WEATHERS))
SHORT = 80  # letters of a wish that is joined with others
TOGETHER = (0.35, 0.4, 0.25)  # how often one wish, two or three are joined; one with something that asks for nothing
IDLE = 0.25  # of two or three are joined with that too
NARRATED, NO_PLACE = 600, ("town", "moon")
LIKE = {
    "storm": "rain",
    "forest": "meadow",
    "canyon": "desert",
}  # what the networks do not know, and the nearest they do


@dataclass(frozen=True)
class Lesson:
    """A text and what it says; None: nobody understands it."""

    text: str
    said: Said | None


def plain(said: Said) -> str:
    """The sentence of the grammar that stands for a meaning: 'a coast at night in fog'. Where nothing is said 'a
    landscape', which leaves all open."""
    place, time, weather = (n[i] if i < len(n) else None for n, i in zip(KINDS.values(), said, strict=True))
    words = (HERE[place] if place else "a landscape", time and WHEN[time], weather and HOW[weather])
    return " ".join(word for word in words if word)


def meant(encoder: TextEncoder) -> Tensor:
    """The features of all MEANINGS in that order, [150, 13, 384]."""
    features, mask = encoder.features([plain(said) for said in MEANINGS])
    return torch.stack([parts(f, m) for f, m in zip(features, mask, strict=True)])


def from_wishes(variants: int, joint: int, rng: np.random.Generator) -> list[Lesson]:
    """All wishes that are not kept for measuring, each typed in `variants` ways; and `joint` of them in one sentence,
    up to three, or with something that asks for nothing."""
    known = [wish for wish in read() if not held_out(wish)]
    short = {which: _short(known, which) for which in LANGUAGES}
    out = [Lesson(wish.text, wish.said) for wish in known]
    out += [Lesson(typed(w.text, w.language, rng), w.said) for w in known for _ in range(variants - 1)]
    idle = {which: [w for w in short[which] if w.said == OPEN] + idly(which, rng) for which in LANGUAGES}
    while joint:
        language = str(rng.choice(LANGUAGES))
        count = 1 + int(rng.choice(len(TOGETHER), p=TOGETHER))
        chosen = [_one(short[language], rng) for _ in range(count)]
        if count == 1 or rng.uniform() < IDLE:
            chosen.insert(int(rng.integers(count + 1)), _one(idle[language], rng))
        wish = together(chosen, rng)
        if wish is not None:
            out.append(Lesson(typed(wish.text, language, rng), wish.said))
            joint -= 1
    return out


def idly(language: str, rng: np.random.Generator) -> list[Wish]:
    """Who is there, what happens and how it is filmed, where no place, time and weather is said that the networks
    know."""
    out: list[Wish] = []
    while len(out) < NARRATED:
        names = {kind: str(rng.choice(vocabulary()[kind])) for kind in ("look", "subject", "event", "camera")}
        kept = {kind: name for kind, name in names.items() if rng.uniform() < 0.4}
        if set(kept.values()) <= {"none", "natural"} or rng.uniform() < 0.4:
            kept["place"] = str(rng.choice(NO_PLACE))
        out.append(Wish(narrate(Labels(**kept), rng, language).text, language, OPEN, -1))
    return out


def _one(wishes: Sequence[Wish], rng: np.random.Generator) -> Wish:
    return wishes[int(rng.integers(len(wishes)))]


def from_grammar(count: int, rng: np.random.Generator) -> list[Lesson]:
    """`count` sentences a language for every meaning, and as many changes where no place is said."""
    out = []
    for said, language in itertools.product(MEANINGS, LANGUAGES):
        if said == OPEN:
            continue
        place, time, weather = (n[i] if i < len(n) else None for n, i in zip(KINDS.values(), said, strict=True))
        texts = [describe(place, time, weather, rng, language) for _ in range(count)]
        if place is None:
            texts += [change(time, weather, rng, language) for _ in range(2 * count)]
        out += [Lesson(text if rng.uniform() < 0.5 else typed(text, language, rng), said) for text in texts]
    return out


def from_changes(count: int, rng: np.random.Generator) -> list[Lesson]:
    """`count` of the grammar's changes of one thing a language: what a world that runs is asked for most."""
    out = []
    for said, language in itertools.product(MEANINGS, LANGUAGES):
        place, time, weather = (n[i] if i < len(n) else None for n, i in zip(KINDS.values(), said, strict=True))
        if place is None and bool(time) != bool(weather):
            out += [Lesson(change(time, weather, rng, language), said) for _ in range(count)]
    return out


def from_endings(rounds: int, rng: np.random.Generator) -> list[Lesson]:
    """What ends or gives way to something else, every way of saying it in so many rounds."""
    out = []
    for _, language in itertools.product(range(rounds), LANGUAGES):
        out += [Lesson(typed(text, language, rng), said) for text, said in endings(language, rng)]
    return out


def from_contrasts(rounds: int, joint: int, rng: np.random.Generator) -> list[Lesson]:
    """What stays against what ends, every way of saying it in so many rounds; and `joint` of these and of endings, each
    in one sentence with a wish of something else or with what asks for nothing."""
    out = []
    for _, language in itertools.product(range(rounds), LANGUAGES):
        out += [Lesson(typed(text, language, rng), said) for text, said in contrasts(language, rng)]
    known = [wish for wish in read() if not held_out(wish)]
    for language in LANGUAGES:
        short = _short(known, language)
        idle = [wish for wish in short if wish.said == OPEN] + idly(language, rng)
        told = [*contrasts(language, rng), *endings(language, rng)]
        some: list[Lesson] = []
        while len(some) < joint // len(LANGUAGES):
            text, said = told[int(rng.integers(len(told)))]
            chosen = [Wish(text, language, said, -1), _one(idle if rng.uniform() < IDLE else short, rng)]
            wish = together(chosen[:: 1 - 2 * int(rng.integers(2))], rng)
            if wish is not None:
                some.append(Lesson(typed(wish.text, language, rng), wish.said))
        out += some
    return out


def _short(wishes: Sequence[Wish], language: str) -> list[Wish]:
    return [wish for wish in wishes if wish.language == language and len(wish.text) < SHORT]


def from_narrations(count: int, rng: np.random.Generator) -> list[Lesson]:
    """Sentences about who is there, what happens and how it is filmed, in places of the whole vocabulary."""
    out = []
    for _ in range(count):
        names = {kind: str(rng.choice(vocabulary()[kind])) for kind in (*KINDS, "look", "subject", "event", "camera")}
        kept = {kind: name for kind, name in names.items() if rng.uniform() < 0.55} or {"place": names["place"]}
        if all(name in ("none", "natural") for name in kept.values()):
            continue
        language = str(rng.choice(LANGUAGES))
        text = narrate(Labels(**kept), rng, language).text
        said = []
        for kind, known in KINDS.items():
            name = LIKE.get(kept.get(kind, ""), kept.get(kind, ""))
            said.append(known.index(name) if name in known else len(known))
        out.append(Lesson(typed(text, language, rng), (said[0], said[1], said[2])))
    return out


def from_nowhere(count: int, rng: np.random.Generator) -> list[Lesson]:
    """What is not to be understood: everyday talk in other languages with its words in any order, and keys hit at
    random."""
    talk = [sentence for both in FOREIGN.values() for sentence in both]
    out = []
    for i in range(count):
        words = str(rng.choice(talk)).split()
        some = [str(word) for word in rng.permutation(words)[: int(rng.integers(2, len(words) + 1))]]
        if i % 2:
            some = ["".join(str(c) for c in rng.choice(list("abcdefghijklmnopqrstuvwxyz"), len(word))) for word in some]
        out.append(Lesson(" ".join(some), None))
    return out


class Encoded(NamedTuple):
    """Hidden states of many texts, a byte a number: states [all pieces, 3, 384] and their scale [all pieces, 3, 1]; how
    their words are spelt, int16 [all pieces, RUNS]; and where each text's begin, [N + 1]."""

    states: Tensor
    scale: Tensor
    runs: Tensor
    begins: Tensor

    def take(self, which: Tensor) -> Hidden:
        """Of some texts [B], padded."""
        first, length = self.begins[which], self.begins[which + 1] - self.begins[which]
        place = torch.arange(int(length.max()))
        mask = place < length[:, None]
        at = (first[:, None] + place).where(mask, first[:, None])
        states = self.states[at].float().mul_(self.scale[at] * mask[..., None, None])
        return Hidden(states, mask, self.runs[at].int() * mask[..., None])


def encoded(texts: list[str], encoder: TextEncoder, folder: Path) -> Encoded:
    """In a file that is named after the texts and their spelling; made where it is missing, in a few minutes."""
    identity = hashlib.sha256(chr(0).join((f"{BUCKETS} {RUNS} {LONG}", *texts)).encode()).hexdigest()
    path = folder / f"texts-{identity[:12]}.safetensors"
    if not path.is_file():
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        pieces: list[tuple[Tensor, ...]] = [()] * len(texts)
        for first in range(0, len(order), 64):
            some = order[first : first + 64]
            with torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bf16()):
                states, mask, runs = encoder.hidden([texts[i] for i in some])
            scale = states.abs().amax(-1, keepdim=True).clamp_min(1e-6) / 127
            whole = (states.float() / scale.float()).round().to(torch.int8)
            for row, i in enumerate(some):
                kept = mask[row]
                pieces[i] = (whole[row, kept].clone(), scale[row, kept].float(), runs[row, kept].short())
        begins = torch.tensor([0, *itertools.accumulate(len(piece[0]) for piece in pieces)])
        folder.mkdir(parents=True, exist_ok=True)
        whole_of = (torch.cat(part) for part in zip(*pieces, strict=True))
        save_file(dict(zip(("states", "scale", "runs"), whole_of, strict=True)) | {"begins": begins}, path)
    return Encoded(**load_file(path))
