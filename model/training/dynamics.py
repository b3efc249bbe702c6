"""Trains the Omni: python -m model.training.dynamics --config train-nano.toml --minutes 90 [--resume].
Knows its schedule and losses; nothing of the running engine."""

from __future__ import annotations

import argparse
import math
import os
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from configs.paths import WEIGHTS, cache_dir, load_toml
from model import checkpoint
from model.geometry import drawn_here, reproject
from model.heavens import under
from model.native import has_fast_bf16
from model.omni import GROUPS, KIND, PATCH, VIEW, Given, Omni, OmniConfig, Seen, patch, unpatch
from model.tokenizer.frame import KIND as TOKENIZER_KIND
from model.tokenizer.frame import FrameTokenizer
from model.tokenizer.quick import Eyes, quick_tokenizer
from model.training import objective
from model.training.batches import HALF_BANDS, PER_FRAME, Mixture, Rows, draw_rows, hidden_margins, labels
from model.training.growth import grown
from model.training.latents import Clips, kept_in
from model.training.loop import Pace, command, descend, report, take_up
from model.training.optimizers import muon_and_adam
from model.training.prefetch import Prefetch
from model.training.run import Run, step_seed
from model.training.sentences import Sentences
from model.training.skies import sky_loss
from model.training.torn import Torn
from model.view import known_view

CLIP_GRADIENT = 1.0
GPU_CHUNK = 384  # views that are made at once on a GPU
TAKE_EVERY_S = 2.0
LANES = 3  # batches that are in work at once: rows come back when what the model made of them is there


@dataclass(frozen=True)
class DynamicsTraining:
    """Rates and shares of the run; what a step sees is in Mixture."""

    seed: int = 1
    rate: float = 1e-3
    matrix_rate: float = 2e-3
    weight_decay: float = 0.05
    shortcut: float = 0.25  # steps that train larger sampling steps
    served: float = 0.5  # steps that sample as the engine does
    own_past: float = 0.5  # frames of the context that are as the model made them, where it has
    source_noise: float = 0.12
    report_every_s: float = 30.0
    sentences: int = 6
    chunk: int = 12  # views that are made at once
    clips_a_minute: int = 16  # new ones that are encoded while training
    uses: int = 2  # steps that a batch serves, each with noise and levels of its own
    known: float = 0.6  # the share of a lone frame's view from which on it is sampled in the engine's two steps


@dataclass
class Batch:
    """Everything of a step but the noise. B rows, T frames."""

    rows: Rows
    clean: Tensor  # [B, T, 144, 64]
    own: Tensor  # the same as the model made it where it has, else the same
    view: Tensor  # [B, T, 144, 103]
    told: dict[str, Tensor]  # labels, [B, T, ...]
    torn: Tensor | None = None  # [B, T]: which frames are of torn views


