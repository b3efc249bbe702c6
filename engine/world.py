"""One living world: what a person does goes in, the next frame comes out, without end.
Knows the order of a frame's life; nothing of codecs, sockets or clocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf, pi

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.paths import WEIGHTS
from engine.body import Body
from engine.dynamics import Dynamics
from engine.imagination import CALM, Imagination, Told
from engine.messages import CAMERAS, FRAME_RATE
from engine.models import Glimpse, Models, load_models
from engine.recollection import LATENT_GRID, Recollection, with_own
from engine.renewal import Renewal
from engine.saving import Facts, NotAWorld, from_bytes, keyframes_as_tensors, keyframes_from, to_bytes
from engine.templates import PromptRefused, find_template, read_picture
from engine.veil import Veil
from engine.winds import Shores, blown
from model.borders import DEPTH
from model.conditioning import audio, control, state
from model.conditioning.text import MAX_CHARS, TextTooLong
from model.detail import finished
from model.geometry import drawn_here
from model.heavens import under
from model.omni import CHANNELS, GROUPS, LIGHT, PATCH, VIEW, Given, Seen
from model.overlay import Known
from model.planes import CHANNELS as PLANES
from model.planes import GRID_HEIGHT, GRID_WIDTH, pack, unpack
from model.view import lasting, per_pixel

__all__ = ["Frame", "Inputs", "Models", "PromptRefused", "Start", "World", "load_models"]

OTHER_LIGHT = 0.3  # the share of a view that is known in another light, from which on the inventor draws it
STILL_OTHER = 0.05  # the same while it does: what it drew lessens that share, and two frames in turn would differ
PICTURE = ("y", "u", "v", "depth")
BESIDE_RAD = 0.5  # how far from the middle of a first picture a low sun stands at most
SAVED = {
    "y": (torch.uint8, (1, 2 * GRID_HEIGHT, 2 * GRID_WIDTH)),
    **dict.fromkeys(("u", "v"), (torch.uint8, (1, GRID_HEIGHT, GRID_WIDTH))),
    "depth": (torch.uint16, (1, GRID_HEIGHT, GRID_WIDTH)),
    "sky": (torch.float32, (len(state.SKY),)),
    "pose": (torch.float32, (5,)),
    "velocity": (torch.float32, (3,)),
    "generator": (torch.uint8, (-1,)),
    "keyframes.latents": (torch.bfloat16, (-1, CHANNELS, *LATENT_GRID)),
    "keyframes.pose": (torch.float32, (-1, 5)),
    "keyframes.light": (torch.float32, (-1, LIGHT)),
    "keyframes.index": (torch.int64, (-1,)),
    "keyframes.distance_m": (torch.float32, (-1, *LATENT_GRID)),
    "keyframes.drawn": (torch.float32, (-1, *LATENT_GRID)),
    "keyframes.dreamed": (torch.bool, (-1,)),
}
LOOK_LIMIT = control.LOOK_LIMIT
Moved = Callable[[state.WorldState], None]


def untold(now: state.WorldState) -> None:
    """Nobody waits for it."""


@dataclass(frozen=True)
class Inputs:
    """What a person does during one frame: held buttons as a bitmap in the vocabulary's order, look deltas in radians
    (right and up positive), the microphone's 1000 samples at 24 kHz, in [-1, 1], how likely somebody speaks, and
    the camera, by the vocabulary's name, through which the world is seen from now on (none: as it was)."""

    buttons: int = 0
    look_x: float = 0.0
    look_y: float = 0.0
    pcm: NDArray[np.float32] | None = None
    speaking: float = 0.0
    camera: str = ""


@dataclass(frozen=True)
class Frame:
    """One frame with its margin: y [288, 512], u and v [144, 256] uint8; the state and the audio tokens by value."""

    index: int
    y: NDArray[np.uint8]
    u: NDArray[np.uint8]
    v: NDArray[np.uint8]
    state: dict[str, float]
    audio: list[float]
    step_ms: float
    decode_ms: float


@dataclass(frozen=True)
class Start:
    """A beginning that is known, not invented: planes [1, 7, 144, 256] with depth, and the state they were seen in."""

    planes: Tensor
    state: state.WorldState


@dataclass
class _Past:
    """What the next frame needs of the last one."""

    seen: Seen
    known: Known
    picture: list[Tensor]  # its y, u and v, as they were shown but for what is before it


@dataclass
class _Prompt:
    text: str
    tokens: Tensor  # [1, 8, D]
    imagined: Tensor  # the same as the inventing network reads it
    since: int = 0  # frames


