"""Where the sky moves when something is said: the simulator's rule as targets for the sky head, which is trained with
all else or alone: python -m model.training.skies --minutes 3. Knows names, ranges and rates; nothing of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from configs.paths import WEIGHTS, cache_dir, load_toml
from model import checkpoint
from model.conditioning import state
from model.omni import KIND, Omni
from model.training.loop import command, descend, keep_on, take_up
from model.training.optimizers import adam
from model.training.run import Run, step_seed
from model.training.sentences import Said, Sentences
from model.worlds.weather import RANGES, TURNS

# where the sun rests: who asks for a sunset or for dawn wants a low sun, not the first of what is called dusk, and who
# asks for day one that has left the red of the morning
RESTS = TURNS | {
    "dusk": (state.TYPICAL_TIME["dusk"], 0.5),
    "dawn": (state.TYPICAL_TIME["dawn"], TURNS["dawn"][1]),
    "day": (0.15, TURNS["day"][1]),
}
LONGEST = 1.0


def random_skies(count: int, generator: torch.Generator) -> Tensor:
    """[count, 6]: half of them anywhere, half with rain, snow and cover fully off or on, as skies at rest are; the sun
    in half of them near where a time of day begins or ends."""
    sky = torch.rand(count, 6, generator=generator)
    edges = torch.tensor([edge for bounds in RESTS.values() for edge in bounds])
    near = edges[torch.randint(len(edges), (count,), generator=generator)]
    near = (near + 0.03 * torch.randn(count, generator=generator)) % 1
    sky[:, 0] = torch.where(torch.rand(count, generator=generator) < 0.5, near, sky[:, 0])
    resting = torch.rand(count, 1, generator=generator) < 0.5
    fog = sky[:, 2] * (torch.rand(count, generator=generator) < 0.5)
    rest = torch.cat([sky[:, :2], fog[:, None], sky[:, 3:].round()], 1)
    return torch.where(resting, rest, sky)


def wanted(said: Said, sky: Tensor) -> Tensor:
    """Rates [6] in nominal units that bring a sky [6] into the range of what was said; what was not named rests."""
    _, time, weather = said
    rates = torch.zeros(6)
    if time < len(state.TIMES):
        low, high = RESTS[state.TIMES[time]]
        if not low <= sky[0] <= high:
            rates[0] = (low - float(sky[0])) % 1
    if weather < len(state.WEATHERS):
        for i, (low, high) in enumerate(RANGES[state.WEATHERS[weather]], start=1):
            rates[i] = min(max(float(sky[i]), low), high) - sky[i]
    return (rates / state.NOMINAL).clamp(-1, 1)


def sky_loss(
    omni: Omni, sentences: Sentences, count: int, generator: torch.Generator, device: torch.device | str = "cpu"
) -> Tensor:
    """How far the sky head is from the simulator's rule, on `count` drawn sentences and skies."""
    which = torch.randint(len(sentences.texts), (count,), generator=generator)
    skies = random_skies(count, generator)
    target = torch.stack([wanted(sentences.said(i), sky) for i, sky in zip(which.tolist(), skies, strict=True)])
    rates = omni.drift(omni.resample(*sentences.take(which)), skies.to(device))
    return F.smooth_l1_loss(rates, target.to(device), beta=0.2)


def train(run: Run, omni: Omni, sentences: Sentences, section: Mapping[str, Any]) -> None:
    """Steps of the sky head until the budget is spent or a signal comes."""

    def step() -> Mapping[str, float | Tensor]:
        generator = torch.Generator().manual_seed(step_seed(section["seed"], run.step))
        loss = sky_loss(omni, sentences, section["skies"], generator)
        descend(run, loss, [omni.sky], LONGEST)
        return {"loss": loss.detach()}

    keep_on(run, step, section["report_every_s"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, load, train, save."""
    parser = command("sky", __doc__, "train-nano.toml", 3.0)
    parser.add_argument("--warm", type=Path, default=WEIGHTS / "nano.safetensors", help="weights whose head is trained")
    options = parser.parse_args(arguments)
    section: dict[str, Any] = load_toml(options.config)["sky"]
    torch.set_num_threads(1)
    omni = Omni.load(options.warm)
    omni.sky.requires_grad_(True)
    sentences = Sentences(None, section["sentences"], section["seed"], kept=cache_dir())
    optimizer = adam(omni.sky.parameters(), section["rate"], section["decay"])
    run = Run(cache_dir() / "runs" / options.run, omni.sky, optimizer, options.minutes)
    with run.interruptible():
        if options.resume:
            take_up(run)
        train(run, omni, sentences, section)
    omni.sky.load_state_dict(run.average.state_dict())
    facts = checkpoint.load_extra(options.warm, KIND) | {"sky_steps": run.step}
    tensors = {name: part.bfloat16() for name, part in omni.state_dict().items()}  # as the engine serves them
    checkpoint.save(run.folder / "ema.safetensors", tensors, omni.config, KIND, facts)
    print(f"wrote {run.folder / 'ema.safetensors'}", flush=True)


if __name__ == "__main__":
    main()