class Trainer:
    """Makes batches and losses out of clips, on the clips' device. `forward` is the Omni, compiled or not."""

    def __init__(
        self,
        omni: Omni,
        eyes: Eyes,
        sentences: Sentences,
        clips: Clips,
        mixture: Mixture,
        training: DynamicsTraining,
        torn: Torn | None = None,
    ):
        self.omni, self.eyes, self.sentences, self.clips = omni, eyes, sentences, clips
        self.mixture, self.training, self.torn = mixture, training, torn
        self.forward: Callable[..., Seen] = omni
        self.bf16 = clips.device.type == "cuda" or has_fast_bf16()

    def sources(self, rows: Rows, worn: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The latents of all different sources of some rows [S, 16, 18, 32], made by the model itself with probability
        `worn`, half of them a little noisy; and which one each frame has, [B, T]."""
        _, frames, *_ = shape = self.clips["latents"].shape[1:]
        key = (rows.clip * shape[0] + rows.source_sky) * frames + rows.source_frame
        different, which = key.unique(return_inverse=True)

        def chance() -> Tensor:
            return torch.rand(len(different), generator=generator, device=key.device)

        own = (chance() < worn) & self.clips["has_worn"].flatten()[different]
        clean, made = (self.clips[name].flatten(0, 2)[different].float() for name in ("latents", "worn"))
        z = torch.where(own[:, None, None, None], made, clean)
        noise = self.training.source_noise * chance() * (chance() < 0.5)
        return z + noise[:, None, None, None] * torch.randn(z.shape, generator=generator, device=z.device), which

    @torch.no_grad()
    def views(self, rows: Rows, told: dict[str, Tensor], margins: Tensor, worn: float, seed: int) -> Tensor:
        """The known view of each frame [B, T, 144, 103]: its source decoded, reprojected, encoded."""
        gaze, seeing = told["pose"][..., 3:], ~rows.blind
        some = replace(rows, **{name: getattr(rows, name)[seeing] for name in PER_FRAME})
        view = torch.zeros(*rows.clip.shape, GROUPS["video"], VIEW, device=rows.clip.device)
        if not seeing.any():
            return under(view, told["turn"], gaze)
        latents, which = self.sources(some, worn, self.generator(seed))
        chunk = self.training.chunk
        decoded = torch.cat([self._decode(part) for part in latents.split(chunk)])
        parts = [which, margins[seeing], *(told[name][seeing] for name in ("source_pose", "pose", "change"))]
        chunks = zip(*(part.split(chunk) for part in parts), strict=True)
        view[seeing] = torch.cat([self._look(decoded[source], *rest) for source, *rest in chunks])
        return under(view, told["turn"], gaze)

    def precision(self, bf16: bool) -> AbstractContextManager[object]:
        """bf16 for what is computed within it, where that is wanted. Else nothing at all: leaving even a disabled
        autocast in one thread while another one compiles can lock both for ever."""
        return torch.autocast(self.clips.device.type, torch.bfloat16) if bf16 else nullcontext()

    def _decode(self, latents: Tensor) -> Tensor:
        return self.eyes.decode(latents.contiguous(memory_format=torch.channels_last)).float().clamp(-1, 1)

    def _look(self, planes: Tensor, margins: Tensor, source_pose: Tensor, pose: Tensor, change: Tensor) -> Tensor:
        """Sources [N, 7, 144, 256] seen from elsewhere -> view tokens [N, 144, 103]."""
        planes, mask = reproject(drawn_here(planes), source_pose, pose)
        mask = mask * unhidden(margins)
        return known_view(self.eyes, planes * mask, mask, change[:, None]).float()

    def compile(self) -> None:
        """Compiles what gains by it: on a CPU the views have kernels of their own, on a GPU they are made of few large
        ones. Choosing layouts by the convolutions put frames innermost on a CPU, and made norms ten times as slow."""
        if self.clips.device.type == "cuda":
            for layer in self.omni.stack():  # one layer's code serves all
                layer.compile(dynamic=False)
        else:
            self.forward = torch.compile(self.omni, dynamic=False, options={"layout_optimization": False})
        self.loss(self.batch(0), 0)[0].backward()  # before other threads work: they and a compiler lock each other out
        self.omni.zero_grad(set_to_none=True)

    def generator(self, seed: int) -> torch.Generator:
        return torch.Generator(self.clips.device).manual_seed(seed)

    def batch(self, step: int) -> Batch:
        """The batch of a step: a function of the seed, the step, and what clips there are."""
        seed, mixture, clips = self.training.seed, self.mixture, self.clips
        visit = step // LANES % mixture.visits
        rows = draw_rows(clips, mixture, np.random.default_rng(step_seed(seed, step - visit * LANES)))
        rng = np.random.default_rng(step_seed(seed + 3, step))
        torn = self._torn(rows, rng)
        told = labels(rows, clips, self.sentences, mixture, rng)
        margins = hidden_margins(rows, mixture, rng)
        worn = mixture.worn_again if visit else mixture.worn
        view = self.views(rows, told, margins, worn, step_seed(seed + 1, step))
        here = rows.clip, rows.sky, rows.frame
        clean, has = clips["latents"][here].float(), clips["has_worn"][here][..., None, None, None]
        own = torch.where(has, clips["worn"][here].float(), clean)
        clean, own = patch(clean), patch(own)
        if self.torn is not None and torn is not None:
            self.torn.put(torn, (clean, view, told), self.sentences, rng)
            own = torch.where(torn[..., None, None], clean, own)
        return Batch(rows, clean, own, view, told, torn)

    def _torn(self, rows: Rows, rng: np.random.Generator) -> Tensor | None:
        """Which lone frames are to be of torn views [B, T], where there are pairs of them; of these no view is made."""
        if self.torn is None:
            return None
        chosen = torch.from_numpy(rng.uniform(size=tuple(rows.clip.shape)) < self.mixture.torn)
        chosen = chosen.to(rows.blind.device) & rows.isolated[:, None]
        rows.blind = rows.blind | chosen
        return chosen

    def given(self, batch: Batch, signal: Tensor, size: Tensor) -> Given:
        """What the network is given of a batch."""
        which, place = batch.told["sentence"].unique(return_inverse=True)
        instruction = self.omni.resample(*self.sentences.take(which))[place]
        silence = torch.zeros(*signal.shape, 2, 16, device=signal.device)
        told = (batch.told[name] for name in ("age_s", "control", "state"))
        age_s, controls, states = told
        return Given(instruction, age_s, silence, controls, states, batch.view, signal, size)

    def loss(self, batch: Batch, step: int) -> tuple[Tensor, dict[str, Tensor], Tensor, Tensor]:
        """The step's loss and its parts; also the clean latents that the model made, and which it made from noise."""
        generator, device = torch.Generator().manual_seed(step_seed(self.training.seed + 2, step)), self.clips.device
        isolated, told = batch.rows.isolated, batch.told
        frames, kind = batch.clean.shape[1], torch.rand((), generator=generator)
        serve = bool(kind < self.training.served)
        shortcut = not serve and bool(kind < self.training.served + self.training.shortcut)
        if serve:
            alone = batch.view[..., PATCH : PATCH + 4].mean((2, 3)) >= self.training.known
            signal, size, served = objective.served_levels(isolated.cpu(), alone.cpu(), generator)
        else:
            signal, size = objective.draw_levels(isolated.cpu(), frames, shortcut, generator)
            served = torch.zeros_like(signal, dtype=torch.bool)
        own = (torch.rand(signal.shape, generator=generator) < self.training.own_past) & ~served & (signal >= 0.5)
        signal, size, served, own = (part.to(device) for part in (signal, size, served, own))
        base = torch.where(own[..., None, None], batch.own, batch.clean)
        noise = torch.randn(
            base.shape, generator=self.generator(step_seed(self.training.seed + 4, step)), device=device
        )
        noisy = objective.mix(base, noise, signal)
        mask = objective.row_mask(isolated, frames, self.omni.config.window)
        given = self.given(batch, signal, size)
        if serve:
            with self.precision(self.bf16):
                noisy, given = objective.first_step(self.forward, noisy, given, mask, served)
        with self.precision(self.bf16):
            target = objective.shortcut_target(self.forward, noisy, given, mask) if shortcut else batch.clean
            seen = self.forward(noisy, given, mask)
        velocity, contact = self.omni.move(seen.hidden, told["next_control"], told["turned_velocity"], told["ground"])
        named = self.named(generator)
        picture = objective.picture_loss(seen, target, given, batch.torn)
        sky = sky_loss(self.omni, self.sentences, 48, generator, device)
        known = told["next_known"]
        motion = (F.smooth_l1_loss(velocity, told["next_velocity"], reduction="none", beta=0.5).mean(-1) * known).mean()
        ground = (F.binary_cross_entropy_with_logits(contact, told["next_ground"], reduction="none") * known).mean()
        total = picture + 0.3 * sky + 0.2 * motion + 0.05 * ground + 0.02 * named
        losses = {"picture": picture, "sky": sky, "motion": motion, "ground": ground, "named": named}
        parts = {name: loss.detach() for name, loss in losses.items()}
        return total, parts, seen.clean.detach().float(), served | (signal <= 0.5)

    def named(self, generator: torch.Generator) -> Tensor:
        """Cross-entropy of what the sentences say by name, over sentences drawn evenly from all there are."""
        which = torch.randint(len(self.sentences.texts), (32,), generator=generator)
        said = torch.tensor([self.sentences.said(i) for i in which.tolist()], device=self.clips.device)
        logits = self.omni.name(self.omni.resample(*self.sentences.take(which)))
        return torch.stack([F.cross_entropy(part.float(), said[:, i]) for i, part in enumerate(logits)]).sum()

    def keep_worn(self, batch: Batch, made: Tensor, from_noise: Tensor) -> None:
        """What the model made of frames with much noise becomes a source for later steps (self-resampling for free)."""
        rows, which = batch.rows, from_noise & ~batch.rows.blind
        here = rows.clip[which], rows.sky[which], rows.frame[which]
        self.clips["worn"][here] = unpatch(made[which]).clamp(-3, 3).bfloat16()
        self.clips["has_worn"][here] = True


def unhidden(margins: Tensor) -> Tensor:
    """Margins [N, 4] (left, right, top, bottom, in half-resolution pixels) -> [N, 1, 144, 256]: 0 in them."""
    height, width = 2 * HALF_BANDS[0], 2 * HALF_BANDS[1]
    x, y = torch.arange(width, device=margins.device), torch.arange(height, device=margins.device)
    left, right, top, bottom = margins[:, :, None].unbind(1)
    across = (x >= left) & (x < width - right)
    down = (y >= top) & (y < height - bottom)
    return (down[:, None, :, None] & across[:, None, None, :]).float()


def train_step(run: Run, trainer: Trainer, batch: Batch) -> dict[str, Tensor]:
    """One optimizer step."""
    loss, parts, made, from_noise = trainer.loss(batch, run.step)
    norm = descend(run, loss, [trainer.omni], CLIP_GRADIENT)
    if norm.isfinite():
        trainer.keep_worn(batch, made, from_noise)
    return parts | {"gradient_norm": norm[0]}


def train(run: Run, trainer: Trainer) -> None:
    """Steps until the budget is spent or a signal comes."""
    training, rescanned_s = trainer.training, time.monotonic()
    pace, sums = Pace(training.report_every_s), defaultdict[str, list[Tensor]](list)
    batches, batch = Prefetch(trainer.batch, run.step // training.uses, ahead=1), None
    over = threading.Event()
    if trainer.clips.device.type == "cuda":  # where clips come faster than a step may wait for them
        threading.Thread(target=keep_taking, args=(trainer.clips, over), name="clips", daemon=True).start()
        rescanned_s = math.inf
    while not run.over:
        if batch is None or run.step % training.uses == 0:
            batch = next(batches)
        figures = train_step(run, trainer, batch)
        for name, value in figures.items():
            sums[name].append(value)
        frames_per_s = pace.add(trainer.mixture.rows * trainer.mixture.frames)
        if frames_per_s is not None:
            means = {name: torch.stack(values).mean() for name, values in sums.items()}
            report(run, f"{frames_per_s:.1f} frames/s, {trainer.clips.count} clips", means)
            sums.clear()
        now_s = time.monotonic()
        if now_s - rescanned_s > 60:
            trainer.clips.rescan(training.clips_a_minute)
            rescanned_s = now_s
    over.set()
    batches.close()


def keep_taking(clips: Clips, over: threading.Event) -> None:
    """Takes up what is drawn meanwhile, until it is over."""
    while not over.wait(TAKE_EVERY_S):
        clips.rescan()


def save(omni: Omni, path: Path, **facts: object) -> str:
    """The weights in bf16, as the engine serves them. Returns the file's sha256."""
    tensors = {k: v.bfloat16() for k, v in omni.state_dict().items()}
    return checkpoint.save(path, tensors, omni.config, KIND, facts)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command("dynamics", __doc__, "train-nano.toml", 90.0)
    parser.add_argument("--clips", type=Path, default=cache_dir() / "clips-nano")
    parser.add_argument("--tokenizer", type=Path, default=WEIGHTS / "tokenizer.safetensors")
    parser.add_argument("--warm", type=Path, help="weights to begin with")
    parser.add_argument("--device", help="cuda or cpu; cuda where there is one")
    parser.add_argument("--torn", type=Path, help="the folder of pairs of torn views, see engine.tearing")
    parser.add_argument("--rows", type=int, default=0, help="rows a step, instead of the configuration's")
    parser.add_argument("--layers", type=int, default=0, help="layers, instead of the configuration's")
    parser.add_argument("--eager", action="store_true", help="do not compile")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, load, train, save."""
    options = parse(arguments)
    section: dict[str, Any] = load_toml(options.config)["dynamics"]
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    torch.set_float32_matmul_precision("high")
    training, mixture = DynamicsTraining(**section["training"]), Mixture(**section["mixture"])
    config = OmniConfig(**section["model"])
    mixture = replace(mixture, rows=options.rows or mixture.rows)
    config = replace(config, layers=options.layers or config.layers)
    if device.type == "cuda":
        training = replace(training, chunk=max(training.chunk, GPU_CHUNK))
    torch.manual_seed(training.seed)
    tokenizer = FrameTokenizer.load(options.tokenizer).to(device)
    ranges = checkpoint.load_extra(options.tokenizer, TOKENIZER_KIND).get("ranges")
    eyes = quick_tokenizer(tokenizer, ranges) if device.type == "cpu" else tokenizer
    clips = Clips(options.clips, kept_in(options.tokenizer), eyes, device=device)
    clips.rescan(4 * training.clips_a_minute)
    if not clips.count:
        raise SystemExit(f"expected clips in {options.clips}, found none: run python -m model.worlds.cache first")
    sentences = Sentences(None, training.sentences, training.seed, kept=cache_dir()).to(device)
    omni = Omni(config).to(device)
    if options.warm:
        values, tensors = checkpoint.load(options.warm, KIND)
        before = checkpoint.as_config(OmniConfig, values)
        checkpoint.load_into(omni, grown(tensors, before, config.layers), KIND)
    optimizer = muon_and_adam(omni, training.rate, training.matrix_rate, training.weight_decay)
    torn = Torn(options.torn, device) if options.torn else None
    trainer = Trainer(omni, eyes, sentences, clips, mixture, training, torn)
    run = Run(cache_dir() / "runs" / options.run, omni, optimizer, options.minutes)
    if options.resume:
        take_up(run)
    if shutil.which("g++") and not options.eager:  # half of an uncompiled step is element-wise
        trainer.compile()
    with run.interruptible():
        train(run, trainer)
    assert isinstance(run.average, Omni)
    save(run.average, run.folder / "ema.safetensors", step=run.step)
    print(f"wrote {run.folder / 'ema.safetensors'}", flush=True)


if __name__ == "__main__":
    main()
