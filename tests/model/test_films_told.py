"""What is said of random films is what they show: labels against the truth, sentences against labels, and pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cache

import numpy as np
import pytest

from configs.paths import vocabulary
from model.worlds.captions import BOOKS
from model.worlds.films import Script, narrator, play, script
from model.worlds.lands import Land
from model.worlds.narration import WORDS, Labels, held_shape, held_words, narrate
from model.worlds.painter import Painter
from model.worlds.profiles import profile
from model.worlds.shots import Frame, Shot
from model.worlds.stage import Moment
from model.worlds.weather import TURNS

FRAMES = (0, 9, 40)
FULL = profile("full")
Meaning = frozenset[tuple[str, str]]


def articles(text: str) -> str:
    return re.sub(r"@ (?=(\w))", lambda m: "an " if m[1] in "aeiou" else "a ", text.lower())


@cache
def phrases(language: str) -> dict[str, Meaning]:
    """Every phrase of a language, the longest first, with all that it may mean."""
    book, found = BOOKS[language], {}
    said = [(slot.split("_")[0], name, text) for slot, names in WORDS[language].items() if not slot.endswith("_do")
            for name, texts in names.items() for text in texts]  # fmt: skip
    said += [("time", name, text) for name, forms in book.times.items() for f in ("at", "is") for text in forms[f]]
    said += [("weather", name, t) for name, forms in book.weathers.items() for f in ("in", "is") for t in forms[f]]
    said += [("place", name, f"{noun.prepositions[noun.definite_only]} {noun.text}")
             for name, nouns in book.places.items() for noun in nouns]  # fmt: skip
    for kind, name, text in said:
        found.setdefault(articles(text), set()).add((kind, name))
    return {text: frozenset(found[text]) for text in sorted(found, key=len, reverse=True)}


@cache
def any_phrase(language: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, phrases(language)))})(?!\w)")


def meant(caption: str, language: str) -> list[Meaning]:
    """What the phrases in a caption may mean, each word of it read once."""
    return [phrases(language)[found[0]] for found in any_phrase(language).finditer(caption.lower())]


def check_caption(caption: str, labels: Labels, language: str) -> None:
    """All that is labelled is said, and nothing else."""
    given = {(kind, name) for kind, name in asdict(labels).items() if name not in (None, "none", "natural")}
    heard = meant(caption, language)
    for label in given - {("action", "idle")} if labels.subject == "boat" else given:
        assert any(label in meaning for meaning in heard), f"{label} is not said in {caption!r}"
    for meaning in heard:
        assert meaning & given, f"{caption!r} says {sorted(meaning)}, which is not in {sorted(given)}"


def check_labels(plan: Script, world: Land, moment: Moment, said: Labels) -> None:
    """Every label holds of the moment's own truth."""
    heaven, speed = moment.shot.heaven, float(np.hypot(moment.walk.vx, moment.walk.vz))
    assert said.place == world.place and said.look == moment.shot.look and said.camera == plan.camera
    low, high = TURNS[said.time or ""]
    assert low <= heaven.tod <= high or plan.event == "rainbow"
    falling = {"rain": heaven.rain, "snow": heaven.snow, "fog": heaven.fog - 0.5, "storm": heaven.storm}
    for name, amount in falling.items():
        assert (amount > 0) == (said.weather == name) or (name == "rain" and said.weather == "storm")
    assert said.weather != "clear" or heaven.cloud < 0.5
    moving = {"idle": speed <= 0.3, "walk": 0.3 < speed <= 4.2, "run": speed > 4.2, "jump": not moment.walk.ground}
    assert moving.get(said.action or "", True)
    assert said.event is None or said.event in {event.name for event in moment.events if event.active(moment.at_s)}


def bare(shot: Shot) -> Shot:
    """The shot without anybody in it and with nothing going on."""
    return Shot(shot.camera, replace(shot.heaven, rainbow=0.0), shot.clock, shot.look)


def check_pixels(painter: Painter, world: Land, moment: Moment, said: Labels) -> None:
    """Whoever and whatever is said to be there changes the picture."""
    if said.subject or said.event:
        painter.enter(world)
        with_it, without = (painter.paint(shot).rgb.astype(int) for shot in (moment.shot, bare(moment.shot)))
        changed = int((np.abs(with_it - without).max(-1) > 8).sum())
        assert changed >= 6, f"{said} changes {changed} pixels"


def told(seeds: range) -> Iterator[tuple[int, Script, Land, Moment, Labels]]:
    for seed in seeds:
        for frame, (plan, world, moment, said, _) in enumerate(play(seed, FULL, FRAMES[-1] + 1)):
            if frame in FRAMES:
                yield seed, plan, world, moment, said


def check_films(seeds: range) -> None:
    painter, films = Painter(Frame(256, 144)), set()
    for seed, plan, world, moment, said in told(seeds):
        try:
            check_labels(plan, world, moment, said)
            rng = np.random.default_rng(seed)
            for language, split in (narrator(seed), ("en", "train"), ("pt", "test")):
                check_caption(narrate(said, rng, language, split).text, said, language)
            check_pixels(painter, world, moment, said)
        except AssertionError as error:
            raise AssertionError(f"seed {seed} at {moment.at_s:.2f} s: {error}") from error
        films.add(seed)
    assert len(films) == len(seeds)


def test_captions_labels_and_pictures_agree() -> None:
    check_films(range(12))


def test_captions_agree_with_the_labels_of_a_thousand_films() -> None:
    """Of all that their scripts would show, without playing them."""
    for seed in range(1000):
        plan, rng = script(seed, FULL), np.random.default_rng(seed)
        weather, subject = None if plan.place == "moon" else plan.weather, plan.subject if seed % 3 else "none"
        action = None if subject in ("none", "boat") else plan.action
        labels = Labels(plan.place, plan.time, weather, plan.look, None if subject == "none" else subject, action,
                        plan.event if seed % 4 else None, plan.camera, plan.move)  # fmt: skip
        for language, split in (narrator(seed), ("pt", "test"), ("en", "train")):
            check_caption(narrate(labels, rng, language, split).text, labels, language)


@pytest.mark.soak
def test_captions_labels_and_pictures_agree_in_a_thousand_films() -> None:
    check_films(range(1000))


def test_films_that_are_held_out_are_said_in_words_and_shapes_that_no_other_is() -> None:
    rng, kept, words = np.random.default_rng(0), 0, {name: held_words(name) for name in WORDS}
    labels = Labels("town", "night", "clear", subject="fox", action="run", event="fireworks", camera="side")
    for seed in range(340):
        language, split = narrator(seed)
        said = narrate(labels, rng, language, split)
        held = held_shape(said.shape) or bool(words[language].intersection(said.words))
        assert held == (split == "test") == (seed % 17 == 0)
        kept += held
    assert kept == 20


def test_the_listener_knows_every_label_and_tells_a_wrong_caption() -> None:
    for language in WORDS:
        known = {label for meaning in phrases(language).values() for label in meaning}
        for kind in ("place", "time", "weather", "subject", "action", "event", "look", "camera", "move"):
            assert {name for k, name in known if k == kind} >= set(vocabulary()[kind]) - {"none", "natural"}
    with pytest.raises(AssertionError, match="is not said"):
        check_caption("it is night", Labels("meadow", "night"), "en")
    with pytest.raises(AssertionError, match="which is not in"):
        check_caption("a fox in a meadow", Labels("meadow"), "en")
