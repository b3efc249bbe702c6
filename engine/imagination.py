"""What nobody has seen yet, sampled in many steps by a network of its own: first frames, and views that are dreamed of
before anybody turns to them. Knows where a look may turn; nothing of controls, nor of frames that follow each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import pi

import torch
from torch import Tensor

from engine import sampler
from engine.memory import Memory
from engine.models import Glimpse, Models
from engine.recollection import Recollection, with_own
from model.conditioning import state
from model.conditioning.state import WorldState
from model.heavens import under
from model.omni import CHANNELS, GROUPS, PATCH, VIEW, Seen, given_alone, unpatch
from model.planes import metres
from model.view import lasting, per_pixel

FIRST_STEPS = 40
GUIDED, GUIDED_FROM, GUIDED_UNTIL = 0.15, 0.1, 0.9  # how far from what the Omni takes it for, at which signal levels
STIRRED, STIRRED_UNTIL = 0.5, 0.8  # how much fresh noise after a step, and up to which signal level
DRAFTS = 4  # of a first frame
DREAM_DRAFTS = 3  # of what lies around it
SEAM = 2.0  # what such a draft loses by how unlike it is to what is known beside it
LIVELY = 4.0  # what a draft gains by how much there is to see, beside the logarithm of its chance to show what it must
WALL_M, WALLED = 4.0, 8.0  # what stands as near before the eyes in a first frame, and what a draft loses that is such
RELIT_STEPS = 4
CALM = 0.5  # of the noise of frames of few steps: what they invent of it, column by column in a turn, is stripes
STEPS = 16  # of a dream, one a frame
DREAM_EVERY = 8  # frames after which it is asked whether there is something to dream of
UNSEEN = 0.03  # the share of a view that nothing shows, from which on it is worth a dream
DONE = object()
ALONE = torch.ones(1, 1, 1, dtype=torch.bool)  # the mask of a frame with no past
TURNS = (0.9, -0.9, 1.8, -1.8, 2.7, -2.7, pi)  # radians from where one looks, nearest first


@dataclass
class Dream:
    """A view that is being sampled: from where, in which light, what is known of it, and how far it is."""

    pose: Tensor  # [5]
    light: Tensor  # [7]
    glimpse: Glimpse
    noisy: Tensor  # [1, 1, 144, 64]
    drafts: int = 1  # of which the best is finished
    drawn: list[tuple[float, Tensor]] = field(default_factory=list)  # half: how good each is, and what is there of it
    taken: int = 0  # steps of the one that is being sampled


@dataclass(frozen=True)
class Told:
    """What a picture is imagined by: the prompt as the inventing network reads it [1, 8, D], and as the Omni does, how
    long it has stood in seconds, and the state of the world."""

    tokens: Tensor
    followed: Tensor
    age_s: float
    state: WorldState

    @classmethod
    def by(cls, models: Models, text: str, age_s: float, now: WorldState) -> Told:
        """By a text, whatever a world has been told."""
        features = models.text.features([text])
        return cls(models.inventor.resample(*features), models.omni.resample(*features), age_s, now)

    @property
    def dry(self) -> WorldState:
        """The state in which pictures are drawn: what falls, falls before them."""
        return replace(self.state, sky=state.fallen(self.state.sky))


def imagine(models: Models, told: Told, view: Tensor, noisy: Tensor, tau: float) -> Seen:
    """What the inventing network makes of latents [1, 1, 144, 64] at signal level tau, of a frame alone whose view
    [1, 144, 103] is known. It knows the finest steps only."""
    view = under(view, *told.state.heavens())
    given = given_alone(told.tokens, told.age_s, told.dry.tokens(), view, (tau, 1 / sampler.FINEST))
    seen: Seen = models.inventor(noisy, given, ALONE)
    return seen


def imagine_well(models: Models, told: Told, view: Tensor, noisy: Tensor, tau: float) -> Seen:
    """As `imagine`, guided by the Omni, which draws what nobody has seen as the inventor does, but worse, and is not
    told of which place."""
    view, known, when = under(view, *told.state.heavens()), told.dry.tokens(), (tau, 1 / sampler.FINEST)
    seen: Seen = models.inventor(noisy, given_alone(told.tokens, told.age_s, known, view, when), ALONE)
    if not GUIDED_FROM <= tau < GUIDED_UNTIL:
        return seen
    elsewhere = given_alone(told.followed, told.age_s, state.anywhere(known), view, when)
    poorer: Seen = models.omni(noisy, elsewhere, ALONE)
    return seen._replace(clean=sampler.guided(seen.clean.float(), poorer.clean.float(), GUIDED))


def onwards(noisy: Tensor, clean: Tensor, tau: float, steps: int, fresh: Tensor) -> Tensor:
    """Latents one of so many steps later, with some of the fresh noise."""
    noisy, tau = sampler.move(noisy, clean, tau, steps), tau + 1 / steps
    return sampler.stirred(noisy, clean, tau, fresh, STIRRED) if tau < STIRRED_UNTIL else noisy


def where_to(memory: Memory, pose: list[float], light: Tensor) -> Tensor | None:
    """The pose [5] of the next dream around somebody at `pose`: level, turned as little as need be. None if all that is
    around has been seen in that light [7]: what lies there in another is dreamed of again, as it looks now."""
    x, y, z, yaw, _ = pose
    for turn in TURNS:
        there = torch.tensor([x, y, z, yaw + turn, 0.0])
        if memory.unseen(there, light) > UNSEEN:
            return there
    return None


def liveliness(latents: Tensor) -> Tensor:
    """How much there is to see in latents [B, 16, 18, 32], [B]: how unlike cells are that lie beside each other."""
    across, down = latents.diff(dim=3).abs().mean((1, 2, 3)), latents.diff(dim=2).abs().mean((1, 2, 3))
    return across + down


def walled(planes: Tensor) -> float:
    """How much of the upper two thirds of a picture [1, 7, h, w] is so near that nobody sees past it, from 0 to 1."""
    return float((metres(planes)[:, : planes.shape[2] * 2 // 3] < WALL_M).float().mean())


def seam(latents: Tensor, view: Tensor) -> Tensor:
    """How unlike cells of latents [1, 16, 18, 32] are to the left and right of the border of what is known of their
    view [1, 144, 103], [1]; 0 where there is none."""
    known = unpatch(view[..., PATCH : PATCH + 4].repeat(1, 1, CHANNELS)).mean(1) > 0.5
    border = known[..., 1:] != known[..., :-1]
    return (latents.diff(dim=3).abs().mean(1) * border).sum((1, 2)) / border.sum((1, 2)).clamp_min(1)


def best(drafts: list[tuple[float, Tensor]]) -> Tensor:
    """Of drafts and how good they are the first that none surpasses."""
    return max(drafts, key=lambda draft: draft[0])[1]


class Imagination:
    """The dreams of one world, which go into its recollection, and its first frame. Draws from the world's noise."""

    def __init__(self, models: Models, recollection: Recollection, generator: torch.Generator):
        self._models, self._recollection, self._generator = models, recollection, generator
        self._dream: Dream | None = None
        self._around = len(TURNS)  # dreams at most until all that lies around the first frame has been dreamed of
        self._finish: Iterator[None] | None = None

    def first(self, told: Told) -> Tensor:
        """Latents [1, 16, 18, 32] of a first frame, of which nothing is known: of several drafts, half drawn, the one
        that shows best what the state says, and not from behind a crown, is finished."""
        drafts = []
        for _ in range(DRAFTS):
            noisy, clean = self._drafted(told, self._noise(), range(FIRST_STEPS // 2))
            latents = unpatch(clean[:, 0])
            good = self._shows(told, latents) + LIVELY * float(liveliness(latents))
            drafts.append((good - WALLED * walled(self._models.decode(latents)), noisy))
        _, clean = self._drafted(told, best(drafts), range(FIRST_STEPS // 2, FIRST_STEPS))
        return unpatch(clean[:, 0]).clamp(-3, 3)

    def relit(self, told: Told, view: Tensor) -> Tensor:
        """Latents [1, 16, 18, 32] of a frame whose view [1, 144, 103] is known, but in other light than it has now."""
        noisy = self._noise() * CALM
        for step in range(RELIT_STEPS):
            clean = imagine(self._models, told, view, noisy, step / RELIT_STEPS).clean.float()
            noisy = sampler.move(noisy, clean, step / RELIT_STEPS, RELIT_STEPS)
        return unpatch(noisy[:, 0]).clamp(-3, 3)

    def _shows(self, told: Told, latents: Tensor) -> float:
        """How surely latents [1, 16, 18, 32] show what the state says."""
        return float(self._models.showing.shows(latents, state.named(told.dry)))

    def _drafted(self, told: Told, noisy: Tensor, some: range) -> tuple[Tensor, Tensor]:
        """Latents [1, 1, 144, 64] of a first frame after some of its steps, and what the last of them took them for."""
        nothing = torch.zeros(1, GROUPS["video"], VIEW)
        for step in some:
            tau = step / FIRST_STEPS
            clean = imagine_well(self._models, told, nothing, noisy, tau).clean.float()
            noisy = onwards(noisy, clean, tau, FIRST_STEPS, self._noise())
        return noisy, clean

    def look_around(self, told: Told, patience_s: Callable[[], float]) -> None:
        """Dreams of all that lies around a first frame before anybody can turn to it; where that takes longer
        than somebody has patience, asked again and again, what is left is dreamed of while the world goes on."""
        begun_s, dreams = time.monotonic(), 0
        while dreams < len(TURNS) and time.monotonic() - begun_s < patience_s():
            if self._dream is None:
                self._dream = self._begin(told)
                if self._dream is None:
                    return
            self._step(self._dream, told, index=0)
            dreams += self._dream is None

    def go_on(self, told: Told, index: int) -> None:
        """One step of sampling what lies around where nobody has looked yet; into memory, when it is done, as of
        frame `index`. While the light changes nothing is dreamed of, and what was begun before is given up: what is
        known of it would be kept as if it showed the new light."""
        if self._dream is not None and not torch.equal(self._dream.light, state.light(told.state.sky)):
            self._around += self._dream.drafts > 1
            self._dream = self._finish = None
        if self._dream is not None:
            self._step(self._dream, told, index)
        elif self._recollection.stands and (self._around or index % DREAM_EVERY == 0):
            self._dream = self._begin(told)

    def _begin(self, told: Told) -> Dream | None:
        """The next dream; None if all that is around has been seen. Of what lies around an invented first frame several
        drafts are made; who comes in by a given picture, or walks on, would wait too long for it."""
        light = state.light(told.state.sky)
        there, around = where_to(self._recollection.memory, told.state.pose, light), self._around > 0
        self._around = 0 if there is None else max(self._around - 1, 0)
        if there is None:
            return None
        glimpse = self._recollection.elsewhere(there[None], light)
        drafts = DREAM_DRAFTS if around and not self._recollection.memory.given else 1
        return Dream(there, light, glimpse, self._noise(), drafts)

    @staticmethod
    def _there(dream: Dream, told: Told) -> Told:
        return replace(told, state=replace(told.state, pose=dream.pose.tolist(), velocity=torch.zeros(3)))

    def _step(self, dream: Dream, told: Told, index: int) -> None:
        """Another step of it; or, after the last one, a piece of what brings it into memory."""
        if dream.taken == STEPS:
            self._finish = self._finish or self._remembering(dream, told.state.sky, index)
            if next(self._finish, DONE) is DONE:
                self._dream = self._finish = None
            return
        tau, there = dream.taken / STEPS, self._there(dream, told)
        seen = imagine_well(self._models, there, dream.glimpse.tokens, dream.noisy, tau)
        dream.noisy = onwards(dream.noisy, seen.clean.float(), tau, STEPS, self._noise())
        dream.taken += 1
        if dream.taken == STEPS // 2 and len(dream.drawn) < dream.drafts and dream.drafts > 1:
            self._draft_is_half_drawn(dream, there, unpatch(seen.clean.float()[:, 0]))

    def _draft_is_half_drawn(self, dream: Dream, there: Told, latents: Tensor) -> None:
        """Begin the next draft, or go on with the one that shows best what the state says and goes best with what is
        known."""
        good = self._shows(there, latents) - SEAM * float(seam(latents, dream.glimpse.tokens))
        dream.drawn.append((good, dream.noisy))
        if len(dream.drawn) < dream.drafts:
            dream.noisy, dream.taken = self._noise(), 0
        else:
            dream.noisy = best(dream.drawn)

    def _remembering(self, dream: Dream, sky: Tensor, index: int) -> Iterator[None]:
        """Between two pieces of it lies a frame."""
        latents, firm = unpatch(dream.noisy[:, 0]).clamp(-3, 3), lasting(dream.glimpse.tokens)
        planes, *_ = self._models.draw(latents, (dream.glimpse._replace(other_light=torch.zeros_like(firm)), firm))
        own = (dream.glimpse.known == 0) | (per_pixel(firm < 0.5) & (dream.glimpse.uncovered == 0))
        yield
        whole = yield from self._models.finishing(planes)
        imagined = with_own(torch.where(own, whole, planes), own, dream.pose[None], state.light(sky))
        self._recollection.remember(latents, imagined, index, dreamed=True)

    def _noise(self) -> Tensor:
        return torch.randn(1, 1, GROUPS["video"], PATCH, generator=self._generator)
