"""A trained Omni made deeper without a change of what it computes: new layers begin as the identity.
Knows names of parameters; refuses to know training and files."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from model.omni import Omni, OmniConfig

LAST = ("attention.out.weight", "feed.down.weight")  # of a layer: what these make is added to what came in


def grown(tensors: dict[str, Tensor], config: OmniConfig, layers: int) -> dict[str, Tensor]:
    """The parameters of an Omni of `config` for one of as many `layers`, in groups of `time_every`: between the old
    groups lie new ones, of which the last product of each part is zero. Raises ValueError where that cannot be."""
    every, groups = config.time_every, config.time_layers
    if layers < config.layers or layers % every:
        raise ValueError(f"layers must be {config.layers} or more, in groups of {every}; got {layers}")
    more = layers // every
    old = {round((more - 1) * group / max(groups - 1, 1)): group for group in range(groups)}
    out = {name: tensor for name, tensor in tensors.items() if not name.startswith("layers.")}
    fresh = Omni(replace(config, layers=layers)).state_dict()
    for layer in range(layers):
        group, at = divmod(layer, every)
        for name, tensor in fresh.items():
            if not name.startswith(f"layers.{layer}."):
                continue
            part = name.split(".", 2)[2]
            if group in old:
                out[name] = tensors[f"layers.{old[group] * every + at}.{part}"]
            else:
                out[name] = tensor.zero_() if part in LAST else tensor
    return out
