"""Music as an input: how loud it is, and that lights follow it."""

from __future__ import annotations

import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.worlds.film_files import record
from model.worlds.lands import land
from model.worlds.music import BadTrack, loudness, piece, read_track
from model.worlds.noises import RATE, SAMPLES
from model.worlds.painter import Painter
from model.worlds.profiles import profile
from model.worlds.scenery import spot
from model.worlds.shots import Camera, Frame, Heaven, Shot
from model.worlds.solids import MATERIALS, SKY_MATERIAL


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter(Frame(256, 144))


def beats(frames: int, every: int) -> np.ndarray:
    """A tone that sounds for two frames of every so many."""
    tone = 0.5 * np.sin(2 * np.pi * 220 * np.arange(frames * SAMPLES) / RATE)
    return (tone * np.repeat(np.arange(frames) % every < 2, SAMPLES)).astype(np.float32)


def test_loudness_rises_with_a_beat_falls_after_it_and_knows_no_future() -> None:
    heard = loudness(beats(48, 12), 48)
    assert heard[0] > 0.95 and heard[11] < 0.15 and heard[12] > 0.95
    assert (np.diff(heard[2:12]) < 0).all()
    changed = beats(48, 12)
    changed[24 * SAMPLES :] = 0
    assert np.array_equal(loudness(changed, 48)[:24], heard[:24])
    assert loudness(beats(12, 12), 48)[-1] < 0.01


def test_a_piece_is_a_function_of_its_seed_and_has_loud_and_quiet_frames() -> None:
    a, b, c = piece(3, 96), piece(3, 96), piece(4, 96)
    assert np.array_equal(a, b) and not np.array_equal(a, c) and 0.3 < np.abs(a).max() <= 1
    heard = loudness(a, 96)
    assert heard.max() > 0.9 and heard.min() < 0.4
    with pytest.raises(ValueError, match="-1"):
        piece(-1, 96)


def brightness(painter: Painter, shot: Shot, where: Callable[[np.ndarray], np.ndarray], beat: np.ndarray) -> np.ndarray:
    found = []
    for pulse in beat:
        painting = painter.paint(replace(shot, heaven=replace(shot.heaven, pulse=float(pulse))))
        found.append(painting.rgb[where(painting.materials)].mean())
    return np.array(found)


@pytest.mark.parametrize(("place", "what"), [("mountains", "sky"), ("town", "window")])
def test_aurora_and_windows_follow_the_loudness_of_a_track(painter: Painter, place: str, what: str) -> None:
    world = land(place, 3)
    painter.enter(world)
    at = spot(world, np.random.default_rng(1))
    eye = Camera(at.x, world.height(at.x, at.z) + 1.7, at.z, at.yaw, 0.35 if what == "sky" else 0.1)
    shot = Shot(eye, Heaven(tod=0.75, cloud=0.1, aurora=float(what == "sky")))
    material = SKY_MATERIAL if what == "sky" else MATERIALS.index(what)
    heard = loudness(beats(24, 12), 24)[::3]
    seen = brightness(painter, shot, lambda materials: materials == material, heard)
    assert np.corrcoef(heard, seen)[0, 1] > 0.95
    assert seen.max() > 1.1 * seen.min()


def test_a_given_track_is_what_a_films_lights_follow(painter: Painter) -> None:
    track = beats(12, 6)
    arrays, _ = record(3, profile("full"), painter, 12, track)
    assert np.allclose(arrays["loudness"], loudness(track, 12))
    assert np.allclose(arrays["heaven"][:, 9], arrays["loudness"])
    assert np.abs(arrays["music"] / 32767 - track).max() < 1e-4


def wav(path: Path, pcm: np.ndarray, rate: int, channels: int, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())
    return path


def test_a_stereo_file_of_another_rate_is_read_as_what_it_sounds_like(tmp_path: Path) -> None:
    tone = 0.4 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    stereo = np.repeat(np.round(tone * 32767).astype("<i2"), 2)
    read = read_track(wav(tmp_path / "a.wav", stereo, 48_000, 2))
    assert len(read) == RATE
    assert np.abs(read - 0.4 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).max() < 0.002


def test_what_is_no_track_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.wav").write_bytes(b"not a sound")
    with pytest.raises(BadTrack, match="expected a WAV file in .*b.wav"):
        read_track(tmp_path / "b.wav")
    with pytest.raises(BadTrack, match="16 bit in .*; got 99 bytes of 8 bit"):
        read_track(wav(tmp_path / "c.wav", np.zeros(99, np.uint8), 8000, 1, 1))
    with pytest.raises(BadTrack, match=r"d\.wav"):
        read_track(tmp_path / "d.wav")
