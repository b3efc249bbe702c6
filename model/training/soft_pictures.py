"""Pictures as the inventing network draws them, with the depth that they ought to have: true frames are made noisy, and
the network goes on from there. Knows clips, sentences and the inventor; nothing of what learns from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.conditioning import state
from model.heavens import under
from model.omni import GROUPS, VIEW, Given, Omni, given_alone, patch, unpatch
from model.omni_int8 import Int8Omni
from model.tokenizer.quick import Eyes
from model.training.batches import choose_sentence
from model.training.objective import FINEST
from model.training.pictures import cut, mirror
from model.training.run import step_seed
from model.training.sentences import Sentences
from model.worlds import clips

SOFTEST, SHARPEST = 4, FINEST - 1  # eighths of signal from which the inventor goes on
MEAN = 0.5  # the share of which it takes one step only, which is the mean of all that may be there: soft
LONG_AGO_S = 20.0  # for which a prompt has stood
TRUE = 0.3  # the share of pictures that are only encoded and decoded
KEYS = ("y", "u", "v", "depth", "walk", "sky", "prompt", "place")


class SoftPictures:
    """Batches by step number, of training or held-out clips."""

    def __init__(self, paths: list[Path], inventor: Omni | Int8Omni, eyes: Eyes, sentences: Sentences, seed: int):
        if not paths:
            raise FileNotFoundError("expected clips, found none: run python -m model.worlds.cache first")
        self.paths, self.inventor, self.eyes, self.sentences, self.seed = paths, inventor, eyes, sentences, seed

    @torch.inference_mode()
    def batch(self, step: int, count: int) -> tuple[Tensor, Tensor]:
        """Soft planes [count, 7, 144, 256] in [-1, 1], half of them mirrored, and the true depth's plane
        [count, 1, 144, 256]."""
        rng = np.random.default_rng(step_seed(self.seed, step))
        pairs = [self._one(rng) for _ in range(count)]
        soft, true = (torch.cat(parts).clone() for parts in zip(*pairs, strict=True))
        return soft, true

    def _one(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        raw = clips.read(self.paths[int(rng.integers(len(self.paths)))], KEYS)
        sky, frame = (int(rng.integers(n)) for n in raw["u"].shape[:2])
        planes = cut(raw, sky, frame, slice(None), slice(None))[None]
        latents = self.eyes.encode(planes.contiguous(memory_format=torch.channels_last))
        if rng.uniform() >= TRUE:
            latents = self._invent(latents, self._given(raw, sky, frame, rng), rng)
        soft = self.eyes.decode(latents.contiguous(memory_format=torch.channels_last)).float().clamp(-1, 1)
        if rng.uniform() < 0.5:
            soft, planes = mirror(soft[0])[None], mirror(planes[0])[None]
        return soft, planes[:, 6:7]

    def _given(self, raw: dict[str, Tensor], sky: int, frame: int, rng: np.random.Generator) -> Given:
        prompt, walk = raw["prompt"][sky].tolist(), raw["walk"][frame + 1]
        asked = prompt[4] > -(10**5) and frame >= prompt[4]
        place = int(raw["place"][0])
        which = choose_sentence(place, prompt, asked, self.sentences, rng)
        instruction = self.inventor.resample(*self.sentences.take(torch.tensor([which])))
        known_place = torch.nn.functional.one_hot(torch.tensor(place), len(state.PLACES)).float()
        light = state.fallen(raw["sky"][sky, frame + 1].float())
        tokens = state.tokens(torch.zeros(3), torch.tensor(1.0), light, known_place, walk[4].float())
        nothing = under(torch.zeros(1, GROUPS["video"], VIEW), light[None, 0], walk[None, 3:5].float())
        return given_alone(instruction, LONG_AGO_S, tokens, nothing, (0.0, 1 / FINEST))

    def _invent(self, latents: Tensor, given: Given, rng: np.random.Generator) -> Tensor:
        first = int(rng.integers(SOFTEST, SHARPEST + 1))
        clean = patch(latents)[:, None]
        noise = torch.from_numpy(rng.standard_normal(clean.shape, np.float32))
        noisy = (1 - first / FINEST) * noise + first / FINEST * clean
        alone = torch.ones(1, 1, 1, dtype=torch.bool)
        last = first if rng.uniform() < MEAN else FINEST - 1
        for at in range(first, last + 1):
            tau = at / FINEST
            made = self.inventor(noisy, given._replace(signal=torch.full((1, 1), tau)), alone).clean.float()
            noisy = made if at == last else noisy + (made - noisy) / (1 - tau) / FINEST
        return unpatch(noisy[:, 0]).clamp(-3, 3)
