"""One living world: what a person does goes in, the next frame comes out, without end.
Knows the order of a frame's life; nothing of codecs, sockets or clocks."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from math import cos, sin
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from configs.paths import WEIGHTS
from engine import sampler
from engine.cache import Window
from engine.models import Known, Models, load_models
from model.conditioning import audio, control, state
from model.conditioning.text import TextTooLong
from model.omni import BLOCK, FIRST_CARRIED, GROUPS, PATCH, VIEW, Given, Seen, patch, unpatch
from model.planes import from_rgb

__all__ = ["Frame", "Inputs", "Models", "PromptRefused", "Start", "World", "load_models"]

STEPS = 2
FIRST_STEPS = 16
KEY_EVERY = 8  # frames after which the keyframe is renewed
LOOK_LIMIT = control.LOOK_LIMIT


class PromptRefused(ValueError):
    """A prompt or template cannot be obeyed; the message is for people."""


@dataclass(frozen=True)
class Inputs:
    """What a person does during one frame: held buttons as a bitmap in the vocabulary's order, look deltas in radians
    (right and up positive), and the microphone's 1000 samples at 24 kHz, in [-1, 1]."""

    buttons: int = 0
    look_x: float = 0.0
    look_y: float = 0.0
    pcm: NDArray[np.float32] | None = None


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

    latents: Tensor  # [1, 16, 18, 32]
    given: Given
    seen: Seen
    known: Known
    key: Known
    key_index: int


@dataclass
class _Prompt:
    tokens: Tensor  # [1, 8, D]
    since: int = 0  # frames


