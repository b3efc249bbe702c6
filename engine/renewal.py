"""What is walked into or comes into view, drawn anew before it wears out: the inventing network, told what is known of
the view, makes a whole picture of it, without its tears and with surfaces of its own. Knows how worn a view is; nothing
of controls. Each frame does a piece of its work, or some more while somebody turns, so that none takes long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import copysign, cos, dist, sin

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.cameras import FIRST
from engine.imagination import DONE, Told, imagine_well, onwards
from engine.memory import Keyframe
from engine.models import LIT, Glimpse, Models
from engine.recollection import Recollection, all_own
from model.beside import most_around
from model.borders import DEPTH, JUMP
from model.conditioning import state
from model.dust import without_dust
from model.geometry import grain
from model.omni import GROUPS, PATCH, unpatch
from model.overlay import Known
from model.planes import CHANNELS
from model.view import per_pixel

STEPS = 8
FRESH = 0.12  # grain up to which a pixel stays as it was
WORN = 0.08  # how much of a view what leads need not show, and as sharply; more of it is drawn anew
LITTLE, LEAST_M_S = 0.02, 0.1  # the same for who stands: they look for longer, and see where two pictures meet
REST, TORN = 6, 0.35  # frames between two pictures, unless so much is not shown
BARE = 2.0  # what a pixel counts for that was behind something
AHEAD = 17  # pieces until it is done: frames, in which somebody goes so much farther
SLOW = 0.005  # radians a frame; who turns faster is shown soon what nobody has seen
HURRIED, SUDDEN = 2, 4  # pieces in a frame, then; and of the first picture of a turn
FURTHER = 0.35  # radians beyond where they will look, then
MOST_RAD = 0.9  # of the turn that is foreseen
FADE = 8  # frames in which the new picture takes the place of the old
MISSED_M, MISSED_RAD, MISSED_LIGHT = 1.5, 1.0, 0.4  # who went elsewhere, or to other light, meanwhile needs another
SAME = 0.06  # difference of depth's plane up to which two pixels show one surface
ALIKE, WITHIN = 0.06, 4  # mean difference of colours, of 2, within so many pixels, up to which they show one thing
EDGE = 2  # half-resolution pixels within which what stays and what is new are mixed
BESIDE = 8  # those beside an edge, where tears are


def ahead(now: state.WorldState, turning: float, pieces: int) -> list[float]:
    """The pose [5] of somebody who goes on as they do, turning by so many radians a frame, when a picture that is begun
    now, so many pieces of it in a frame, is drawn; who turns looks farther in it."""
    x, y, z, yaw, pitch = now.pose
    hurried, frames = abs(turning) > SLOW, AHEAD / pieces
    right, up, forward = (float(part) * frames / 24 for part in now.velocity)
    rise = 0.0 if now.camera == FIRST else up  # who jumps comes down again
    c, s = cos(yaw), sin(yaw)
    turn = turning * frames + hurried * copysign(FURTHER, turning)
    turn = max(-MOST_RAD, min(MOST_RAD, turn))
    return [x + right * c + forward * s, y + rise, z - right * s + forward * c, yaw + turn, pitch]


def with_fresh(new: Tensor, seen: Glimpse) -> Tensor:
    """Planes [1, 8, 144, 256] drawn anew -> the same, but as they were seen before where that was the same surface,
    drawn from as near, in the light that there is, remembered, not beside an edge, and is drawn alike: where it is not,
    the network mended what was torn. What only the last frame showed, frames of few steps drew: columns that a slow
    turn uncovered, one by one, and no two alike."""
    old = seen.planes
    was, depth = old[:, DEPTH : DEPTH + 1], new[:, DEPTH : DEPTH + 1]
    fresh = ((was - depth).abs() < SAME) & (grain(old) < FRESH) & (seen.known > 0) & (seen.uncovered == 0)
    fresh &= per_pixel((seen.remembered > 0.5) & (seen.other_light < LIT))
    fresh &= most_around(was, BESIDE) - was < JUMP
    apart = (old[:, :DEPTH] - new[:, :DEPTH]).abs().mean(1, keepdim=True)
    fresh &= F.avg_pool2d(apart, 2 * WITHIN + 1, 1, WITHIN, count_include_pad=False) < ALIKE
    kept = -F.max_pool2d(-fresh.float(), 2 * EDGE + 1, 1, EDGE)
    share = F.avg_pool2d(kept, 2 * EDGE + 1, 1, EDGE, count_include_pad=False)
    stays = torch.where(share > 0.5, old[:, DEPTH:], new[:, DEPTH:])
    return torch.cat([torch.lerp(new[:, :DEPTH], old[:, :DEPTH], share), stays], 1)


class Renewal:
    """The one picture of a world that is being drawn anew, or none. Draws from the world's noise."""

    def __init__(self, models: Models, recollection: Recollection, generator: torch.Generator):
        self._models, self._recollection, self._generator = models, recollection, generator
        self._work: Iterator[None] | None = None
        self._fade: Iterator[None] = iter(())
        self._drawn = 0  # frame at which the last one was
        self._told: Told | None = None
        self._yaw, self._turning = 0.0, 0.0  # radians, and in the last frame
        self._turned = -AHEAD  # frame in which somebody turned last
        self._sudden = False  # whether of that turn nothing has been drawn yet, or not since the light came to rest
        self._aimed = False  # whether what is being drawn was begun in a turn, and does not lie straight on

    def go_on(self, glimpse: Glimpse, told: Told, index: int) -> bool:
        """A piece of the work on the view of frame `index`, of which `glimpse` was known, or more, while somebody
        turns. Whether there was one that took time."""
        if self._told is not None:
            self._turning = told.state.pose[3] - self._yaw
        self._told, self._yaw = told, told.state.pose[3]
        next(self._fade, None)
        stands = self._recollection.stands
        if abs(self._turning) > SLOW:
            if index - self._turned > REST:
                self._sudden, self._work = True, self._work if self._aimed else None
            self._turned = index
        if self._work is None and self._worn(glimpse, told, index):
            self._work, self._aimed = self._drawing(told, index), abs(self._turning) > SLOW
        if self._work is None:
            return False
        for _ in range(self._pieces()):
            if self._work is not None and next(self._work, DONE) is DONE:
                self._work, self._sudden = None, self._sudden and not stands
        return True

    def _pieces(self) -> int:
        """How many of them a frame does."""
        return 1 if abs(self._turning) <= SLOW else SUDDEN if self._sudden else HURRIED

    def _ahead(self, told: Told) -> Tensor:
        return torch.tensor(ahead(told.state, self._turning, self._pieces()))

    def _worn(self, glimpse: Glimpse, told: Told, index: int) -> bool:
        """Whether what leads lacks much of the view; while the light changes, all of it is being drawn anyway, and only
        where somebody turns to what nothing shows in whatever light, what is handed on from frame to frame smears."""
        recollection = self._recollection
        if recollection.given_leads():
            return False
        if not recollection.stands:
            return abs(self._turning) > SLOW and recollection.memory.unseen(self._ahead(told)) > WORN
        lacking = 1 - recollection.led + BARE * float(glimpse.uncovered.mean())
        if index - self._drawn < REST:
            return lacking > TORN
        stood = self._turning == 0 and float(told.state.velocity.norm()) < LEAST_M_S
        return lacking > (LITTLE if stood else WORN)

    def _drawing(self, told: Told, index: int) -> Iterator[None]:
        """Between two pieces of it lies a frame."""
        pose, sky = self._ahead(told), told.state.sky
        for _ in range(0 if self._recollection.stands else AHEAD // self._pieces()):
            sky = self._models.sky_after(told.followed, sky)
        light = state.light(sky)
        seen = self._recollection.elsewhere(pose[None], light)
        yield
        noisy = self._noise()
        for step in range(STEPS):
            noisy = self._step(noisy, seen, (pose, sky), step / STEPS)
            yield
        planes = self._models.decode(unpatch(noisy[:, 0]).clamp(-3, 3))
        yield
        planes = yield from self._models.finishing(planes)
        yield
        planes = without_dust(with_fresh(planes, seen))
        latents = self._models.tokenizer.encode(planes[:, :CHANNELS])
        yield
        if self._missed(pose, light) or self._recollection.given_leads():
            return
        whole = all_own(planes, pose[None], light)
        keyframe = self._recollection.follow(latents, whole, index)
        was = torch.where((seen.known > 0) & per_pixel(seen.other_light < LIT), seen.planes, planes)
        self._fade, self._drawn = self._fading(keyframe, whole, was), index
        next(self._fade)

    def _fading(self, keyframe: Keyframe, whole: Known, old: Tensor) -> Iterator[None]:
        """The new picture takes the place of the old one, planes [1, 8, 144, 256], frame by frame."""
        colours, rest = whole.planes[:, :DEPTH], whole.planes[:, DEPTH:]
        for frame in range(1, FADE):
            mixed = torch.cat([torch.lerp(old[:, :DEPTH], colours, frame / FADE), rest], 1)
            self._recollection.see_as(keyframe, replace(whole, planes=mixed))
            yield
        self._recollection.see_all()

    def _step(self, noisy: Tensor, seen: Glimpse, begun: tuple[Tensor, Tensor], tau: float) -> Tensor:
        """Latents one step later, from the pose and under the sky in which the picture was begun."""
        told, (pose, sky) = self._told, begun
        assert told is not None
        there = replace(told, state=replace(told.state, pose=pose.tolist(), velocity=torch.zeros(3), sky=sky))
        clean = imagine_well(self._models, there, seen.tokens, noisy, tau).clean.float()
        return onwards(noisy, clean, tau, STEPS, self._noise())

    def _noise(self) -> Tensor:
        return torch.randn(1, 1, GROUPS["video"], PATCH, generator=self._generator)

    def _missed(self, pose: Tensor, light: Tensor) -> bool:
        """Whether it is not what is seen now that was drawn."""
        assert self._told is not None
        now = self._told.state
        far = dist(now.pose[:3], pose[:3].tolist()) > MISSED_M or abs(now.pose[3] - float(pose[3])) > MISSED_RAD
        return far or float((state.light(now.sky) - light).norm()) > MISSED_LIGHT
