"""Trains the judges and measures them on held-out worlds: python -m model.evaluation.judge_training --minutes 40
[--resume]. What they learn from is drawn from seeds where the cache lacks it. Knows nothing of any learned world."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from configs.paths import cache_dir, load_toml
from model.evaluation import moves, stills, windows
from model.evaluation.gathering import gather
from model.evaluation.judge_examples import Examples, Reconstruction, attribute_examples, joined
from model.evaluation.judge_losses import class_weights, classes, pairs
from model.evaluation.judge_measuring import of_motion, of_pictures
from model.evaluation.judges import ATTRIBUTES, MOTIONS, SEEN, Judges, JudgesConfig, logits_of
from model.evaluation.matching import Matches
from model.evaluation.motion_examples import gathered, labels
from model.evaluation.wear import worn
from model.training.loop import command, descend, keep_on, take_up
from model.training.optimizers import adam
from model.training.run import Run, step_seed
from model.worlds.clips import list_clips

LONGEST = 2.0  # of a gradient
HELD_OUT_WORLDS = 160
SPARSE = 4  # every fourth world also through the tokenizer
LEAP_SHARE = 0.25  # of the windows: few walks rise or fall
CLIP_SHARE = 0.27  # of them, where there are clips; the rest are short walks
TRUST_STEPS = 300  # until the solved motion counts as much as the rest
PAIRED = ("shown", "coarse", "fine", "inverse_m", "motion", "pitch")  # parts of examples that each pair of moments has

Loss = Callable[[Judges, torch.Generator, float], Tensor]


def of_reader(learnt: Examples, count: int) -> Loss:
    """The loss of reading `count` single pictures as a stream and a screen may leave them, half of them mirrored."""
    weights = class_weights(learnt.labels, ATTRIBUTES)

    def loss(judges: Judges, chance: torch.Generator, trust: float) -> Tensor:
        index = torch.randint(len(learnt.case), (count,), generator=chance)
        picture = worn(learnt.inputs[index].float(), chance)
        mirror = torch.rand(count, 1, 1, 1, generator=chance) < 0.5
        picture = torch.where(mirror, picture.flip(-1), picture)
        truth = {name: label[index] for name, label in learnt.labels.items()}
        return classes(judges.reader(picture / 127.5 - 1), truth, ATTRIBUTES, weights)

    return loss


def of_motions(learnt: dict[str, Tensor], count: int) -> Loss:
    """The loss of reading `count` windows of pictures."""
    named = labels(learnt["motion"], learnt["visible"])
    weights = class_weights(named, MOTIONS)

    def loss(judges: Judges, chance: torch.Generator, trust: float) -> Tensor:
        index = torch.randint(len(learnt["pitch"]), (count,), generator=chance)
        some = {name: learnt[name][index].flatten(0, 1) for name in PAIRED}
        some["visible"] = learnt["visible"][index].repeat_interleave(SEEN - 1, 0)
        read = judges.motion(Matches(*(some[name] for name in Matches._fields)))
        logits = logits_of(*(of.unflatten(0, (count, -1)) for of in (read.motion, 1 / read.spread.square())))
        wanted = {name: label[index] for name, label in named.items()}
        return pairs(read, some, judges.motion.rays, trust) + classes(logits, wanted, MOTIONS, weights)

    return loss


def train(run: Run, losses: Mapping[str, Loss], seed: int, report_every_s: float) -> Judges:
    """Steps until the budget is spent or a signal comes. Returns the judges, averaged over the last steps."""
    judges, average = run.model, run.average
    assert isinstance(judges, Judges) and isinstance(average, Judges)

    def step() -> Mapping[str, float | Tensor]:
        chance = torch.Generator().manual_seed(step_seed(seed, run.step))
        trust = min(1.0, run.step / TRUST_STEPS)
        found = {name: loss(judges, chance, trust) for name, loss in losses.items()}
        descend(run, sum(found.values(), torch.zeros(())), [judges.reader, judges.motion], LONGEST)
        return {name: value.detach() for name, value in found.items()}

    keep_on(run, step, report_every_s)
    found = copy.deepcopy(average)
    for mine, its in zip(found.buffers(), judges.buffers(), strict=True):
        mine.copy_(its)  # means and variances of channels are no parameters
    return found.eval()


def still_examples(chosen: list[int], through: Reconstruction) -> Examples:
    """Single pictures of these worlds as they are, and of every SPARSE-th through the tokenizer."""
    parts = ((chosen, None), (chosen[::SPARSE], through))
    views = cache_dir() / "views"
    return joined([attribute_examples(gather(views, worlds, stills.draw), by) for worlds, by in parts])


def held_motions(chosen: list[int], through: Reconstruction) -> Iterator[tuple[int, windows.Windows]]:
    """All walks and leaps of these worlds with their numbers, as they are and through the tokenizer."""
    for number in chosen:
        for place in windows.of_walks(moves.drawn(cache_dir() / "glances", [number]), range(moves.A_WORLD)):
            for by in (None, through):
                yield number, windows.read(place, by)


def learnt_motions(worlds: list[int], clips: Path, count: int, through: Reconstruction) -> dict[str, Tensor]:
    """Matched windows of leaps, of short walks and, where there are some, of clips."""
    paths = moves.drawn(cache_dir() / "glances", worlds)
    leaps, walks = (windows.of_walks(paths, of) for of in (moves.OF_LEAPS, moves.OF_WALKS))
    films = [place for path in list_clips(clips) for place in windows.of_clip(path)]
    share = CLIP_SHARE if films else 0.0
    drawn = windows.Drawn([leaps, walks, films], [LEAP_SHARE, 1 - LEAP_SHARE - share, share], through)
    return gathered(cache_dir() / "glances-in-pairs", drawn, count)


def measure(judges: Judges, through: Reconstruction) -> None:
    """Writes what they are worth on held-out truth into their facts, and says it."""
    chosen = stills.worlds(HELD_OUT_WORLDS, True)
    seen, missed = of_motion(judges, held_motions(chosen, through))
    judges.accuracy = of_pictures(judges, still_examples(chosen, through)) | seen
    judges.facts["misread m/s"] = missed
    for name, figures in judges.accuracy.items():
        print(name + ": " + ", ".join(f"{k} {v:.3f}" for k, v in figures.items()), flush=True)
    print("misread m/s:", missed, flush=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command("judges", __doc__, "train-nano.toml", 40.0)
    parser.add_argument("--clips", type=Path, default=cache_dir() / "clips-nano", help="used where there are some")
    parser.add_argument("--warm", type=Path, help="weights to begin with")
    parser.add_argument(
        "--measure", action="store_true", help="only measure those, and write into them how good they are"
    )
    options = parser.parse_args(arguments)
    if options.measure and not options.warm:
        parser.error("--measure: expected --warm FILE, the weights to measure")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    section: dict[str, Any] = load_toml(options.config)["judges"]
    torch.set_num_threads(1)  # small layers: threads would mostly wait for each other
    torch.manual_seed(section["seed"])
    model = section["model"]
    config = JudgesConfig(tuple(model["reader"]), model["motion"])
    judges = Judges.load(options.warm) if options.warm else Judges(config)
    if options.measure:
        measure(judges.eval(), Reconstruction())
        judges.save(options.warm)
        return
    judges = judges.train().requires_grad_(True)
    rate = section["warm_rate" if options.warm else "rate"]
    optimizer = adam(judges.parameters(), rate, section["decay"])
    run = Run(cache_dir() / "runs" / options.run, judges, optimizer, options.minutes)
    with run.interruptible():
        if options.resume:
            take_up(run)
        through = Reconstruction()
        seen, walked = (stills.worlds(section[name], False) for name in ("stills", "worlds"))
        losses = {
            "pictures": of_reader(still_examples(seen, through), section["pictures"]),
            "windows": of_motions(
                learnt_motions(walked, options.clips, section["examples"], through), section["windows"]
            ),
        }
        found = train(run, losses, section["seed"], section["report_every_s"])
    if run.stopping:
        return
    found.facts |= {"steps": run.step, "worlds": section["worlds"], "windows": section["examples"]}
    measure(found, through)
    found.save(run.folder / "ema.safetensors")
    print(f"wrote {run.folder / 'ema.safetensors'}", flush=True)


if __name__ == "__main__":
    main()