class World:
    """A world from a prompt and a seed, or from a template's picture. Raises PromptRefused."""

    def __init__(self, models: Models, seed: int, prompt: str = "", template: str = ""):
        self.models = models
        self.index = 0
        self._generator = torch.Generator().manual_seed(seed % 2**63)
        config = models.config
        slots = BLOCK - FIRST_CARRIED
        self._window = Window(config.time_layers, config.window, slots, config.heads, config.width // config.heads)
        self._past: _Past | None = None
        picture: Tensor | None = None
        if template:
            entry = find_template(template)
            prompt = prompt or str(entry["prompt"])
            picture = read_picture(WEIGHTS / str(entry["picture"]))
        self._prompt = self._hear(prompt or "a meadow on a clear day")
        self.state = self._beginning(self._prompt.tokens, seed, find_template(template) if template else None)
        self._picture = picture

    @classmethod
    def begin(cls, models: Models, seed: int, prompt: str, start: Start) -> World:
        """A world whose first frame is the start's picture. Raises PromptRefused."""
        world = cls(models, seed, prompt)
        known = start.state
        world._picture = start.planes
        world.state = replace(known, sky=known.sky.clone(), pose=list(known.pose), velocity=known.velocity.clone())
        return world

    def say(self, text: str) -> None:
        """The prompt in force from the next frame on. Raises PromptRefused; the world then goes on unchanged."""
        self._prompt = self._hear(text)

    @torch.inference_mode()
    def step(self, inputs: Inputs) -> Frame:
        """The next frame. Raises ValueError on inputs that are not finite."""
        begun = time.perf_counter()
        controls = self._controls(inputs)
        if self._past is not None:
            self._move(controls, self._past.seen)
        heard = self._audio(inputs)
        latents, given, seen = self._sample(controls, heard)
        sampled = time.perf_counter()
        planes, y, u, v = self.models.draw(latents)
        known = Known(planes, torch.tensor([self.state.pose]))
        old = self._past
        renew = old is None or self.index - old.key_index >= KEY_EVERY
        key, key_index = (known, self.index) if renew or old is None else (old.key, old.key_index)
        self._past = _Past(latents, given, seen, known, key, key_index)
        drawn = time.perf_counter()
        frame = Frame(
            self.index,
            y[0].numpy(),
            u[0].numpy(),
            v[0].numpy(),
            state=self.state.values(),
            audio=[round(float(x), 3) for x in heard[0, 0, 0, :2]]
            + [round(float(x), 3) for x in heard[0, 0, 1, : audio.BANDS]],
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
            with torch.inference_mode():
                features, mask = self.models.text.features([text])
                return _Prompt(self.models.omni.resample(features, mask), self.index)
        except TextTooLong as error:
            raise PromptRefused(str(error)) from error

    def _beginning(self, tokens: Tensor, seed: int, entry: dict[str, object] | None) -> state.WorldState:
        """The state that the prompt names; what it leaves open is drawn from the seed (and is day and clear mostly)."""
        if entry is not None:
            return state.beginning(str(entry["place"]), str(entry["time"]), str(entry["weather"]))
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
        return state.beginning(*names)

    def _controls(self, inputs: Inputs) -> Tensor:
        look = (inputs.look_x, inputs.look_y)
        if not all(np.isfinite(look)):
            raise ValueError(f"look deltas must be finite radians; got {look}")
        held = [float(inputs.buttons >> i & 1) for i in range(len(control.HELD))]
        return torch.tensor([*held, *(max(-LOOK_LIMIT, min(LOOK_LIMIT, float(x))) for x in look)])

    def _audio(self, inputs: Inputs) -> Tensor:
        if inputs.pcm is None:
            return torch.zeros(1, 1, 2, audio.WIDTH)
        return audio.features(torch.from_numpy(np.ascontiguousarray(inputs.pcm)))[None, None]

    def _move(self, controls: Tensor, seen: Seen) -> None:
        """State and pose of this frame: the sky by the last read-out, the body by the motion head, the look exactly."""
        now = self.state
        now.sky = state.advance(now.sky, state.snap(self.models.omni.drift(self._prompt.tokens, now.sky[None])[0]))
        x, y, z, yaw, pitch = now.pose
        new_yaw, new_pitch = control.look(yaw, pitch, controls)
        turn = new_yaw - yaw
        c, s = cos(turn), sin(turn)
        v = now.velocity
        turned = torch.stack([v[0] * c - v[2] * s, v[1], v[0] * s + v[2] * c])
        features = control.features(controls)
        velocity, contact = self.models.omni.move(seen.hidden[0, -1], features, turned, torch.tensor(now.ground))
        now.velocity, now.ground = velocity, float(contact > 0)
        right, up, ahead = (float(part) / 24 for part in velocity)
        c, s = cos(new_yaw), sin(new_yaw)
        now.pose = [x + right * c + ahead * s, y + up, z - right * s + ahead * c, new_yaw, new_pitch]

    # --- the frame ---------------------------------------------------------------------------

    def _given(self, controls: Tensor, heard: Tensor, view: Tensor) -> Given:
        age = torch.tensor([[(self.index - self._prompt.since) / 24]])
        told = control.features(controls)[None, None]
        none = torch.zeros(1, 1)
        return Given(
            self._prompt.tokens[:, None], age, heard, told, self.state.tokens()[None, None], view[:, None], none, none
        )

    def _noise(self) -> Tensor:
        return torch.randn(1, 1, GROUPS["video"], PATCH, generator=self._generator)

    def _sample(self, controls: Tensor, heard: Tensor) -> tuple[Tensor, Given, Seen]:
        """This frame's latents; the last frame is committed to the window within the first call."""
        past = self._past
        if past is None:
            if self._picture is not None:
                return self._from_picture(controls, heard, self._picture)
            given = self._given(controls, heard, torch.zeros(1, GROUPS["video"], VIEW))
            return self._denoise(given, FIRST_STEPS, None)
        pose = torch.tensor([self.state.pose])
        view = self.models.see(past.key, float(self.index - past.key_index), past.known, pose)
        return self._denoise(self._given(controls, heard, view), STEPS, past)

    def _denoise(self, given: Given, steps: int, past: _Past | None) -> tuple[Tensor, Given, Seen]:
        noisy = self._noise()
        seen: Seen | None = None
        for i, (tau, size) in enumerate(sampler.levels(steps)):
            here = given._replace(signal=torch.tensor([[tau]]), step=torch.tensor([[size]]))
            if i == 0 and past is not None:
                seen = self._commit_and(past, noisy, here)
            else:
                seen = self.models.omni(noisy, here, self._window.mask(1), self._window.pairs())
            noisy = sampler.move(noisy, seen.clean[:, -1:].float(), tau, steps)
        assert seen is not None
        return unpatch(noisy[:, 0]).clamp(-3, 3), given, seen

    def _commit_and(self, past: _Past, noisy: Tensor, here: Given) -> Seen:
        """One call over two frames: the last one, clean, for the window; this one, at its first level."""
        clean = sampler.with_noise(patch(past.latents)[:, None], self._noise(), sampler.CONTEXT_SIGNAL)
        level = torch.full((1, 1), sampler.CONTEXT_SIGNAL)
        before = past.given._replace(signal=level, step=1 - level)
        both = Given(*(torch.cat(pair, 1) for pair in zip(before, here, strict=True)))
        seen: Seen = self.models.omni(torch.cat([clean, noisy], 1), both, self._window.mask(2), self._window.pairs())
        self._window.commit(seen.kept, 0)
        return seen

    def _from_picture(self, controls: Tensor, heard: Tensor, picture: Tensor) -> tuple[Tensor, Given, Seen]:
        """A picture enters as a frame: encoded, and read by the network for its state."""
        latents = self.models.tokenizer.encode(picture)
        given = self._given(controls, heard, torch.zeros(1, GROUPS["video"], VIEW))
        level = torch.full((1, 1), sampler.CONTEXT_SIGNAL)
        noisy = sampler.with_noise(patch(latents)[:, None], self._noise(), sampler.CONTEXT_SIGNAL)
        here = given._replace(signal=level, step=1 - level)
        return latents, given, self.models.omni(noisy, here, self._window.mask(1), self._window.pairs())


def find_template(name: str) -> dict[str, object]:
    """The template of that id. Raises PromptRefused naming those there are."""
    path = WEIGHTS / "templates.json"
    entries: list[dict[str, object]] = json.loads(path.read_text("utf-8")) if path.is_file() else []
    for entry in entries:
        if entry["id"] == name:
            return entry
    raise PromptRefused(f"expected a template of {', '.join(str(e['id']) for e in entries) or 'none'}; got {name!r}")


def read_picture(path: Path) -> Tensor:
    """A picture file as planes [1, 7, 144, 256], cropped to 16:9 around its middle and scaled; its depth code
    comes from the file beside it (.depth.png, 16 bit, 256 x 144). Raises PromptRefused on what is no picture."""
    try:
        with Image.open(path) as file:
            rgb = fit(file.convert("RGB"))
    except OSError as error:
        raise PromptRefused(f"expected a picture at {path.name}: {error}") from error
    beside = path.with_suffix(".depth.png")
    if not beside.is_file():
        raise PromptRefused(f"expected the depth of {path.name} beside it as {beside.name}, found no file")
    with Image.open(beside) as file:
        code = torch.from_numpy(np.asarray(file, np.float32) / 65535)
    planes = from_rgb(torch.from_numpy(rgb)[None])
    return torch.cat([planes[:, :6], 2 * code[None, None] - 1], 1)


def fit(image: Image.Image) -> NDArray[np.uint8]:
    """[288, 512, 3] around the picture's middle."""
    scale = max(512 / image.width, 288 / image.height)
    size = (max(512, round(image.width * scale)), max(288, round(image.height * scale)))
    left, top = (size[0] - 512) // 2, (size[1] - 288) // 2
    return np.array(image.resize(size, Image.Resampling.LANCZOS).crop((left, top, left + 512, top + 288)))
