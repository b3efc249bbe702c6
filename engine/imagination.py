"""What nobody has seen yet, sampled in many steps by a network of its own: first frames, and views that are dreamed of
before anybody turns to them. Knows where a look may turn; nothing of controls, nor of frames that follow each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import pi

import torch
from torch import Tensor

from engine import sampler
from engine.memory import Memory
from engine.models import Glimpse, Models
from engine.recollection import Recollection, per_pixel, with_own
from model.conditioning import state
from model.omni import CHANNELS, GROUPS, PATCH, VIEW, Seen, given_alone, unpatch
from model.overlay import Known
from model.view import firmness

FIRST_STEPS = 32
DRAFTS = 6  # of a first frame
DREAM_DRAFTS = 3  # of what lies around it
SEAM = 2.0  # what such a draft loses by how unlike it is to what is known beside it
LIVELY = 4.0  # what a draft gains by how much there is to see, beside the logarithm of its chance to show what it must
RELIT_STEPS = 4
CALM = 0.5  # of the noise of frames of few steps: what they invent of it, column by column in a turn, is stripes
STEPS = 16  # of a dream, one a frame
DREAM_EVERY = 8  # frames after which it is asked whether there is something to dream of
UNSEEN = 0.03  # the share of a view that nothing shows, from which on it is worth a dream
TURNS = (0.9, -0.9, 1.8, -1.8, 2.7, -2.7, pi)  # radians from where one looks, nearest first


@dataclass
class Dream:
    """A view that is being sampled: from where, what is known of it, and how far it is."""

    pose: Tensor  # [5]
    glimpse: Glimpse
    noisy: Tensor  # [1, 1, 144, 64]
    firm: Tensor  # [1, 1, 18, 32] how much of what is known stays, by the last step
    taken: int = 0  # steps


@dataclass(frozen=True)
class Told:
    """What a picture is imagined by: the prompt as the inventing network reads it [1, 8, D], how long it has stood in
    seconds, and the state of the world."""

    tokens: Tensor
    age_s: float
    state: state.WorldState


def imagine(models: Models, told: Told, view: Tensor, noisy: Tensor, tau: float) -> Seen:
    """What the inventing network makes of latents [1, 1, 144, 64] at signal level tau, of a frame alone whose view
    [1, 144, 79] is known. It knows the finest steps only."""
    given = given_alone(told.tokens, told.age_s, told.state.tokens(), view, (tau, 1 / sampler.FINEST))
    seen: Seen = models.inventor(noisy, given, torch.ones(1, 1, 1, dtype=torch.bool))
    return seen


def where_to(memory: Memory, pose: list[float]) -> Tensor | None:
    """The pose [5] of the next dream around somebody at `pose`: level, turned as little as need be. None if all that is
    around has been seen."""
    x, y, z, yaw, _ = pose
    for turn in TURNS:
        there = torch.tensor([x, y, z, yaw + turn, 0.0])
        if memory.unseen(there) > UNSEEN:
            return there
    return None


def liveliness(latents: Tensor) -> Tensor:
    """How much there is to see in latents [B, 16, 18, 32], [B]: how unlike cells are that lie beside each other."""
    across, down = latents.diff(dim=3).abs().mean((1, 2, 3)), latents.diff(dim=2).abs().mean((1, 2, 3))
    return across + down


def seam(latents: Tensor, view: Tensor) -> Tensor:
    """How unlike cells of latents [1, 16, 18, 32] are to the left and right of the border of what is known of their
    view [1, 144, 79], [1]; 0 where there is none."""
    known = unpatch(view[..., PATCH : PATCH + 4].repeat(1, 1, CHANNELS)).mean(1) > 0.5
    border = known[..., 1:] != known[..., :-1]
    return (latents.diff(dim=3).abs().mean(1) * border).sum((1, 2)) / border.sum((1, 2)).clamp_min(1)


class Imagination:
    """The dreams of one world, which go into its recollection, and its first frame. Draws from the world's noise."""

    def __init__(self, models: Models, recollection: Recollection, generator: torch.Generator):
        self._models, self._recollection, self._generator = models, recollection, generator
        self._dream: Dream | None = None

    def first(self, told: Told) -> Tensor:
        """Latents [1, 16, 18, 32] of a first frame, of which nothing is known: of several drafts, half drawn, the one
        that shows best what the state says is finished."""
        nothing = torch.zeros(1, GROUPS["video"], VIEW)
        best = self._best(told, nothing, FIRST_STEPS, DRAFTS, lambda latents: LIVELY * liveliness(latents))
        _, clean = self._sample(told, nothing, best, range(FIRST_STEPS // 2, FIRST_STEPS), FIRST_STEPS)
        return unpatch(clean[:, 0]).clamp(-3, 3)

    def relit(self, told: Told, view: Tensor) -> Tensor:
        """Latents [1, 16, 18, 32] of a frame whose view [1, 144, 79] is known, but in another light than it has now."""
        _, clean = self._sample(told, view, self._noise() * CALM, range(RELIT_STEPS), RELIT_STEPS)
        return unpatch(clean[:, 0]).clamp(-3, 3)

    def _best(self, told: Told, view: Tensor, steps: int, drafts: int, further: Callable[[Tensor], Tensor]) -> Tensor:
        """Of so many drafts, half drawn of a view [1, 144, 79], the one that shows best what the state says, beside
        what is `further` said of its latents; as it is by then, [1, 1, 144, 64]."""
        named, found = state.named(told.state), []
        for _ in range(drafts):
            noisy, clean = self._sample(told, view, self._noise(), range(steps // 2), steps)
            latents = unpatch(clean[:, 0])
            found.append((float(self._models.showing.shows(latents, named) + further(latents)), noisy))
        return max(found, key=lambda draft: draft[0])[1]

    def _sample(self, told: Told, view: Tensor, noisy: Tensor, some: range, steps: int) -> tuple[Tensor, Tensor]:
        """Latents [1, 1, 144, 64] after some of so many steps, and what the last of them took them for."""
        for step in some:
            clean = imagine(self._models, told, view, noisy, step / steps).clean.float()
            noisy = sampler.move(noisy, clean, step / steps, steps)
        return noisy, clean

    def look_around(self, known: Known, told: Told, patience_s: Callable[[], float]) -> None:
        """Dreams of all that lies around a first frame, `known`, before anybody can turn to it; where that takes longer
        than somebody has patience, asked again and again, what is left is dreamed of while the world goes on."""
        begun_s, dreams = time.monotonic(), 0
        while dreams < len(TURNS) and time.monotonic() - begun_s < patience_s():
            if self._dream is None:
                there = where_to(self._recollection.memory, told.state.pose)
                if there is None:
                    return
                self._dream = self._begin(there, known, told)
                if not self._recollection.memory.given:  # who comes in by a given picture waits for the second frame
                    self._dream = self._drafted(self._dream, told)
            self._step(self._dream, told, index=0)
            dreams += self._dream is None

    def go_on(self, known: Known, told: Told, index: int) -> None:
        """One step of sampling what lies around where nobody has looked yet; into memory, when it is done. `known` is
        frame `index`."""
        dream = self._dream
        if dream is None:
            there = where_to(self._recollection.memory, told.state.pose) if index % DREAM_EVERY == 0 else None
            if there is not None:
                self._dream = self._begin(there, known, told)
            return
        self._step(dream, told, index)

    def _begin(self, there: Tensor, known: Known, told: Told) -> Dream:
        light = state.light(told.state.sky)
        glimpse = self._recollection.elsewhere(known, there[None], light)
        return Dream(there, glimpse, self._noise(), torch.zeros_like(glimpse.other_light))

    def _drafted(self, dream: Dream, told: Told) -> Dream:
        """The same, half done: of several drafts the one that goes best with what is known."""
        tokens = dream.glimpse.tokens
        noisy = self._best(
            self._there(dream, told), tokens, STEPS, DREAM_DRAFTS, lambda latents: -SEAM * seam(latents, tokens)
        )
        return replace(dream, noisy=noisy, taken=STEPS // 2)

    @staticmethod
    def _there(dream: Dream, told: Told) -> Told:
        return replace(told, state=replace(told.state, pose=dream.pose.tolist(), velocity=torch.zeros(3)))

    def _step(self, dream: Dream, told: Told, index: int) -> None:
        """Another step of it; or, after the last one and a frame later, since each takes its time, into memory."""
        if dream.taken == STEPS:
            self._remember(dream, state.light(told.state.sky), index)
            self._dream = None
            return
        tau = dream.taken / STEPS
        seen = imagine(self._models, self._there(dream, told), dream.glimpse.tokens, dream.noisy, tau)
        dream.noisy = sampler.move(dream.noisy, seen.clean.float(), tau, STEPS)
        dream.taken += 1
        if dream.taken == STEPS:
            dream.firm = firmness(seen.trust[:, -1], dream.glimpse.tokens)

    def _remember(self, dream: Dream, light: Tensor, index: int) -> None:
        latents, firm = unpatch(dream.noisy[:, 0]).clamp(-3, 3), dream.firm
        planes, *_ = self._models.draw(latents, (dream.glimpse, firm))
        own = (dream.glimpse.known == 0) | (per_pixel(firm < 0.5) & (dream.glimpse.uncovered == 0))
        if index == 0:  # later it would take as long as two frames, in the midst of others
            planes = torch.where(own, self._models.cut(planes), planes)
        imagined = with_own(planes, own, dream.pose[None], light)
        self._recollection.remember(latents, imagined, index, dreamed=True)

    def _noise(self) -> Tensor:
        return torch.randn(1, 1, GROUPS["video"], PATCH, generator=self._generator)
