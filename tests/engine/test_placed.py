"""The networks behind fixed buffers, as on a GPU: what is recorded there is called here, and tells the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity
from torch.utils._python_dispatch import TorchDispatchMode

from configs.paths import WEIGHTS
from engine import bench, worker
from engine.batch import Batch
from engine.device import HERE, NoDevice, Place, place_named
from engine.display import Sight
from engine.enlarging import LADDER_FILE, Enlarger
from engine.fixed import Fixed, bucket
from engine.models import DETAIL_FILE, SURFACES_FILE, Models
from engine.placed import PlacedLadder, PlacedOmni, PlacedPlanes, PlacedTokenizer
from engine.rungs import LADDER
from engine.templates import read_picture
from engine.world import Inputs, World
from model import detail, native, surfaces
from model.ladder.network import SCALES, Ladder, Planes
from model.omni import Seen
from model.planes import unpack
from model.tokenizer.frame import FrameTokenizer, FrameTokenizerConfig
from tests.engine.test_batch import WORLDS, a_core_for_each, an_omni, asked, one_dream, together
from tests.model.test_ladder import picture

__all__ = ["a_core_for_each", "one_dream"]

BF16 = Place(torch.device("cpu"), torch.bfloat16)
aten = torch.ops.aten
UNRECORDABLE = {aten._local_scalar_dense.default, aten.nonzero.default, aten.lift_fresh.default, aten.item.default}


class Recordable(TorchDispatchMode):
    """Finds what a CUDA graph cannot hold: values that the host makes or reads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Any] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.found += [func] if func in UNRECORDABLE else []
        return func(*args, **(kwargs or {}))


def pairs_of(one: Seen, other: Seen) -> list[tuple[torch.Tensor, torch.Tensor]]:
    kept = [pair for a, b in zip(one.kept, other.kept, strict=True) for pair in zip(a, b, strict=True)]
    return [(one.clean, other.clean), (one.hidden, other.hidden), (one.trust, other.trust), *kept]


@pytest.mark.parametrize("name", ["tpu", "cuda:", "cuda:one", ""])
def test_a_device_nobody_knows_is_refused(name: str) -> None:
    with pytest.raises(NoDevice, match=f"expected a device cpu, cuda or cuda:N, got {name!r}"):
        place_named(name)


def test_a_gpu_that_is_not_there_is_refused_and_the_processor_is_always_there() -> None:
    with pytest.raises(NoDevice, match=r"expected an NVIDIA GPU for cuda:99, .* sees \d+ GPUs"):
        place_named("cuda:99")
    assert place_named("cpu") == HERE


def test_buffers_have_rows_by_powers_of_two() -> None:
    assert [bucket(rows) for rows in (1, 2, 3, 4, 5, 9)] == [1, 2, 4, 4, 8, 16]
    with pytest.raises(ValueError, match="a row or more, got 0"):
        bucket(0)


def test_rows_are_answered_each_by_itself_and_what_is_kept_is_not_written_again() -> None:
    fixed = Fixed(lambda x, y: ([x + y], [x * y]), HERE)
    ones = torch.ones(3, 2)
    [total], [product] = fixed(ones, 2 * ones)
    fixed(5 * ones, 5 * ones)
    assert total.eq(3).all() and product.eq(2).all() and product.shape == (3, 2) and fixed.sizes == [4]
    with pytest.raises(ValueError, match=r"expected 3 rows of each input, got \[3, 2\]"):
        fixed(ones, ones[:2])


def test_bytes_are_told_as_bytes_and_floats_in_full() -> None:
    given = torch.arange(250, 256, dtype=torch.uint8).reshape(3, 2)
    [same, half], [stayed] = Fixed(lambda x: ([x - 1, x.bfloat16() / 2], [x]), BF16)(given)
    assert same.dtype == stayed.dtype == torch.uint8 and torch.equal(same, given - 1)
    assert half.dtype == torch.float32 and torch.equal(half, given / 2)


def test_worlds_that_join_and_leave_use_the_same_buffers_and_are_told_what_each_is_told_alone() -> None:
    omni = an_omni()
    placed = PlacedOmni(omni, HERE)
    batch, asks = Batch(placed, HERE), [asked(world, filled=5 - world) for world in range(WORLDS + 1)]
    for count in (WORLDS, WORLDS + 1, WORLDS):
        told = together(batch, asks[:count])
        for seen, ask in zip(told, asks, strict=False):
            assert all(a.shape == b.shape and torch.allclose(a, b, atol=1e-4) for a, b in pairs_of(seen, omni(*ask)))
    assert placed.sizes == [4] and batch.passes == 3


def test_half_precision_sees_nearly_the_same() -> None:
    omni = an_omni()
    seen, whole = PlacedOmni(omni, BF16)(*asked(0)), omni(*asked(0))
    assert seen.clean.dtype == torch.float32 and seen.kept[0][0].dtype == torch.bfloat16
    assert all(cosine_similarity(a.flatten(), b.flatten(), 0, 1e-8) > 0.997 for a, b in pairs_of(seen, whole))


def test_the_tokenizer_behind_buffers_is_the_tokenizer() -> None:
    torch.manual_seed(3)
    tokenizer = FrameTokenizer(FrameTokenizerConfig()).eval().requires_grad_(False)
    placed, planes = PlacedTokenizer(tokenizer, HERE), torch.rand(3, 7, 16, 32) * 2 - 1
    latents = placed.encode(planes)
    assert torch.allclose(latents, tokenizer.encode(planes), atol=1e-4)
    assert torch.allclose(placed.decode(latents), tokenizer.decode(latents), atol=1e-4)


def bundled() -> Ladder:
    return Ladder.load(WEIGHTS / LADDER_FILE)


