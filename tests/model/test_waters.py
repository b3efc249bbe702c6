"""Where latents show water: that it can be learnt, that the simulator says where it is, that it is kept in a file."""

from pathlib import Path

import pytest
import torch

from model import checkpoint
from model.training.optimizers import adam
from model.training.run import Run
from model.training.waters import Views, accuracy, draw, train
from model.waters import Waters, WatersConfig
from model.worlds.renderer import Renderer
from model.worlds.terrain import PLACES

SECTION = {"seed": 1, "views": 8, "report_every_s": 60.0}


def views(count: int, seed: int) -> Views:
    """Latents whose first channel says where water is."""
    random = torch.Generator().manual_seed(seed)
    latents = 0.3 * torch.randn(count, 16, 18, 32, generator=random)
    water = (torch.rand(count, 18, 32, generator=random) < 0.4).float()
    latents[:, 0] += 4 * water - 2
    return Views(latents.bfloat16(), water.repeat_interleave(2, 1).repeat_interleave(2, 2))


def test_it_learns_where_water_is_and_is_kept_in_a_file(tmp_path: Path):
    torch.manual_seed(0)
    waters = Waters(WatersConfig(8, (1,))).train()
    run = Run(tmp_path, waters, adam(waters.parameters(), 1e-2, 0.0), 0.05)
    found = train(run, views(64, 0), SECTION)
    assert min(accuracy(found, views(32, 1)).values()) > 0.9
    found.save(tmp_path / "it.safetensors", steps=run.step)
    again, some = Waters.load(tmp_path / "it.safetensors"), views(4, 2).latents.float()
    assert torch.allclose(again.share(some), found.share(some), atol=0.02)


def test_the_simulator_says_where_water_is():
    renderer = Renderer()
    coast, desert = (draw(16 + PLACES.index(place), renderer) for place in ("coast", "desert"))
    assert coast["water"].float().mean() > 0.05 and not desert["water"].any()
    blue, green = (coast[name].float().mean((1, 2)) for name in ("u", "v"))
    assert coast["water"].shape == coast["depth"].shape and len(blue) == len(green) == 10


def test_the_bundled_one_tells_water_from_land():
    facts = checkpoint.load_extra(Path(checkpoint.__file__).parent / "weights" / "waters.safetensors", "waters")
    assert facts["held_out"]["water"] > 0.9 and facts["held_out"]["land"] > 0.98


def test_a_file_of_something_else_and_odd_sizes_are_refused(tmp_path: Path):
    with pytest.raises(checkpoint.CheckpointError, match="none"):
        Waters.load(tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match="positive reach"):
        WatersConfig(8, (0,))
