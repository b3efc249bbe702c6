"""AdamW as all trainings use it; and one optimizer out of two, with Muon for the matrices inside.
Knows parameters' names and shapes only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
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


class Muon(torch.optim.Muon):
    """torch's, with Nesterov's momentum and updates as large as AdamW's; all matrices of one shape at once, where torch
    takes them one by one: of many small ones a GPU spends a step's quarter on launches."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None, "no closure is used here"
        for group in self.param_groups:
            alike = defaultdict[torch.Size, list[tuple[Tensor, Tensor]]](list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[parameter.shape].append((parameter, parameter.grad))
            for shape, some in alike.items():
                self._step([p for p, _ in some], [g for _, g in some], shape, group)

    def _step(
        self, parameters: list[Tensor], gradients: list[Tensor], shape: torch.Size, group: dict[str, Any]
    ) -> None:
        rate = float(group["lr"])
        for parameter in parameters:
            if "momentum_buffer" not in self.state[parameter]:
                self.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        moments = [self.state[parameter]["momentum_buffer"] for parameter in parameters]
        torch._foreach_lerp_(moments, gradients, 1 - group["momentum"])
        updates = torch.stack(torch._foreach_lerp(gradients, moments, group["momentum"]))
        updates = orthogonal(updates, group["ns_coefficients"], group["ns_steps"], group["eps"]).to(updates)
        torch._foreach_mul_(parameters, 1 - rate * group["weight_decay"])
        torch._foreach_add_(parameters, updates.unbind(), alpha=-rate * 0.2 * max(shape) ** 0.5)


def orthogonal(matrices: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """Matrices [N, A, B] -> bf16 ones whose singular values are near 1, by a quintic Newton-Schulz iteration
    (Keller Jordan's Muon, as in torch.optim)."""
    a, b, c = coefficients
    x = matrices.bfloat16()
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def adam(parameters: ParamsT, rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW of parameters, or of groups that may have rates and decays of their own."""
    return torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.98), weight_decay=weight_decay, fused=True)


def muon_and_adam(model: nn.Module, rate: float, matrix_rate: float, weight_decay: float) -> Together:
    """Muon (updates as large as AdamW's, arXiv 2502.16982) on the matrices of `layers.`, AdamW on the rest."""
    inside = [p for n, p in model.named_parameters() if n.startswith("layers.") and p.ndim == 2]
    matrices = {id(p) for p in inside}
    rest = [p for p in model.parameters() if id(p) not in matrices]
    muon = Muon(inside, lr=matrix_rate, weight_decay=weight_decay, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    return Together([muon, adam(rest, rate, weight_decay)])
