"""Worlds that come from several processes: the same as drawn alone, in order, and no more of them than are taken."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from model.planes import pack
from model.tokenizer.frame import FrameTokenizer, FrameTokenizerConfig
from model.training.film_latents import film_latents
from model.training.latents import SHAPES, Clips
from model.worlds import cache, clips, film_files
from model.worlds.streaming import DrawingFailed, Drawn, Order, batches, drawer, stream

FILMS = Order("full", frames=2)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tokenizer.safetensors"
    small = FrameTokenizerConfig(encoder_fine=16, encoder_coarse=32, decoder_coarse=32, decoder_fine=16)
    FrameTokenizer(small).save(path)
    return path


def cpu_s() -> float:
    """What all living child processes have computed so far."""
    ticks = 0
    for child in multiprocessing.active_children():
        ticks += sum(map(int, Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def test_two_processes_draw_what_one_draws_in_the_order_of_seeds() -> None:
    alone = drawer(FILMS)
    for seed, drawn in zip(range(3, 5), stream(FILMS, range(3, 5), 2), strict=True):
        fresh = alone(seed)
        assert drawn.seed == seed and drawn.said == fresh.said
        assert all(np.array_equal(drawn.arrays[name], fresh.arrays[name]) for name in fresh.arrays)


def test_who_takes_nothing_is_drawn_nothing_and_who_stops_ends_the_processes() -> None:
    coming = stream(FILMS, range(500), 2)
    next(coming)
    deadline, before, now = time.monotonic() + 60, -1.0, cpu_s()
    while now - before > 0.05 and time.monotonic() < deadline:
        time.sleep(1.5)
        before, now = now, cpu_s()
    assert now - before <= 0.05, "processes draw on though nobody takes"
    coming.close()
    assert not multiprocessing.active_children()


def test_a_batch_has_its_worlds_in_order_and_what_is_left_is_left_out() -> None:
    some = [Drawn(seed, {"a": np.full(3, seed)}, {"n": seed}) for seed in range(5)]
    made = list(batches(iter(some), 2))
    assert [arrays["a"].tolist() for arrays, _ in made] == [[[0] * 3, [1] * 3], [[2] * 3, [3] * 3]]
    assert [one.said["n"] for one in made[1][1]] == [2, 3]
    with pytest.raises(ValueError, match="got 0"):
        next(batches(iter(some), 0))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Order("gigantic"), "gigantic"),
        (lambda: Order("full", frames=0), "got 0"),
        (lambda: Order("walks", frames=7), "own length"),
        (lambda: next(stream(FILMS, range(3), 0)), "one process at least; got 0"),
    ],
)
def test_bad_orders_are_refused_before_anything_is_drawn(make, named) -> None:
    with pytest.raises(ValueError, match=named):
        make()


def test_a_process_that_cannot_draw_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_FILENAMES", "/nowhere")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    with pytest.raises(DrawingFailed, match="NoRenderer: no EGL renderer.*apt-get install") as caught:
        next(stream(FILMS, range(3), 1))
    assert "\n" not in str(caught.value)


def test_films_are_kept_as_latents_with_their_labels_and_only_once(tokenizer: Path, tmp_path: Path) -> None:
    asked = ["--profile", "full", "--frames", "2", "--out", str(tmp_path), "--tokenizer", str(tokenizer)]
    cache.main(["--seeds", "2:4", *asked])
    first = clips.path_of(tmp_path, 2)
    arrays, said = film_files.read(first)
    assert arrays["latents"].shape == (2, 16, 18, 32) and arrays["seen"].shape == (2, 18, 32)
    assert arrays["labels"].shape == (2, 9) and "rgb" not in arrays and len(said["frames"]) == 2
    written = first.stat().st_mtime_ns
    cache.main(["--seeds", "2:5", *asked])
    assert first.stat().st_mtime_ns == written and len(list(tmp_path.iterdir())) == 3


def test_a_films_latents_are_those_of_its_planes(tokenizer: Path) -> None:
    eyes, drawn = FrameTokenizer.load(tokenizer), drawer(FILMS)(5)
    rgb = torch.from_numpy(drawn.arrays["rgb"]).double() / 255
    y = rgb @ torch.tensor([0.2126, 0.7152, 0.0722], dtype=torch.double)
    means = [part.unfold(1, 2, 2).unfold(2, 2, 2).mean((-1, -2)) for part in (rgb[..., 2] - y, rgb[..., 0] - y)]
    u, v = (128 + 112 * 2 * mean / span for mean, span in zip(means, (1.8556, 1.5748), strict=True))
    nearest = torch.from_numpy(drawn.arrays["distance_m"]).double().unfold(1, 2, 2).unfold(2, 2, 2).amin((-1, -2))
    planes = pack(16 + 219 * y, u, v, (1.2 / (1.2 + nearest)).sqrt() * 65535)
    with torch.inference_mode():
        expected = eyes.encode(planes.float())
    found = torch.from_numpy(film_latents(eyes, drawn.arrays, torch.device("cpu"))["latents"])
    assert torch.allclose(found.float(), expected, atol=0.01)


def test_clips_are_kept_as_a_training_takes_them_up(tokenizer: Path, tmp_path: Path) -> None:
    cache.main(["--seeds", "5:6", "--out", str(tmp_path), "--tokenizer", str(tokenizer)])
    kept = Clips(tmp_path / "none", tmp_path, FrameTokenizer.load(tokenizer))
    assert kept.rescan() == 1 and kept["latents"][0].shape == SHAPES["latents"][0]


def test_a_command_that_cannot_be_meant_ends_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="gigantic"):
        cache.main(["--seeds", "0:1", "--profile", "gigantic"])
    for seeds in ("4:2", "-1:2", "a:b", "3"):
        with pytest.raises(SystemExit):
            cache.main([f"--seeds={seeds}"])
        assert f"0 <= A < B; got '{seeds}'" in capsys.readouterr().err
