"""The text adapter: what passes as it is, what is said again, and how it is taught."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from configs.paths import WEIGHTS
from model.checkpoint import CheckpointError
from model.conditioning.meaning import FILE, NAMES, AdapterConfig, PromptReader, TextAdapter
from model.conditioning.text import MAX_CHARS, TextEncoder, TextTooLong
from model.evaluation import prompts
from model.training import wishes
from model.training.contrasts import contrasts
from model.training.endings import endings
from model.training.lessons import (
    MEANINGS,
    OPEN,
    Lesson,
    encoded,
    from_contrasts,
    from_grammar,
    from_narrations,
    from_nowhere,
    from_wishes,
    idly,
    plain,
)
from model.training.optimizers import adam
from model.training.run import Run
from model.training.text import Lessons, TextTraining, blurred, read_as, train_step

SMALL = AdapterConfig(width=16, layers=(1, 1), heads=2, hidden=16, inner=16, dropout=0.0)
TAUGHT = [Lesson("cai a noite", (4, 3, 5)), Lesson("a beach", (3, 4, 5)), Lesson("qwrt zzk", None)]


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder.load()


@pytest.fixture(scope="module")
def lessons(encoder: TextEncoder, tmp_path_factory: pytest.TempPathFactory) -> Lessons:
    return Lessons.of(TAUGHT, encoder, tmp_path_factory.mktemp("cache"))


def small() -> TextAdapter:
    torch.manual_seed(0)
    return TextAdapter(SMALL)


def taught(folder: Path, lessons: Lessons, steps: int, resumed_after: int = 0) -> Run:
    training = TextTraining(rows=8, rate=1e-2, noise=0.05, lost=0.0)
    adapter = small()
    run = Run(folder, adapter, adam(adapter.parameters(), training.rate, 0.0), minutes=1000)
    for _ in range(resumed_after or steps):
        train_step(run, adapter, lessons, training)
    if resumed_after:
        run.save()
        adapter = small()
        run = Run(folder, adapter, adam(adapter.parameters(), training.rate, 0.0), minutes=1000)
        assert run.resume()
        for _ in range(steps - resumed_after):
            train_step(run, adapter, lessons, training)
    return run


@torch.inference_mode()
def test_a_prompt_that_is_not_understood_passes_as_the_encoder_made_it(encoder: TextEncoder) -> None:
    adapter, texts = small().eval(), ["let it snow", "céu limpo 雪 ❄", "\ud800"]
    for logit, adapted in ((-20.0, False), (20.0, True)):
        [reader.understood.bias.fill_(logit) for reader in adapter.readers]
        for head in adapter.modules():
            if isinstance(head, torch.nn.Linear) and head.out_features in NAMES:
                head.bias[0] = 20.0  # clear enough
        features, mask = PromptReader(encoder, adapter).features(texts)
        own, own_mask = encoder.features(texts)
        assert features.shape == (3, 32, 384) and mask.dtype == torch.bool
        assert torch.equal(features, own) != adapted and torch.equal(mask, own_mask) != adapted
        assert mask.sum(1).tolist() == [13, 13, 13] if adapted else not features[~mask].any()
    assert torch.equal(PromptReader(encoder, None).features(texts)[0], own)
    with pytest.raises(TextTooLong, match=str(MAX_CHARS)):
        PromptReader(encoder, adapter).features(["a" * (MAX_CHARS + 1)])


@torch.inference_mode()
def test_a_prompt_means_the_same_alone_and_beside_a_longer_one(encoder: TextEncoder) -> None:
    adapter = small().eval()
    long = "uma praia comprida ao fim da tarde, com gaivotas e ondas"
    both, alone = adapter(*encoder.hidden(["neve", long])), adapter(*encoder.hidden(["neve"]))
    assert_close(both.meaning[:1], alone.meaning, atol=1e-4, rtol=1e-4)
    assert 0 < float(alone.sureness()) < 1


@torch.inference_mode()
def test_a_prompt_is_said_again_as_its_likeliest_names_and_as_no_mixture(encoder: TextEncoder) -> None:
    adapter = small().eval()
    told = adapter(*encoder.hidden(["neve", "a beach at night"]))
    plainly = adapter.plainly(told.names)
    sure = [logits + 100 * (logits == logits.amax(-1, keepdim=True)) for logits in told.names]
    assert torch.equal(plainly, adapter.plainly(sure)) and plainly.shape == told.meaning.shape
    assert not torch.allclose(plainly, told.meaning, atol=1e-3)


@torch.inference_mode()
def test_of_several_readers_the_mean_counts(encoder: TextEncoder) -> None:
    adapter, hidden = small().eval(), encoder.hidden(["neve", "a beach at night"])
    together, apart = adapter(*hidden), [adapter(*hidden, reader) for reader in range(2)]
    for both, one, other in zip(together.names, *(told.names for told in apart), strict=True):
        assert not torch.allclose(one, other)
        assert_close(both.softmax(-1), (one.softmax(-1) + other.softmax(-1)) / 2)
    with pytest.raises(ValueError, match=r"one reader of one layer at least, got \[2, 0\]"):
        AdapterConfig(layers=(2, 0))


def test_it_learns_meanings_and_what_nobody_understands(tmp_path: Path, encoder: TextEncoder, lessons: Lessons) -> None:
    run = taught(tmp_path, lessons, steps=120)
    with torch.inference_mode():
        told = run.model.eval()(*encoder.hidden([lesson.text for lesson in TAUGHT]))
    assert read_as(told).tolist() == [MEANINGS.index((4, 3, 5)), MEANINGS.index((3, 4, 5)), -1]
    near = torch.cosine_similarity(told.meaning[:, None].flatten(2), lessons.features[None].flatten(2), dim=-1)
    assert near[:2].argmax(1).tolist() == read_as(told)[:2].tolist()


def test_a_resumed_run_is_as_one_that_never_stopped(tmp_path: Path, lessons: Lessons) -> None:
    whole, halves = taught(tmp_path / "a", lessons, 6), taught(tmp_path / "b", lessons, 6, resumed_after=3)
    for one, other in zip(whole.model.parameters(), halves.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_an_adapter_comes_back_from_its_file_and_others_are_refused(tmp_path: Path) -> None:
    adapter = small()
    adapter.save(tmp_path / FILE, {"steps": 3})
    again = TextAdapter.load(tmp_path / FILE)
    for name, tensor in again.state_dict().items():
        own = adapter.state_dict()[name]
        assert_close(tensor, own, atol=float(own.abs().max()) / 200, rtol=1e-3)
    with pytest.raises(CheckpointError, match="expected kind 'text', found 'omni'"):
        TextAdapter.load(WEIGHTS / "nano.safetensors")
    with pytest.raises(ValueError, match="multiple of heads; got 16 and 3"):
        AdapterConfig(width=16, heads=3)


def test_hidden_states_are_kept_in_a_byte_a_number(tmp_path: Path, encoder: TextEncoder) -> None:
    texts = ["a long way through the dunes", "neve"]
    for _ in range(2):  # made, then read
        states, mask, runs = encoded(texts, encoder, tmp_path).take(torch.tensor([1, 0]))
        true = encoder.hidden(texts[::-1])
        assert torch.equal(mask, true.mask) and torch.equal(runs, true.runs)
        assert (states[mask] - true.states[mask]).abs().max() < 0.1
    assert len(list(tmp_path.iterdir())) == 1


def test_blurred_states_keep_a_piece_of_every_text(encoder: TextEncoder) -> None:
    hidden = encoder.hidden(["snow", "uma noite clara"])
    training = TextTraining(lost=1.0, misspelt=0.5)
    seen = blurred(hidden, hidden.states[hidden.mask].std(0), training, torch.Generator().manual_seed(0))
    assert torch.equal(seen.mask, hidden.mask) and not torch.equal(seen.states, hidden.states)
    assert 0.3 < (seen.runs > 0).sum() / (hidden.runs > 0).sum() < 0.7


def test_wishes_have_names_of_the_vocabulary_and_a_tenth_of_the_ideas_is_kept_apart(tmp_path: Path) -> None:
    known = wishes.read()
    apart = [wish for wish in known if wishes.held_out(wish)]
    assert len(known) >= 1500 and 0.05 < len(apart) / len(known) < 0.15
    assert not {w.idea for w in apart} & {w.idea for w in known if not wishes.held_out(w)}
    assert len({w.text.lower() for w in known}) == len(known)
    for entry, why in (({"weather": "hail", "en": ["hail"]}, "got 'hail'"), ({"fr": ["neige"]}, "got 'fr'")):
        (tmp_path / "w.jsonl").write_text(json.dumps(entry))
        with pytest.raises(wishes.WishesError, match=why):
            wishes.read(tmp_path / "w.jsonl")


def test_no_lesson_shares_a_prompt_that_the_networks_are_judged_by() -> None:
    def words(text: str) -> str:
        plain = unicodedata.normalize("NFD", text.lower())
        return " ".join(re.findall(r"[a-z0-9]+", "".join(c for c in plain if not unicodedata.combining(c))))

    judged = {words(prompt.text) for prompt in prompts.bundled()}
    assert words("É a Manhã, 6h!") == "e a manha 6h" and len(judged) > 150
    known, unseen = wishes.read(), wishes.read(wishes.UNSEEN)
    shared = [wish.text for wish in (*known, *unseen) if words(wish.text) in judged]
    assert not shared, f"{len(shared)} wishes are prompts of mundo eval"
    apart = {words(wish.text) for wish in unseen}
    assert sum(wish.language == "pt" for wish in unseen) >= 150 <= sum(wish.language == "en" for wish in unseen)
    assert not [wish.text for wish in known if words(wish.text) in apart]


def test_wishes_that_something_ends_say_what_comes_instead() -> None:
    rng = np.random.default_rng(0)
    for language, known in (("en", {"stop the rain"}), ("pt", {"chega da chuva", "chega de chuva"})):
        said = dict(pair for _ in range(90) for pair in endings(language, rng))
        assert set(said.values()) == {(4, t, 5) for t in range(4)} | {(4, 4, w) for w in range(5)}
        assert all("{" not in text for text in said)
        assert known <= set(said) and all(said[text] == (4, 4, 0) for text in known)


def test_what_stays_is_told_from_what_ends() -> None:
    rng = np.random.default_rng(0)
    told = {
        "en": {
            "disappears in the (fog|mist|haze)$": 2,
            "don't stop snowing": 4,
            "^stop snowing$": 0,
            "^clouds but no": 1,
        },
        "pt": {"desaparece no nevoeiro": 2, "não para de nevar": 4, "^para de nevar$": 0, "^nuvens mas sem": 1},
    }
    for language, known in told.items():
        said = [pair for _ in range(20) for pair in contrasts(language, rng)]
        assert all("{" not in text and "[" not in text for text, _ in said)
        for pattern, weather in known.items():
            assert {names[2] for text, names in said if re.search(pattern, text)} == {weather}
    joined = from_contrasts(0, 40, rng)
    assert len(joined) == 40 and len({lesson.said for lesson in joined}) > 10


def test_two_wishes_are_joined_where_they_do_not_contradict_each_other() -> None:
    rng = np.random.default_rng(0)
    night, snow, day = (
        wishes.Wish(t, "en", s, 0) for t, s in (("night", (4, 3, 5)), ("snow", (4, 4, 4)), ("day", (4, 1, 5)))
    )
    both = wishes.joined(night, snow, rng)
    assert both is not None and both.said == (4, 3, 4) and both.text.startswith("night") and both.text.endswith("snow")
    assert wishes.joined(night, day, rng) is None
    assert wishes.together((night, snow, day), rng) is None and wishes.together((snow,), rng) == snow
    beach = wishes.Wish("a beach", "en", (3, 4, 5), 0)
    three = wishes.together((night, snow, beach), rng)
    assert three is not None and three.said == (3, 3, 4) and all(w.text in three.text for w in (night, snow, beach))


def test_what_happens_idly_says_no_place_time_or_weather_and_joins_with_any_wish() -> None:
    rng = np.random.default_rng(0)
    for language in wishes.LANGUAGES:
        idle = idly(language, rng)
        assert len({wish.text for wish in idle}) > 200
        assert {(wish.said, wish.language) for wish in idle} == {(OPEN, language)}
        snow = wishes.Wish("snow", language, (4, 4, 4), 0)
        joint = wishes.joined(idle[0], snow, rng)
        assert joint is not None and joint.said == snow.said and joint.text.endswith("snow")


def test_wishes_are_taught_alone_and_together_and_none_of_those_kept_apart() -> None:
    lessons = from_wishes(1, 300, np.random.default_rng(0))
    known = [wish for wish in wishes.read() if not wishes.held_out(wish)]
    assert [lesson.text for lesson in lessons[: len(known)]] == [wish.text for wish in known]
    assert len(lessons) == len(known) + 300
    apart = [wish.text for wish in wishes.read() if wishes.held_out(wish) and len(wish.text) > 40]
    assert not [text for text in apart if any(text in lesson.text for lesson in lessons)]


def test_lessons_say_what_their_labels_say() -> None:
    rng = np.random.default_rng(0)
    assert plain((3, 3, 2)) == "a coast at night in fog" and plain(OPEN) == "a landscape"
    assert len({plain(said) for said in MEANINGS}) == len(MEANINGS) == 150
    assert {lesson.said for lesson in from_grammar(1, rng)} == set(MEANINGS) - {OPEN}
    assert all(lesson.said in MEANINGS for lesson in from_narrations(20, rng))
    assert all(lesson.said is None and lesson.text for lesson in from_nowhere(20, rng))
