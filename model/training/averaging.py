"""Weights between two networks of one architecture, one trained on from the other (WiSE-FT, arXiv 2109.01903):
python -m model.training.averaging BEFORE AFTER --share 0.75 --out FILE. Knows files; nothing of what networks make."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from model.checkpoint import CheckpointError
from model.omni import Omni
from model.training.dynamics import save


@torch.no_grad()
def between(before: Omni, after: Omni, share: float) -> Omni:
    """`before` itself, its weights moved toward those of `after` by a share from 0 to 1. Raises ValueError on another
    share, or where the networks are not of one architecture."""
    if not 0 <= share <= 1:
        raise ValueError(f"a share is between 0 and 1, not {share}")
    if before.config != after.config:
        raise ValueError(f"expected networks of one architecture, got {before.config} and {after.config}")
    aims = after.state_dict()
    before.load_state_dict({name: torch.lerp(part, aims[name], share) for name, part in before.state_dict().items()})
    return before


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model.training.averaging", description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--share", type=float, default=0.75, help="of the way to AFTER")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        found = between(Omni.load(options.before), Omni.load(options.after), options.share)
        print(f"wrote {options.out}, {save(found, options.out, share=options.share)}")
    except (CheckpointError, ValueError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