def apart(one: Planes, other: Planes) -> torch.Tensor:
    """How many bytes between each two pixels."""
    assert all(a.dtype == b.dtype == torch.uint8 and a.shape == b.shape for a, b in zip(one, other, strict=True))
    return torch.cat([(a.int() - b.int()).abs().flatten() for a, b in zip(one, other, strict=True)])


@pytest.mark.parametrize("scale", SCALES)
def test_the_ladder_behind_buffers_is_the_ladder(scale: int) -> None:
    ladder, noise = bundled(), [torch.cat([part, part.flip(1), part.flip(2)]) for part in picture()]
    meadow = unpack(read_picture(WEIGHTS / "templates" / "meadow.png"))
    for place, given, most, alike in ((HERE, noise, 1, 0.999), (BF16, noise, 2, 0.9), (BF16, meadow, 1, 0.99)):
        between = apart(PlacedLadder(ladder, place).enlarge(*given, scale), ladder.enlarge(*given, scale))
        assert int(between.max()) <= most and float((between == 0).float().mean()) >= alike
    with pytest.raises(ValueError, match="expected a scale of 2, 4; got 3"):
        PlacedLadder(ladder, HERE).enlarge(*noise, 3)


def test_an_enlarger_at_a_place_has_each_head_recorded_before_anybody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    enlarge, asked_for = Ladder.enlarge, list[int]()

    def watched(self: Ladder, y: torch.Tensor, u: torch.Tensor, v: torch.Tensor, scale: int) -> Planes:
        asked_for.append(scale)
        return enlarge(self, y, u, v, scale)

    monkeypatch.setattr(Ladder, "enlarge", watched)
    Enlarger.load(place=HERE)
    assert asked_for == list(SCALES)


def test_frames_that_threads_enlarge_at_a_place_are_those_of_the_ladder() -> None:
    enlarger, random = Enlarger.load(place=HERE), np.random.default_rng(2)
    sides = ((288, 512), (144, 256), (144, 256))
    frames = [[random.integers(16, 236, side, np.uint8) for side in sides] for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        seen = [SimpleNamespace(y=y, u=u, v=v) for y, u, v in frames]
        drawn = list(threads.map(enlarger.planes, seen, [LADDER[1]] * 2))
    for frame, planes in zip(frames, drawn, strict=True):
        ours, theirs = ([torch.from_numpy(part)[None] for part in parts] for parts in (planes, frame))
        assert int(apart(tuple(ours), bundled().enlarge(*theirs, LADDER[1].scale)).max()) <= 1
    assert enlarger.planes(seen[0], LADDER[0])[0] is frames[0][0]


def test_who_works_at_a_place_enlarges_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (worker, bench):
        monkeypatch.setattr(module, "place_of", {"cpu": None, "cuda": HERE}.get)
    sights: dict[str, list[Sight]] = {"cpu": [], "cuda": []}
    for device, found in sights.items():
        monkeypatch.setattr(bench, "measure", lambda _, sight, *__, found=found, **___: found.append(sight))
        found.append(worker.look(worker.Wanted(WEIGHTS, 1, None, "540p", device), lambda _: pytest.fail("a world")))
        for weights in ([], ["--random-weights"]):
            bench.measured_here(bench.parse(["--device", device, *weights]), None, range(0))
    for device, found in sights.items():
        assert [isinstance(sight.enlarger.heads, PlacedLadder) for sight in found] == [device == "cuda"] * 3


def test_surfaces_and_detail_behind_buffers_are_what_they_are() -> None:
    planes = torch.rand(1, 7, 48, 64, generator=torch.Generator().manual_seed(4)) * 2 - 1
    for network in (surfaces.load(WEIGHTS / SURFACES_FILE), detail.load(WEIGHTS / DETAIL_FILE)):
        told = network(planes)
        assert torch.allclose(PlacedPlanes(network, HERE)(planes), told, atol=1e-4)
        half = PlacedPlanes(network, BF16)(planes)
        assert half.dtype == torch.float32 and cosine_similarity(half.flatten(), told.flatten(), 0) > 0.999


def test_nothing_that_is_recorded_reads_from_the_host_or_waits_for_it() -> None:
    omni, tokenizer = an_omni(), FrameTokenizer(FrameTokenizerConfig()).eval()
    noisy, given, mask, past = asked(0)
    planes, ladder = torch.zeros(1, 7, 16, 32), bundled().bfloat16()
    finer = surfaces.Surfaces().bfloat16(), detail.Detail().bfloat16()
    with torch.inference_mode(), Recordable() as watch:
        omni(noisy, given, mask, past)
        tokenizer.decode(tokenizer.encode(planes))
        for scale in SCALES:
            ladder.enlarge(*picture(), scale)
        for network in finer:
            network(planes.bfloat16())
    assert watch.found == []
    with Recordable() as watch:
        torch.tensor([1.0]).item()
    assert len(watch.found) == 2


def test_worlds_at_a_place_live_as_those_of_the_kernels(one_dream: None) -> None:
    native.use_threads(2)
    placed, plain = Models.random(place=HERE), Models.random()
    pictures = []
    for models in (placed, plain):
        worlds = [World(models, seed, "a meadow at noon") for seed in range(2)]
        with ThreadPoolExecutor(2) as threads:
            for _ in range(3):
                frames = list(threads.map(World.step, worlds, [Inputs(buttons=1), Inputs(look_x=0.05)]))
        assert any(keyframe.dreamed for world in worlds for keyframe in world.memory.keyframes)
        pictures.append([torch.from_numpy(frame.y).float() for frame in frames])
    assert isinstance(placed.omni, PlacedOmni) and 2 in placed.omni.sizes
    for ours, theirs in zip(*pictures, strict=True):
        assert (ours - theirs).abs().mean() < 2
