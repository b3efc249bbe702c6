"""The voice encoder and what surrounds it: causal, bounded, and taught by what espeak-ng says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from configs.paths import WEIGHTS
from model import checkpoint
from model.checkpoint import CheckpointError
from model.conditioning.text import WIDTH
from model.voice import naming, rooms, stock
from model.voice.batches import Background, Batch, Surroundings, Utterances, collated, whole
from model.voice.calibrating import ONE_IN, fitted, follow, strict
from model.voice.encoder import FILE, KIND, OBEYED, VoiceConfig, VoiceEncoder
from model.voice.espeak import Espeak, EspeakMissing, Manner
from model.voice.lexicon import Lexicon
from model.voice.mixing import Mixer
from model.voice.naming import NamingConfig, SpokenNames
from model.voice.phonemes import Pronunciations, words
from model.voice.reader import Confidence, Evidence, Reader
from model.voice.sentences import (
    CALIBRATING,
    COUNTED_IN,
    FOREIGN,
    HELD_OUT_TALK,
    PARTS,
    foreign,
    new_talk,
    parts,
    sentences,
)
from model.voice.spectra import RATE, STEP, at_speed, log_mel, normalised
from model.voice.training import Truths, VoiceTraining, objective, surroundings
from model.voice.utterances import SPEECH, kept_apart, plain, to_learn, variants
from model.voice.vad import CHUNK, VoiceActivity


def small(phonemes: tuple[str, ...] = ("a", "b", "c")) -> VoiceEncoder:
    torch.manual_seed(0)
    return VoiceEncoder(VoiceConfig(phonemes, PARTS, hidden=16, width=16, inner=16)).eval()


@torch.inference_mode()
def test_what_was_heard_is_not_changed_by_what_comes() -> None:
    encoder, pcm = small(), torch.randn(1, 30 * STEP) * 0.1
    other = torch.cat([pcm[:, : 20 * STEP], torch.randn(1, 10 * STEP)], 1)
    assert torch.allclose(normalised(log_mel(pcm))[:, :20], normalised(log_mel(other))[:, :20], atol=1e-4)
    a, b = (encoder(x, torch.tensor([20])) for x in (pcm, other))
    assert torch.allclose(a.meaning, b.meaning, atol=1e-4) and torch.allclose(a.kind, b.kind, atol=1e-4)
    assert a.meaning.shape == (1, 1 + PARTS, WIDTH) and a.sounds.shape == (1, 30, 4)


@torch.inference_mode()
def test_a_louder_microphone_is_heard_alike_after_a_while() -> None:
    pcm = torch.randn(1, 100 * STEP) * 0.01
    soft, loud = (normalised(log_mel(pcm * gain))[:, -1] for gain in (1.0, 8.0))
    assert (soft - loud).abs().max() < 0.5


def test_the_parts_of_a_sentence_are_means_of_equal_shares_of_its_pieces() -> None:
    features, mask = torch.zeros(32, WIDTH), torch.zeros(32, dtype=torch.bool)
    features[:7, 0] = torch.tensor([9.0, 1, 2, 3, 4, 5, 6])
    mask[:7] = True
    made = parts(features, mask)[:, 0]
    assert made[0] == 9 and made.shape == (1 + PARTS,)
    assert torch.allclose(made[1:], torch.arange(1, 7).repeat_interleave(2).float())


def test_sentences_of_training_and_of_measuring_share_no_text_and_no_voice() -> None:
    assert not {plain(s.text) for s in to_learn()} & {plain(s.text) for s in kept_apart()}
    assert len(kept_apart()) == 300 and {s.language for s in kept_apart()} == {"en", "pt"}
    espeak = Espeak()
    assert not set(variants(espeak, True)) & set(variants(espeak, False))
    assert sentences(20, 3, "pt") == sentences(20, 3, "pt")
    assert all(s.meaning == s.text for s in sentences(20, 3, "en"))


def test_espeak_says_a_sentence_and_its_phonemes_and_names_a_voice_that_it_lacks() -> None:
    espeak = Espeak()
    slow, fast = (espeak.say("rain at dusk", Manner("en-us+f3", speed=speed)) for speed in (120, 220))
    assert len(slow) > 1.3 * len(fast) and 0.01 < slow.std() < 0.5
    assert espeak.phonemes("rain", "en-us") == [["ɹ", "eɪ", "n"]]
    other = Espeak()
    for one in (espeak, other, espeak):  # nobody hears what another says
        assert len(one.say("rain at dusk", Manner("en-us+f3", speed=120))) == pytest.approx(len(slow), rel=0.02)
    with pytest.raises(EspeakMissing, match="no voice 'nobody'"):
        espeak.say("rain", Manner("nobody"))


def test_voice_activity_hears_a_voice_and_neither_silence_nor_wind() -> None:
    def likely(pcm: np.ndarray) -> np.ndarray:
        activity = VoiceActivity.load()
        whole_chunks = torch.from_numpy(pcm[: len(pcm) // CHUNK * CHUNK].astype(np.float32)).split(CHUNK)
        return np.array([activity.likely(chunk) for chunk in whole_chunks])

    voice = Espeak().say("let it snow in the mountains tonight", Manner("en-us"))
    assert np.mean(likely(voice) > 0.5) > 0.8
    assert likely(np.zeros(16_000)).max() < 0.2
    assert np.mean(likely(0.05 * rooms.noise(48_000, np.random.default_rng(2))) > 0.5) < 0.1
    with pytest.raises(ValueError, match=r"expected 512 samples, got \(100,\)"):
        VoiceActivity.load().likely(torch.zeros(100))


def test_words_are_read_from_phonemes_and_short_ones_do_not_fill_the_gaps() -> None:
    lexicon = Lexicon.of({"snow": [1, 2, 3], "no": [2, 3], "rain": [4, 5], "a": [3]})
    said = [0, 1, 1, 2, 0, 3, 3, 0, 0, 4, 0, 5, 0]
    sounds = np.full((len(said), 6), 0.02, np.float32)
    sounds[np.arange(len(said)), said] = 0.9
    told, mean = lexicon.decode(np.log(sounds))
    assert told == ["snow", "rain"] and mean < 0
    with pytest.raises(ValueError, match="a phoneme at least"):
        Lexicon.of({"snow": []})


def test_pronunciations_cover_the_words_of_both_languages() -> None:
    some = [*sentences(40, 3, "en"), *sentences(40, 3, "pt")]
    made = Pronunciations.of(some)
    assert all(made.sounds(sentence) for sentence in some)
    assert all(0 < sound <= len(made.symbols) for said in made.lexicons["pt"].values() for sound in said)
    assert words("Let it snow, it's dusk.") == ["let", "it", "snow", "it's", "dusk"]


def test_noise_is_as_loud_as_it_was_asked_for_and_music_is_music() -> None:
    rng = np.random.default_rng(1)
    voice = np.concatenate([np.zeros(8000), rng.standard_normal(16_000) * 0.1]).astype(np.float32)
    behind = rooms.mixed(voice, rooms.noise(24_000, rng), 15.0) - voice
    assert 10 * np.log10(0.01 / np.mean(behind**2)) == pytest.approx(15.0, abs=1.0)  # by its loud samples
    made = rooms.music(RATE, rng)
    assert made.std() == pytest.approx(1.0, abs=0.01) and np.isfinite(made).all()
    assert np.abs(rooms.microphone(50 * made, rng)).max() <= 1
    assert whole(1601) == 3200 and len(Background([]).some(4000, rng)) == 4000


def test_rows_that_are_mixed_at_once_sound_like_those_mixed_alone(tmp_path) -> None:  # type: ignore[no-untyped-def]
    def spectrum(batches: list[Batch]) -> torch.Tensor:
        """Mean log-mel of speech alone."""
        inside = [
            normalised(log_mel(pcm[None]))[0, :steps]
            for batch in batches
            for pcm, steps, kind in zip(batch.pcm, batch.steps.tolist(), batch.kind.tolist(), strict=True)
            if kind == SPEECH
        ]
        return torch.cat(inside).mean(0)

    stock.write(tmp_path, [0])
    assert stock.written(tmp_path, 0) and not stock.written(tmp_path, 1)
    background = Background([0.1 * rooms.noise(9 * RATE, np.random.default_rng(3))])
    mixer, alone = Mixer(tmp_path, background, torch.device("cpu")), Utterances(tmp_path, background)
    for _ in range(3):  # takes up what is written, and waits for nothing
        mixer.grow(2)
    alone.grow(1)
    assert mixer.count == alone.count == 250
    where = Surroundings(10.0, 20.0)
    made = [[of.batch(16, [1, step], where) for step in range(5)] for of in (mixer, alone)]
    assert (spectrum(made[0]) - spectrum(made[1])).abs().max() < 0.5
    first, again = made[0][0], mixer.batch(16, [1, 0], where)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not first.pcm[torch.arange(first.pcm.shape[1]) >= (first.steps[:, None] + 3) * STEP].any()
    assert first.pcm.abs().amax(1).min() > 0 and first.pcm.abs().max() <= 1
    assert ((first.sentence >= 0) == (first.kind == SPEECH)).all()


def test_the_objective_reaches_every_weight_and_begins_in_the_clear() -> None:
    encoder = small().train()
    rows = [(np.random.default_rng(n).standard_normal(40 * STEP).astype(np.float32) * 0.1, n, 0) for n in range(3)]
    batch = collated([*rows, (np.zeros(30 * STEP, np.float32), -1, 1)])
    truths = Truths.of(torch.randn(3, 1 + PARTS, WIDTH).half(), [[1, 2], [3], [2, 2, 1]], torch.device("cpu"))
    loss, figures = objective(encoder(batch.pcm, batch.steps), batch, truths, VoiceTraining())
    loss.backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in encoder.parameters())
    assert set(figures) == {"regression", "contrast", "sounds", "kind", "nearness", "near"}
    first, last = (surroundings(VoiceTraining(), progress) for progress in (0.0, 1.0))
    assert first == Surroundings(30.0, 35.0, 0.0) and last == Surroundings(3.0, 35.0, 0.6)


def test_a_batch_in_which_nobody_says_anything_trains_the_kind_alone() -> None:
    encoder = small().train()
    batch = collated([(np.zeros(30 * STEP, np.float32), -1, kind) for kind in (1, 2, 3)])
    truths = Truths.of(torch.randn(1, 1 + PARTS, WIDTH).half(), [[1]], torch.device("cpu"))
    loss, figures = objective(encoder(batch.pcm, batch.steps), batch, truths, VoiceTraining())
    loss.backward()
    assert set(figures) == {"kind"} and encoder.kind[0].weight.grad is not None


def test_foreign_talk_of_training_is_in_no_language_that_is_kept_for_measuring() -> None:
    assert not {*COUNTED_IN} & {*FOREIGN, "en", "pt", "gl"} and len(HELD_OUT_TALK) >= 4
    rng = np.random.default_rng(0)
    said = {foreign(rng, COUNTED_IN) for _ in range(50)}
    new = {new_talk(rng) for _ in range(100)}
    assert {*CALIBRATING} <= {*COUNTED_IN} and len({language for language, _ in new}) > 12 and len(new) > 40
    assert len(said) > 45 and all(set(text) <= set("0123456789, ") for _, text in said)


def test_a_voice_encoder_is_saved_and_one_that_is_not_there_is_named(tmp_path) -> None:  # type: ignore[no-untyped-def]
    small().save(tmp_path / "voice.safetensors", {})
    assert VoiceEncoder.load(tmp_path / "voice.safetensors").config.phonemes == ("a", "b", "c")
    with pytest.raises(CheckpointError, match="expected a voice checkpoint"):
        VoiceEncoder.load(tmp_path / "nothing")


def test_confidence_tells_what_it_was_fitted_to_tell_apart_by_all_of_its_evidence() -> None:
    rng = np.random.default_rng(0)
    speech = [Evidence(*row) for row in rng.normal((3, 1, -0.4, -0.2), 1.0, (300, 4)).tolist()]
    foreign = [Evidence(*row) for row in rng.normal((0, 0, -1.4, -0.9), 1.0, (300, 4)).tolist()]
    sure = fitted(speech[:200], foreign[:200])
    right = [sure.of(one) > 0.5 for one in speech[200:]] + [sure.of(one) < 0.5 for one in foreign[200:]]
    assert np.mean(right) > 0.9 and all(weight > 0 for weight in sure.weights)


def test_confidence_is_as_sure_as_foreign_talk_lets_it_be() -> None:
    sure = Confidence((1.0, 0.0, 0.0, 0.0), 0.0)
    foreign = [Evidence(float(n), 0.0, 0.0, 0.0) for n in range(10)]
    for most in (0, 2):
        made = strict(sure, foreign, most)
        assert made.weights == sure.weights and sum(made.of(one) >= OBEYED for one in foreign) == most
    assert strict(sure, [Evidence(-9.0, 0, 0, 0)], 0).bias > 9 and strict(sure, foreign, 10) == sure
    assert ONE_IN >= 100


def test_names_follow_an_encoder_whose_confidence_changed_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / FILE
    small().save(path, {})
    before = checkpoint.sha256(path)
    names = SpokenNames(NamingConfig(16, width=16, heads=2))
    names.save(tmp_path / naming.FILE, {"encoder": before, "steps": 7})
    small().save(path, {"confidence": 1})
    follow(path, before)
    assert torch.allclose(SpokenNames.load(tmp_path / naming.FILE, path).ask, names.ask, atol=1e-3)
    assert checkpoint.load_extra(tmp_path / naming.FILE, naming.KIND)["steps"] == 7
    names.save(tmp_path / naming.FILE, {"encoder": "another"})
    follow(path, before)
    with pytest.raises(CheckpointError, match="run mundo train names"):
        SpokenNames.load(tmp_path / naming.FILE, path)
    (tmp_path / naming.FILE).unlink()
    follow(path, before)


def test_the_bundled_encoder_says_how_sure_it_may_be_and_one_that_does_not_is_named(tmp_path: Path) -> None:
    assert len(Confidence.read(checkpoint.load_extra(WEIGHTS / FILE, KIND), WEIGHTS / FILE).weights) == 4
    small().save(tmp_path / FILE, {"lexicons": {"en": {"a": [1]}}})
    with pytest.raises(CheckpointError, match="run python -m model.voice.calibrating"):
        Reader.load(tmp_path / FILE)


def test_a_tone_that_is_said_faster_is_higher_and_shorter() -> None:
    tone = torch.sin(2 * torch.pi * 500 * torch.arange(RATE) / RATE)[None]
    for speed in (0.92, 1.08):
        again = at_speed(tone, speed)
        assert again.shape == (1, round(RATE / speed))
        hz = float(torch.fft.rfft(again[0]).abs().argmax()) * RATE / again.shape[1]
        assert hz == pytest.approx(500 * speed, rel=0.01)
    assert at_speed(torch.zeros(2, 100), 2.0).shape == (2, STEP)
