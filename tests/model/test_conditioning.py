"""What is given besides the picture: sound, controls and the state."""

from collections.abc import Callable
from math import pi

import pytest
import torch

from model.conditioning import audio, control, state


def tone(hertz, level=0.5):
    return level * torch.sin(2 * pi * hertz * torch.arange(audio.SAMPLES) / audio.RATE)


def test_a_tone_fills_its_own_band():
    low, high = audio.features(tone(300))[1], audio.features(tone(4000))[1]
    assert low.argmax() < high.argmax()
    assert low.max() > 0.8
    assert audio.features(torch.zeros(audio.SAMPLES)).max() == 0


def test_loudness_follows_the_level():
    quiet, loud = audio.features(tone(440, 0.01))[0, 0], audio.features(tone(440, 0.5))[0, 0]
    assert loud - quiet == pytest.approx(34 / 60, abs=0.02)


def test_sound_that_is_not_a_number_counts_as_silence():
    assert audio.features(torch.full((audio.SAMPLES,), float("nan"))).max() == 0


def followed(knocks: Callable[[int], bool], frames: int = 120) -> torch.Tensor:
    """The beat [frames, 4] of a stream that knocks in some frames and hums softly in all."""
    rng, beat, made = torch.Generator().manual_seed(0), audio.Beat(), []
    for frame in range(frames):
        pcm = 0.01 * torch.randn(audio.SAMPLES, generator=rng) + knocks(frame) * 0.3 * torch.sin(torch.arange(1000) / 5)
        made.append(audio.in_stream(pcm, beat, 0.0)[0, audio.BEAT_FROM : audio.BEAT_FROM + audio.BEAT])
    return torch.stack(made)


def test_a_beat_is_followed_and_each_of_its_knocks_stands_out():
    last = followed(lambda frame: frame % 12 == 3)[-24:]
    on = torch.tensor([frame % 12 == 3 for frame in range(96, 120)])
    assert last[on, 0].min() > 0.6 and last[~on, 0].mean() < 0.3
    assert last[:, 1].min() > 0.7
    assert (last[on, 3] > 0.6).all() and last[:, 3].min() < -0.5


def test_what_comes_by_chance_has_no_beat_and_silence_none_at_all():
    chance = set(torch.randperm(120, generator=torch.Generator().manual_seed(3))[:10].tolist())
    assert followed(lambda frame: frame in chance)[-24:, 1].mean() < 0.5
    beat = audio.Beat()
    silent = [audio.in_stream(torch.zeros(audio.SAMPLES), beat, 0.0) for _ in range(30)]
    assert torch.stack(silent).abs().max() == 0


def test_whether_somebody_speaks_is_told_within_its_range():
    tokens = audio.in_stream(tone(440), audio.Beat(), 1.7)
    assert tokens[0, audio.SPEAKING] == 1 and len(audio.values(tokens)) == 22
    assert audio.values(tokens)[-1] == 1


def test_a_wrong_number_of_samples_is_refused():
    with pytest.raises(ValueError, match="999"):
        audio.features(torch.zeros(999))


def test_arrows_and_mouse_turn_exactly_and_pitch_stops():
    controls = torch.zeros(12)
    controls[7], controls[10], controls[11] = 1, 0.05, 3.0
    yaw, pitch = control.look(0.0, 0.0, controls)
    assert yaw == pytest.approx(1.6 / 24 + 0.05)
    assert pitch == control.PITCH_LIMIT


def test_small_rates_are_snapped_and_the_sun_never_goes_back():
    rates = state.snap(torch.tensor([-0.9, 0.2, 0.9, -1.7, 0.34, -0.36]), torch.full((6,), 0.5))
    assert rates.tolist() == pytest.approx([0, 0, 0.9, -1, 0, -0.36])


def test_rain_snow_and_cover_do_not_rest_beside_their_ends():
    slow = torch.full((3, 6), -0.3)
    skies = torch.tensor([[0.2, 0.1, 0.1, 0.07, 0.0, 0.12], [0.2, 0.9, 0.9, 0.5, 0.9, 1.0], [0.2] * 6])
    for _ in range(24):
        skies = state.advance(skies, state.snap(slow, skies))
    assert skies[0].tolist() == pytest.approx([0.2, 0.1, 0.1, 0, 0, 0])
    assert skies[1].tolist() == pytest.approx([0.2, 0.9, 0.9, 0.5, 1, 1])
    taken_away = state.snap(torch.tensor([0, 0, 0, 0.4, -0.4, 0.4]), torch.tensor([0.2, 0.5, 0.0, 0.1, 0.9, 0.1]))
    assert taken_away.tolist() == pytest.approx([0, 0, 0, 0.4, -0.4, 0.4])


def test_who_hardly_moves_stands_but_may_fall():
    assert state.settle(torch.tensor([0.1, -3.0, 0.2]), 1.0).tolist() == [0, -3, 0]
    assert state.settle(torch.tensor([0.1, -0.3, 0.2]), 1.0).tolist() == [0, 0, 0]
    assert state.settle(torch.tensor([0.0, -0.5, 0.0]), 0.0).tolist() == [0, -0.5, 0]
    walking = torch.tensor([0.1, 0.4, 0.9])
    assert torch.equal(state.settle(walking, 1.0), walking)


def test_a_sky_stays_in_its_range():
    sky = torch.tensor([0.999, 0.999, 0.001, 1.0, 0.0, 0.5])
    for _ in range(100):
        sky = state.advance(sky, torch.tensor([1.0, 1, -1, 1, -1, 1]))
    assert sky[0] < 1
    assert sky[1:].tolist() == pytest.approx([1, 0, 1, 0, 1])


def test_tokens_name_the_action():
    still = state.beginning("desert", "night", "clear")
    moving = state.beginning("desert", "night", "clear")
    moving.velocity = torch.tensor([0.0, 0.0, 6.0])
    assert still.tokens()[3].argmax() == 0
    assert moving.tokens()[3].argmax() == 2
    assert still.tokens()[2, :4].tolist() == [0, 1, 0, 0]


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="'swamp'"):
        state.beginning("swamp", "day", "clear")


def test_a_state_of_any_place_says_all_but_the_place():
    here, there = (state.beginning(place, "dusk", "fog").tokens() for place in ("desert", "coast"))
    assert torch.equal(state.anywhere(here), state.anywhere(there)) and not torch.equal(here, there)
    said = here.clone()
    said[2, :4] = 0.25
    assert torch.equal(state.anywhere(here), said)