class World:
    """A world from a prompt and a seed, or from a template's picture. Raises PromptRefused."""

    def __init__(self, models: Models, seed: int, prompt: str = "", template: str = ""):
        self.models = models
        self.index = 0
        self.patience_s = inf  # with what is dreamed of before the second frame
        self._generator = torch.Generator().manual_seed(seed % 2**63)
        self.dynamics = Dynamics(models.batch, models.config, models.batch.place)
        self._recollection = Recollection(models)
        self.memory = self._recollection.memory
        self._body = Body(models.omni)
        self._imagination = Imagination(models, self._recollection, self._generator)
        self._renewal = Renewal(models, self._recollection, self._generator)
        self._shores, self._veil = Shores(models.waters), Veil(models.sheets)
        self._past: _Past | None = None
        self._beat = audio.Beat()
        self._relighting = False  # whether the last frame was drawn in another light than its view is known in
        self._entering: Tensor | None = None  # planes of a first frame that is known
        self._resumed = False  # whether that frame is one of this world's own
        self._dreamt = False  # whether it has dreamed of what lies around its first frame
        if template:
            entry = find_template(template)
            prompt = prompt or str(entry["prompt"])
            self._entering = read_picture(WEIGHTS / str(entry["picture"]))
            self.memory.given = True
        self._prompt = self._hear(prompt or "a meadow on a clear day")
        self.state = self._beginning(self._prompt.tokens, seed, find_template(template) if template else None)

    @classmethod
    def begin(cls, models: Models, seed: int, prompt: str, start: Start) -> World:
        """A world whose first frame is the start's picture. Raises PromptRefused."""
        world = cls(models, seed, prompt)
        known = start.state
        world._entering, world.memory.given = start.planes, True
        world.state = replace(known, sky=known.sky.clone(), pose=list(known.pose), velocity=known.velocity.clone())
        return world

    @classmethod
    def restored(cls, models: Models, data: bytes) -> World:
        """A world out of what `saved` gave; its first frame is the one that was last. Raises NotAWorld."""
        facts, tensors = from_bytes(data, SAVED)
        if facts.model != models.name:
            raise NotAWorld(f"expected a world of {models.name}; got one of {facts.model}")
        if facts.place >= len(state.PLACES):
            raise NotAWorld(f"expected a place from 0 to {len(state.PLACES) - 1}; got {facts.place}")
        if facts.camera not in CAMERAS:
            raise NotAWorld(f"expected a camera of {', '.join(CAMERAS)}; got {facts.camera!r}")
        if facts.since > facts.index + 1:
            raise NotAWorld(f"expected a prompt since frame {facts.index + 1} at most; got {facts.since}")
        try:
            world = cls(models, 0, facts.prompt)
            world._generator.set_state(tensors["generator"])
        except (PromptRefused, RuntimeError) as error:
            raise NotAWorld(f"expected a prompt and a generator's state; got {error!r}") from error
        world.index, world._prompt.since, world.memory.given = facts.index, facts.since, facts.given
        pose, velocity = tensors["pose"].tolist(), tensors["velocity"]
        view = (facts.camera, facts.floor_m)
        world.state = state.WorldState(facts.place, tensors["sky"], pose, velocity, facts.ground, *view)
        world._entering, world._resumed = pack(*(tensors[name] for name in PICTURE)), True
        for keyframe in keyframes_from(tensors):
            world.memory.keep(keyframe)
        return world

    def saved(self) -> bytes:
        """All that this world is, for `restored`. Raises NotAWorld before its first frame."""
        past, now = self._past, self.state
        if past is None:
            raise NotAWorld("expected a world that has shown a frame; this one has not")
        prompt = self._prompt
        told = (prompt.text, prompt.since, self.memory.given, now.camera, now.floor_m)
        facts = Facts(self.models.name, self.index - 1, now.place, now.ground, *told)
        y, u, v = past.picture
        depth = ((past.known.planes[:, 6] + 1) * (65535 / 2)).round().clamp(0, 65535).to(torch.uint16)
        tensors = {
            "y": y,
            "u": u,
            "v": v,
            "depth": depth,
            "sky": now.sky,
            "pose": torch.tensor(now.pose),
            "velocity": now.velocity,
        }
        tensors |= {"generator": self._generator.get_state()} | keyframes_as_tensors(self.memory.keyframes)
        return to_bytes(facts, tensors)

    def say(self, text: str) -> None:
        """The prompt in force from the next frame on. Raises PromptRefused; the world then goes on unchanged."""
        self._prompt = self._hear(text)

    def obey(self, meaning: Tensor, words: str) -> None:
        """What was said aloud is in force from the next frame on: `meaning` [N, 384], features such as the text
        encoder's. `words`: what it sounded like, for saves."""
        read = (meaning[None], torch.ones(1, len(meaning), dtype=torch.bool))
        self._prompt = self._read(words.strip()[:MAX_CHARS] or self._prompt.text, read)

    @torch.inference_mode()
    def step(self, inputs: Inputs, moved: Moved = untold) -> Frame:
        """The next frame; `moved` is told its state before it is sampled (of a first frame, which takes long, after).
        Worlds may step at the same time. Raises ValueError on inputs that are not finite."""
        controls, batch = self._controls(inputs), self.models.batch
        if self._past is None:
            with batch.apart():
                return self._step(inputs, controls, moved)
        self.dream()
        with batch.stepping():
            return self._step(inputs, controls, moved)

    @torch.inference_mode()
    def dream(self) -> None:
        """Dream of what lies around its first frame, which is on its way meanwhile, for as long as there is patience;
        the second frame does so where nobody did. Never while it steps."""
        if self._past is None or self.index != 1 or self._resumed or self._dreamt:
            return
        self._dreamt = True
        with self.models.batch.apart():
            self._imagination.look_around(self._told(), lambda: self.patience_s)

    def _step(self, inputs: Inputs, controls: Tensor, moved: Moved) -> Frame:
        begun, first = time.perf_counter(), self._past is None
        self._body.see_through(self.state, inputs.buttons, inputs.camera)
        if self._past is not None:
            self._move(controls, self._past)
            moved(self.state)
        controls = self._body.told(self.state, controls)
        heard = self._audio(inputs)
        glimpse = self._glimpse()
        latents, seen = self._sample(controls, heard, glimpse)
        sampled = time.perf_counter()
        known, picture = self._draw(latents, seen, glimpse)
        water = self._shores.water(latents, self.index)
        self._past = _Past(seen, known, picture)
        self._recollection.look_back(latents, known, self.index)
        self._body.feel_ground(self.state, water, known, self.index)
        if glimpse is not None and not self._renewal.go_on(glimpse, self._told(), self.index):
            self._imagination.go_on(self._told(), self.index)
        shown = self._in_the_air(picture, known.planes, water)
        drawn = time.perf_counter()
        if first:
            moved(self.state)
        y, u, v = (part[0].numpy() for part in shown)
        frame = Frame(
            self.index,
            y,
            u,
            v,
            state=self.state.values(),
            audio=audio.values(heard[0, 0]),
            step_ms=(sampled - begun) * 1e3,
            decode_ms=(drawn - sampled) * 1e3,
        )
        self.index += 1
        return frame

    # --- what goes in ------------------------------------------------------------------------

    def _hear(self, text: str) -> _Prompt:
        text = text.strip()
        if not text:
            raise PromptRefused("a prompt needs at least one word; got an empty text")
        try:
            return self._read(text, self.models.text.features([text]))
        except TextTooLong as error:
            raise PromptRefused(str(error)) from error

    @torch.inference_mode()
    def _read(self, text: str, features: tuple[Tensor, Tensor]) -> _Prompt:
        tokens, imagined = (net.resample(*features) for net in (self.models.omni, self.models.inventor))
        return _Prompt(text, tokens, imagined, self.index)

    def _beginning(self, tokens: Tensor, seed: int, entry: dict[str, object] | None) -> state.WorldState:
        """The state that the prompt names; what it leaves open is drawn from the seed (and is day and clear mostly)."""
        if entry is not None:
            place, time, weather, yaw = (str(entry[part]) for part in ("place", "time", "weather", "yaw"))
            return state.beginning(place, time, weather, float(yaw))
        rng = np.random.default_rng(seed % 2**63)
        with torch.inference_mode():
            logits = self.models.omni.name(tokens)
        open_to = (
            (state.PLACES, None),
            (state.TIMES, (0.1, 0.7, 0.15, 0.05)),
            (state.WEATHERS, (0.8, 0.1, 0.04, 0.03, 0.03)),
        )
        names = []
        for (known, chance), part in zip(open_to, logits, strict=True):
            said = int(part[0].argmax())
            names.append(known[said] if said < len(known) else str(rng.choice(known, p=chance)))
        place, time, weather = names
        low = time in ("dawn", "dusk")  # then one looks at the sun, else anywhere
        looks = rng.uniform(-BESIDE_RAD, BESIDE_RAD) + state.to_the_sun(time) if low else rng.uniform(-pi, pi)
        return state.beginning(place, time, weather, float(looks))

    def _controls(self, inputs: Inputs) -> Tensor:
        look = (inputs.look_x, inputs.look_y)
        if not all(np.isfinite(look)):
            raise ValueError(f"look deltas must be finite radians; got {look}")
        held = [float(inputs.buttons >> i & 1) for i in range(len(control.HELD))]
        return torch.tensor([*held, *(max(-LOOK_LIMIT, min(LOOK_LIMIT, float(x))) for x in look)])

    def _audio(self, inputs: Inputs) -> Tensor:
        if inputs.pcm is None:
            self._beat = audio.Beat()
            return torch.zeros(1, 1, 2, audio.WIDTH)
        pcm = torch.from_numpy(np.ascontiguousarray(inputs.pcm))
        return audio.in_stream(pcm, self._beat, inputs.speaking)[None, None]

    def _move(self, controls: Tensor, past: _Past) -> None:
        """State and pose of this frame: the sky by the last read-out, the body by hands and what was seen."""
        now = self.state
        now.sky = self.models.sky_after(self._prompt.tokens, now.sky)
        self._body.move(now, controls, past.seen, past.known)

    # --- the frame ---------------------------------------------------------------------------

    def _given(self, controls: Tensor, heard: Tensor, view: Tensor) -> Given:
        now, none, hands = self._told(), torch.zeros(1, 1), control.features(controls)[None, None]
        age, known = torch.tensor([[now.age_s]]), now.dry.tokens()[None, None]
        view = under(view, *self.state.heavens())[:, None]
        return Given(self._prompt.tokens[:, None], age, heard, hands, known, view, none, none)

    def _told(self) -> Told:
        return Told(self._prompt.imagined, self._prompt.tokens, (self.index - self._prompt.since) / 24, self.state)

    def _noise(self) -> Tensor:
        return torch.randn(1, 1, GROUPS["video"], PATCH, generator=self._generator)

    def _in_the_air(self, picture: list[Tensor], planes: Tensor, water: Tensor) -> list[Tensor]:
        """The picture of planes [1, 8, 144, 256], of which cells [1, 36, 64] are likely water, with what moves in it
        and before it, as it is shown and not remembered."""
        at_s, (*_, yaw, pitch) = self.index / FRAME_RATE, self.state.pose
        picture = blown(picture, planes, water, self.state, at_s)
        return self._veil.over(picture, planes[:, DEPTH], self.state.sky, (yaw, pitch), at_s)

    def _glimpse(self) -> Glimpse | None:
        """What is known of this frame by keyframes and the last one; of a first frame, nothing."""
        past = self._past
        if past is None:
            return None
        pose, light = torch.tensor([self.state.pose]), state.light(self.state.sky)
        return self._recollection.glimpse(past.known, pose, light)

    def _sample(self, controls: Tensor, heard: Tensor, glimpse: Glimpse | None) -> tuple[Tensor, Seen]:
        """This frame's latents, and what the network saw of it."""
        if glimpse is None:
            given = self._given(controls, heard, torch.zeros(1, GROUPS["video"], VIEW))
            if self._entering is None:
                return self.dynamics.enter(self._imagination.first(self._told()), self._noise(), given)
            return self.dynamics.enter(self.models.tokenizer.encode(self._entering), self._noise(), given)
        given = self._given(controls, heard, glimpse.tokens)
        other = float(glimpse.other_light.mean())
        self._relighting = other > (STILL_OTHER if self._relighting else OTHER_LIGHT)
        if self._relighting:
            return self.dynamics.enter(self._imagination.relit(self._told(), glimpse.tokens), self._noise(), given)
        if glimpse.stands:
            return self.dynamics.enter(glimpse.latents, self._noise(), given)
        return self.dynamics.denoise(self._noise() * CALM, given)

    def _draw(self, latents: Tensor, seen: Seen, glimpse: Glimpse | None) -> tuple[Known, list[Tensor]]:
        """The frame as later frames know it, and its bytes."""
        light = state.light(self.state.sky)
        own = torch.ones(1, 1, GRID_HEIGHT, GRID_WIDTH, dtype=torch.bool)
        if glimpse is not None and glimpse.stands:
            (planes, *picture), own = self.models.show(glimpse), ~own
        elif glimpse is not None:
            change = glimpse.tokens[..., -LIGHT:]
            firm = lasting(glimpse.tokens)
            planes, *picture = self.models.draw(latents, (glimpse, firm), dusty=True)
            light = light - firm.mean() * change.mean((0, 1))  # what stayed as it was still shows the light it was in
            own = per_pixel((glimpse.remembered < 0.5) | (firm < 0.5)) & (glimpse.uncovered == 0)
        elif self._entering is not None:
            planes, picture = drawn_here(self._entering), list(unpack(self._entering))
        else:
            planes = finished(self.models.finishing(self.models.decode(latents)))
            picture = list(unpack(planes[:, :PLANES]))
        return with_own(planes, own, torch.tensor([self.state.pose]), light), picture
