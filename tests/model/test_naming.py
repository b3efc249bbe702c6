"""What is said aloud, by name: read alone as in a batch, said again plainly, and taught in accents of no country."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from configs.paths import WEIGHTS
from model.checkpoint import CheckpointError, sha256
from model.conditioning.meaning import FILE as TEXT
from model.conditioning.meaning import NAMES, TextAdapter
from model.conditioning.state import PLACES, TIMES, WEATHERS
from model.training.optimizers import adam
from model.training.run import Run
from model.voice import encoder as voice
from model.voice import naming_lessons
from model.voice.accents import accented
from model.voice.batches import Background
from model.voice.encoder import VoiceConfig, VoiceEncoder
from model.voice.espeak import Espeak, Manner
from model.voice.naming import FILE, NamingConfig, SpokenNames
from model.voice.naming_lessons import Heard, Teacher
from model.voice.naming_training import Lessons, NamingTraining, blurred, train_step
from model.voice.reader import SPEEDS, Confidence, Naming, Reader
from model.voice.sentences import numbered
from model.voice.spectra import STEP, at_speed
from model.voice.utterances import kept_apart

STATES = 16


def encoder() -> VoiceEncoder:
    torch.manual_seed(0)
    return VoiceEncoder(VoiceConfig(("a", "b"), hidden=STATES, width=16, inner=16)).eval()


def names() -> SpokenNames:
    torch.manual_seed(0)
    return SpokenNames(NamingConfig(STATES, width=16, layers=1, heads=2, hidden=16, dropout=0.0))


def lessons() -> Lessons:
    """Three utterances of 4, 5 and 7 steps, each with states of its own."""
    generator = torch.Generator().manual_seed(1)
    states = torch.cat([torch.randint(-100, 100, (1, STATES), generator=generator).expand(n, -1) for n in (4, 5, 7)])
    said = torch.tensor([[0, 4, 5], [4, 3, 5], [4, 4, 2]])
    return Lessons.of([Heard(states.to(torch.int8), torch.tensor([0, 4, 9, 16]), said)])


@torch.inference_mode()
def test_an_utterance_has_the_same_names_alone_and_beside_a_longer_one() -> None:
    head, states = names().eval(), torch.randn(2, 9, STATES)
    both, alone = head(states, torch.tensor([5, 9])), head(states[:1, :5], torch.tensor([5]))
    assert [part.shape[1] for part in both] == [*NAMES]
    assert all(torch.allclose(one[:1], other, atol=1e-5) for one, other in zip(both, alone, strict=True))
    with pytest.raises(ValueError, match="multiple of heads; got 16 and 3"):
        NamingConfig(STATES, width=16, heads=3)


def taught(folder: Path, steps: int, resumed_after: int = 0) -> Run:
    training, known = NamingTraining(rows=3, rate=1e-2, noise=0.05, lost=0.0, gap=1), lessons()
    head = names()
    run = Run(folder, head, adam(head.parameters(), training.rate, 0.0), minutes=1000)
    for _ in range(resumed_after or steps):
        train_step(run, head, known, training)
    if resumed_after:
        run.save()
        head = names()
        run = Run(folder, head, adam(head.parameters(), training.rate, 0.0), minutes=1000)
        assert run.resume()
        for _ in range(steps - resumed_after):
            train_step(run, head, known, training)
    return run


def test_it_learns_names_and_a_resumed_run_is_as_one_that_never_stopped(tmp_path: Path) -> None:
    run, known = taught(tmp_path / "a", 150), lessons()
    with torch.inference_mode():
        told = run.model.eval()(*known.files[0].take(torch.arange(3)))
    assert torch.equal(torch.stack([part.argmax(-1) for part in told], -1), known.files[0].said)
    whole, halves = taught(tmp_path / "b", 6), taught(tmp_path / "c", 6, resumed_after=3)
    for one, other in zip(whole.model.parameters(), halves.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_half_of_the_utterances_are_blurred_with_a_gap() -> None:
    states, steps = torch.ones(200, 20, STATES), torch.full((200,), 20)
    training = NamingTraining(noise=0.1, lost=0.0, gap=6)
    seen = blurred(states, steps, torch.ones(STATES), training, torch.Generator().manual_seed(0))
    silent = (seen == 0).all(2).sum(1)
    assert 0.3 < (silent > 0).float().mean() < 0.6 and silent.max() <= 6
    assert 0.05 < float(seen[silent == 0].std()) < 0.15


def test_names_are_of_one_encoder_and_those_of_another_are_refused(tmp_path: Path) -> None:
    path = tmp_path / voice.FILE
    encoder().save(path, {})
    head = names()
    head.save(tmp_path / FILE, {"encoder": sha256(path)})
    assert torch.allclose(SpokenNames.load(tmp_path / FILE, path).ask, head.ask, atol=1e-3)
    encoder().save(path, {"steps": 1})
    with pytest.raises(CheckpointError, match="run mundo train names"):
        SpokenNames.load(tmp_path / FILE, path)


def said_again(parts: list[Tensor]) -> Tensor:
    """The number of the place, over and over."""
    return parts[0].argmax(-1)[:, None, None].expand(-1, 13, 384).float()


def test_a_reader_says_names_plainly_and_without_them_what_the_encoder_made() -> None:
    unsure, lexicons = Confidence((1.0, 1.0, 0.0, 0.0), 0.0), {"en": {"ab": [1, 2]}}
    pcm, steps = torch.randn(2, 12 * STEP) * 0.1, torch.tensor([12, 8])
    named = Reader(encoder(), lexicons, unsure, Naming(names().eval(), said_again)).read(pcm, steps)  # type: ignore[arg-type]
    bare = Reader(encoder(), lexicons, unsure).read(pcm, steps)
    for one, other in zip(named, bare, strict=True):
        assert one.named is not None and other.named is None and one.confidence == other.confidence
        assert torch.equal(one.meaning, torch.full((13, 384), float(one.named[0])))
        assert torch.equal(one.heard, other.heard) and torch.equal(other.meaning, other.heard)
    assert Naming.load(Path("nowhere") / voice.FILE) is None


def test_a_reader_weighs_what_an_utterance_is_named_at_every_speed() -> None:
    """A head that names what it hears at another speed with more certainty overrules the utterance as it is."""
    asked: list[list[int]] = []

    def head(states: Tensor, steps: Tensor) -> tuple[Tensor, ...]:
        asked.append(steps.tolist())
        sure = 9.0 if len(asked) == 2 else 1.0
        return tuple(sure * torch.eye(count)[[2 if len(asked) == 2 else 1]].expand(len(steps), -1) for count in NAMES)

    reader = Reader(encoder(), {"en": {"ab": [1, 2]}}, Confidence((1.0, 1.0, 0.0, 0.0), 0.0), Naming(head, said_again))  # type: ignore[arg-type]
    [told] = reader.read(torch.zeros(1, 46 * STEP), torch.tensor([46]))
    assert asked == [[46], *([int(46 / speed)] for speed in SPEEDS)] and told.named == (2, 2, 2)


@torch.inference_mode()
def test_how_sure_an_utterance_is_at_most_speeds_counts() -> None:
    hears, pcm = encoder(), torch.randn(1, 46 * STEP, generator=torch.Generator().manual_seed(4)) * 0.2
    [told] = Reader(hears, {"en": {"ab": [1, 2]}}, Confidence((1.0, 1.0, 0.0, 0.0), 0.0)).read(pcm, torch.tensor([46]))
    heard = [hears(pcm, torch.tensor([46]))]
    heard += [hears(at_speed(pcm, speed), torch.tensor([int(46 / speed)])) for speed in SPEEDS]
    odds = sorted(float(one.kind.softmax(-1)[0, 0].logit()) for one in heard)
    near = sorted(float(one.nearness) for one in heard)
    assert odds[0] < odds[2] < odds[4] and near[0] < near[2] < near[4]
    assert told.evidence[:2] == pytest.approx((odds[2], near[2]), abs=1e-4)


def test_who_names_nothing_asks_for_nothing() -> None:
    def head(states: Tensor, steps: Tensor) -> tuple[Tensor, ...]:
        return tuple(
            torch.eye(count)[[count - 1, 0 if place else count - 1]]
            for place, count in zip((1, 0, 0), NAMES, strict=True)
        )

    sure = Confidence((0.0, 0.0, 0.0, 0.0), 9.0)
    reader = Reader(encoder(), {"en": {"ab": [1, 2]}}, sure, Naming(head, said_again))  # type: ignore[arg-type]
    nothing, place = reader.read(torch.zeros(2, 20 * STEP), torch.tensor([20, 20]))
    assert nothing.confidence == 0 and not nothing.obeyed and nothing.named == tuple(count - 1 for count in NAMES)
    assert place.confidence > 0.99 and place.named == (0, NAMES[1] - 1, NAMES[2] - 1)


def test_labels_are_numbered_as_the_text_adapter_has_them() -> None:
    assert numbered((-1, 3, -1)) == (NAMES[0] - 1, 3, NAMES[2] - 1)
    adapter = TextAdapter.load(WEIGHTS / TEXT)
    said = [
        torch.nn.functional.one_hot(torch.tensor([n]), count).float() for n, count in zip((0, 1, 2), NAMES, strict=True)
    ]
    assert adapter.plainly(said).shape == (1, 13, 384)


def test_an_accent_moves_vowels_alike_in_a_sentence_and_keeps_its_words_long() -> None:
    espeak, how = Espeak(), Manner("en-us")
    [clause] = espeak.spelling("snow and more snow at night", "en-us")
    made = {accented(clause, np.random.default_rng(seed)) for seed in range(20)}
    assert len(made) > 10 and all(one.count("sn") == 2 for one in made)
    assert accented("tS snoU noU", np.random.default_rng(3)).startswith("tS")
    plain, strange = espeak.say("snow and more snow at night", how), espeak.say(f"[[{made.pop()}]]", how)
    assert 0.7 < len(strange) / len(plain) < 1.3
    first, *_, last = accented("noU a noU", np.random.default_rng(5)).split(" ")
    assert first == last


def test_lessons_are_kept_in_a_byte_a_number_and_none_is_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(naming_lessons, "A_FILE", 6)
    teacher = Teacher(encoder(), Background([]))
    for _ in range(2):  # written, then read
        heard = teacher.heard(tmp_path, 0)
        states, steps = heard.take(torch.arange(6))
        assert (steps.diff() >= 0).all() and states.shape == (6, int(steps.max()), STATES)
        assert states.abs().max() <= 1 and not states[0, int(steps[0]) :].any()
        assert (heard.said <= torch.tensor(NAMES) - 1).all() and (heard.said >= 0).all()
    assert len(list(tmp_path.iterdir())) == 1
    apart = {sentence.text for sentence in kept_apart()}
    said: set[str] = set()
    monkeypatch.setattr(teacher, "_say", lambda text, *_: said.add(text) or np.zeros(16_000, np.float32))
    for seed in range(200):
        teacher.lesson(np.random.default_rng(seed))
    assert len(said) > 150 and not said & apart


def test_the_bundled_names_are_of_the_bundled_encoder_and_name_what_is_said() -> None:
    reader = Reader.load(WEIGHTS / voice.FILE)
    for text, said in (
        ("a snowy mountain landscape at night", ("mountains", "night", "snow")),
        ("let it rain", ("rain",)),
    ):
        clean = np.pad(Espeak().say(text, Manner("en-us", speed=150)), 4000)
        [told] = reader.read(torch.from_numpy(clean)[None], torch.tensor([len(clean) // STEP]))
        assert told.named is not None and told.obeyed
        heard = [names[n] for n, names in zip(told.named, (PLACES, TIMES, WEATHERS), strict=True) if n < len(names)]
        assert heard == [*said]
        assert not torch.equal(told.meaning, told.heard)
