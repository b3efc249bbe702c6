"""What a frame obeys: last state, sum, newest, last samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.inputs import MAX_LOOK_RAD, BadInput, Gathered
from engine.messages import AUDIO_SAMPLES, Audio, Camera, Control, Text
from model.conditioning.control import LOOK_LIMIT


def snapshot(seq: int, buttons: int = 0, look_x: float = 0.0, look_y: float = 0.0) -> Control:
    return Control(seq=seq, buttons=buttons, look_x=look_x, look_y=look_y)


def sound(values: np.ndarray) -> Audio:
    return Audio(pcm=(values * 32768).astype("<i2").tobytes())


def test_before_anybody_acts_a_frame_gets_nothing() -> None:
    drained = Gathered().drain()
    assert (drained.buttons, drained.look_x, drained.look_y, drained.pcm, drained.text) == (0, 0, 0, None, None)
    assert drained.control_seq == -1


def test_buttons_are_the_last_state_and_stay_down_between_frames() -> None:
    inputs = Gathered()
    inputs.control(snapshot(1, buttons=1))
    inputs.control(snapshot(2, buttons=9))
    assert [inputs.drain().buttons for _ in range(3)] == [9, 9, 9]
    assert inputs.drain().control_seq == 2


def test_look_is_the_difference_of_totals_over_all_messages_of_a_frame() -> None:
    inputs = Gathered()
    inputs.control(snapshot(1, look_x=5.0, look_y=1.0))
    inputs.drain()
    inputs.control(snapshot(2, look_x=5.03, look_y=1.0))
    inputs.control(snapshot(3, look_x=5.05, look_y=0.98))
    drained = inputs.drain()
    assert (drained.look_x, drained.look_y) == (pytest.approx(0.05), pytest.approx(-0.02))
    assert inputs.drain().look_x == 0


def test_a_look_too_fast_for_one_frame_is_clamped_and_does_not_run_on() -> None:
    inputs = Gathered()
    inputs.control(snapshot(1))
    inputs.control(snapshot(2, look_x=3.0, look_y=-3.0))
    drained = inputs.drain()
    assert (drained.look_x, drained.look_y) == (0.15, -0.15)
    assert inputs.drain().look_x == 0


def test_a_frame_turns_as_far_as_the_model_was_taught_and_no_further() -> None:
    assert MAX_LOOK_RAD == LOOK_LIMIT


def test_totals_that_begin_elsewhere_do_not_turn_the_view() -> None:
    inputs = Gathered()
    inputs.control(snapshot(900, look_x=35.0))
    assert inputs.drain().look_x == 0
    inputs.control(snapshot(1, look_x=0.0))
    assert inputs.drain().look_x == 0
    inputs.control(snapshot(2, look_x=0.1))
    assert inputs.drain().look_x == pytest.approx(0.1)


@pytest.mark.parametrize("bad", [snapshot(1, buttons=1 << 11), snapshot(1, buttons=-1)])
def test_buttons_that_do_not_exist_are_refused(bad: Control) -> None:
    with pytest.raises(BadInput, match="0..2047"):
        Gathered().control(bad)


@pytest.mark.parametrize("total", [math.nan, math.inf])
def test_a_look_that_is_no_number_is_refused(total: float) -> None:
    with pytest.raises(BadInput, match="finite"):
        Gathered().control(snapshot(1, look_x=total))


def test_of_two_prompts_the_newest_counts_once() -> None:
    inputs = Gathered()
    inputs.text(Text(text_id=1, text="let it rain"))
    inputs.text(Text(text_id=2, text="let it snow"))
    text = inputs.drain().text
    assert text is not None and text.text_id == 2
    assert inputs.drain().text is None


@pytest.mark.parametrize("text", ["", "  ", "x" * 401])
def test_an_empty_or_oversized_prompt_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"1\.\.400"):
        Gathered().text(Text(text_id=1, text=text))


def test_sound_is_the_last_thousand_samples_whatever_the_packets() -> None:
    inputs, wave = Gathered(), np.linspace(-0.9, 0.9, 2400, dtype=np.float32)
    for part in np.split(wave, 5):
        inputs.audio(sound(part))
    pcm = inputs.drain().pcm
    assert pcm is not None and pcm.dtype == np.float32
    assert np.allclose(pcm, wave[-AUDIO_SAMPLES:], atol=1e-4)


def test_sound_of_one_long_packet_keeps_its_end() -> None:
    inputs = Gathered()
    inputs.audio(sound(np.linspace(0, 0.9, 24_000, dtype=np.float32)))
    pcm = inputs.drain().pcm
    assert pcm is not None and len(pcm) == AUDIO_SAMPLES
    assert pcm[-1] == pytest.approx(0.9, abs=1e-3)


def test_when_the_microphone_stops_silence_follows_within_two_frames() -> None:
    inputs = Gathered()
    inputs.audio(sound(np.full(1000, 0.5, np.float32)))
    assert inputs.drain().pcm is not None
    inputs.drain()
    assert inputs.drain().pcm is None
    inputs.audio(sound(np.full(480, 0.5, np.float32)))
    pcm = inputs.drain().pcm
    assert pcm is not None and pcm[0] == 0 and pcm[-1] == 0.5


@pytest.mark.parametrize("pcm", [b"odd", b"\0" * 48_002])
def test_sound_of_half_samples_or_over_a_second_is_refused(pcm: bytes) -> None:
    with pytest.raises(BadInput, match="48000"):
        Gathered().audio(Audio(pcm=pcm))


def test_a_camera_is_chosen_once_and_one_that_nobody_knows_is_refused_by_name() -> None:
    inputs = Gathered()
    inputs.camera(Camera(camera="orbit"))
    with pytest.raises(BadInput, match="first, drone, orbit; this is 'side'"):
        inputs.camera(Camera(camera="side"))
    inputs.control(snapshot(1))
    assert [inputs.drain().camera for _ in range(2)] == ["orbit", ""]
