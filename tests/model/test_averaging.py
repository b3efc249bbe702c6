"""Weights between two networks."""

from pathlib import Path

import pytest
import torch

from model.omni import Omni, OmniConfig
from model.training.averaging import between, main
from model.training.dynamics import save


def small(seed: int, width: int = 48) -> Omni:
    torch.manual_seed(seed)
    return Omni(OmniConfig(width=width, layers=4, heads=3, hidden=64))


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_each_weight_lies_between(share: float) -> None:
    before, after = small(0), small(1)
    wanted = {n: (1 - share) * part + share * after.state_dict()[n] for n, part in before.state_dict().items()}
    found = between(before, after, share).state_dict()
    assert all(torch.allclose(found[name], part, atol=1e-6) for name, part in wanted.items())


def test_other_shares_and_architectures_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1, not 1.5"):
        between(small(0), small(1), 1.5)
    with pytest.raises(ValueError, match="one architecture"):
        between(small(0), small(1, 96), 0.5)


def test_the_command_writes_a_network(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("before.safetensors", "after.safetensors", "out.safetensors")]
    for seed, path in enumerate(paths[:2]):
        save(small(seed), path)
    main([str(paths[0]), str(paths[1]), "--share", "0.5", "--out", str(paths[2])])
    a, b, found = (Omni.load(path).state_dict() for path in paths)
    name = next(name for name, part in found.items() if part.ndim == 2)
    assert torch.allclose(found[name].float(), (a[name].float() + b[name].float()) / 2, atol=1e-2)
    with pytest.raises(SystemExit, match="not 2"):
        main([str(paths[0]), str(paths[1]), "--share", "2", "--out", str(paths[2])])
