"""What is measured: anything with `reset` and `step`, that begins from a scene and is driven by controls and words.
Knows the simulator, one out of focus, and the frame that never changes; a learned world brings its own."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, field, replace
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from model import planes
from model.evaluation.balls import with_ball
from model.evaluation.pictures import Picture
from model.worlds.bodies import Path
from model.worlds.events import begin
from model.worlds.lands import Land
from model.worlds.renderer import Renderer, View
from model.worlds.terrain import Terrain, bake
from model.worlds.walker import FRAME_S, Controls, Walk, step
from model.worlds.weather import TIMES, WEATHERS, Sky, settled, toward

BLUR = 4  # pixels of luma around each that it is the mean of
Sound = NDArray[np.float32]  # [S] at 16 kHz, in [-1, 1]


@dataclass(frozen=True)
class Wish:
    """What is said, and what is meant by it. Only the simulator, which knows no words, may look at what is meant.
    `event`: a ball is thrown. `spoken`: how it sounds, where it is said aloud; then nobody reads the text."""

    text: str
    time: str = ""
    weather: str = ""
    event: str = ""
    spoken: Sound | None = field(default=None, compare=False, repr=False)

    def meant(self) -> tuple[str, ...]:
        """Time and weather, and the event where there is one."""
        return (self.time, self.weather, *((self.event,) if self.event else ()))


@dataclass(frozen=True)
class Act:
    """One frame's controls, and what is said before it."""

    controls: Controls = field(default_factory=Controls)
    say: Wish | None = None


@dataclass(frozen=True)
class Scene:
    """Where and under which sky an episode begins: a world's number and place, who stands where, the sky, seconds on
    the simulator's clock, and the words that describe it. `told`: it is given in words alone, without a picture."""

    world: int
    place: str
    walk: Walk
    sky: Sky
    prompt: str
    clock: float = 0.0
    told: bool = False


@dataclass(frozen=True)
class Beginning:
    """What a subject may know of a scene: its first picture with the depth code [144, 256] (None when it is told)."""

    scene: Scene
    picture: Picture | None = None
    depth: Tensor | None = None


class Subject(Protocol):
    """A world under measurement. `invents`: it makes up what it never saw, so that memory is not knowledge."""

    name: str
    invents: bool

    def reset(self, beginning: Beginning) -> Picture:
        """Frame 0."""

    def step(self, act: Act, look: bool = True) -> Picture:
        """The next frame. Nobody looks at it without `look`: then any picture will do."""


@lru_cache(maxsize=4)
def terrain_of(place: str, world: int) -> Terrain:
    """The terrain of a world; baking takes a while."""
    return bake(place, world)


class Simulator:
    """The worlds that everything else is measured against. `depth`, `walk` and `sky` are the truth of the last frame,
    for those who keep it; judges never see them."""

    name, invents = "simulator", False

    def __init__(self) -> None:
        self._renderer = Renderer()
        self._terrain: Terrain | None = None
        self.depth = torch.zeros(planes.GRID_HEIGHT, planes.GRID_WIDTH, dtype=torch.int32)

    def reset(self, beginning: Beginning) -> Picture:
        scene = beginning.scene
        terrain = terrain_of(scene.place, scene.world)
        if terrain is not self._terrain:
            self._renderer.enter(terrain)
        self._terrain, self.walk, self.sky, self._goal = terrain, scene.walk, scene.sky, scene.sky
        self._clock, self._said, self._seed = scene.clock, 0, scene.world
        self._ball: Path | None = None
        self._shown = self._draw()
        return self._shown

    def step(self, act: Act, look: bool = True) -> Picture:
        if self._terrain is None:
            raise RuntimeError("reset() a simulator before its first step()")
        if act.say is not None:
            self._goal = wished(self.sky, act.say, np.random.default_rng([self._seed, self._said, 3]))
            self._said += 1
            if act.say.event:
                self._ball, self._thrown_s = thrown(self._terrain, self.walk, self._seed), self._clock
        self.sky = toward(self.sky, self._goal)
        self.walk = step(self._terrain, self.walk, act.controls)
        self._clock += FRAME_S
        if look:
            self._shown = self._draw()
        return self._shown

    def _draw(self) -> Picture:
        w = self.walk
        drawn = self._renderer.draw(View(w.x, w.y, w.z, w.yaw, w.pitch, **asdict(self.sky), clock=self._clock))
        self.depth = torch.from_numpy(drawn.depth.astype(np.int32))
        shown = Picture(*(torch.from_numpy(part) for part in (drawn.y, drawn.u, drawn.v)))
        if self._ball is not None:
            at, _ = self._ball.where(self._clock - self._thrown_s)
            shown, self.depth = with_ball(shown, self.depth, torch.tensor([w.x, w.y, w.z, w.yaw, w.pitch]), at)
        return shown


def thrown(terrain: Terrain, walk: Walk, seed: int) -> Path:
    """The way of a ball that is thrown before somebody who stands there."""
    land = Land(terrain.place, terrain.ground, terrain.cells, terrain.noise)
    path = begin("ball", land, (walk.x, walk.z), walk.yaw, 0.0, seed).path
    assert path is not None
    return path


def wished(sky: Sky, wish: Wish, rng: np.random.Generator) -> Sky:
    """Where the sky goes when this is asked for: what is not named stays."""
    goal = settled(wish.time or TIMES[0], wish.weather or WEATHERS[0], rng)
    if not wish.time:
        goal = replace(goal, tod=sky.tod)
    return goal if wish.weather else Sky(goal.tod, *astuple(sky)[1:])


class CopyLastFrame:
    """Shows its first picture for ever; mid grey when it was only told of one."""

    name, invents = "copy of the last frame", True

    def reset(self, beginning: Beginning) -> Picture:
        half = torch.full((planes.GRID_HEIGHT, planes.GRID_WIDTH), 128, dtype=torch.uint8)
        grey = Picture(torch.full((planes.HEIGHT, planes.WIDTH), 126, dtype=torch.uint8), half, half)
        self._shown = beginning.picture or grey
        return self._shown

    def step(self, act: Act, look: bool = True) -> Picture:
        return self._shown


class Blurred:
    """Another subject out of focus: every pixel is the mean of those around it, within `radius` pixels of luma."""

    def __init__(self, subject: Subject, radius: int = BLUR):
        self._subject, self._radius = subject, radius
        self.name, self.invents = f"{subject.name}, blurred", subject.invents

    def reset(self, beginning: Beginning) -> Picture:
        return blur(self._subject.reset(beginning), self._radius)

    def step(self, act: Act, look: bool = True) -> Picture:
        shown = self._subject.step(act, look)
        return blur(shown, self._radius) if look else shown


def blur(picture: Picture, radius: int) -> Picture:
    """The mean over squares of 2 * radius + 1 pixels of luma, and half that of chroma."""

    def soft(plane: Tensor, r: int) -> Tensor:
        padded = F.pad(plane[None, None].float(), (r, r, r, r), mode="replicate")
        return F.avg_pool2d(padded, 2 * r + 1, 1)[0, 0].round().to(torch.uint8)

    return Picture(soft(picture.y, radius), soft(picture.u, radius // 2), soft(picture.v, radius // 2))
