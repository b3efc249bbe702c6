"""AdamW as all trainings use it; and one optimizer out of two, with Muon for the matrices inside.
Knows parameters' names and shapes only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import ParamsT


class Together(torch.optim.Optimizer):
    """Steps several optimizers as one; its state dict is theirs."""

    def __init__(self, parts: list[torch.optim.Optimizer]):
        self.parts = parts
        super().__init__([p for part in parts for group in part.param_groups for p in group["params"]], {})
        self.param_groups = [group for part in parts for group in part.param_groups]

    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None, "no closure is used here"
        for part in self.parts:
            part.step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        if len(state_dict["parts"]) != len(self.parts):
            raise ValueError(f"expected the state of {len(self.parts)} optimizers, got {len(state_dict['parts'])}")
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self.parts for group in part.param_groups]


def adam(parameters: ParamsT, rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW of parameters, or of groups that may have rates and decays of their own."""
    return torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.98), weight_decay=weight_decay, fused=True)


def muon_and_adam(model: nn.Module, rate: float, matrix_rate: float, weight_decay: float) -> Together:
    """Muon (updates as large as AdamW's, arXiv 2502.16982) on the matrices of `layers.`, AdamW on the rest."""
    inside = [p for n, p in model.named_parameters() if n.startswith("layers.") and p.ndim == 2]
    matrices = {id(p) for p in inside}
    rest = [p for p in model.parameters() if id(p) not in matrices]
    muon = torch.optim.Muon(
        inside, lr=matrix_rate, weight_decay=weight_decay, momentum=0.95, adjust_lr_fn="match_rms_adamw"
    )
    return Together([muon, adam(rest, rate, weight_decay)])
