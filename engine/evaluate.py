"""`mundo eval`: a living world under the measures of model/evaluation.
Knows how to begin and drive a world; nothing of how it is judged."""

from __future__ import annotations

import engine.openmp  # noqa: F401  before anything that loads torch

# isort: split
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path

import numpy as np
import torch

from configs.paths import WEIGHTS
from engine.listening import Listening, load_listening
from engine.messages import AUDIO_SAMPLES, FRAME_RATE
from engine.models import OMNI_FILE
from engine.threads import use_threads
from engine.world import Frame, Inputs, Models, PromptRefused, Start, World, load_models
from model import checkpoint
from model.checkpoint import CheckpointError
from model.conditioning.control import HELD
from model.conditioning.state import PLACES, WorldState
from model.evaluation import command
from model.evaluation.pictures import Picture
from model.evaluation.subjects import Act, Beginning, Scene, Sound
from model.evaluation.suite import APART
from model.omni import KIND
from model.planes import pack
from model.voice.espeak import EspeakMissing
from model.worlds.walker import EYE_M, Controls


class Omni:
    """A world of the given networks, as a subject: it begins from a picture and a state, or from words alone."""

    invents = True

    def __init__(self, models: Models, listening: Listening | None = None):
        self.name, self._models, self._listening = models.name, models, listening
        self._world: World | None = None

    def reset(self, beginning: Beginning) -> Picture:
        scene, seed = beginning.scene, beginning.scene.world
        if beginning.picture is None or beginning.depth is None:
            self._world = World(self._models, seed, scene.prompt)
        else:
            picture = beginning.picture
            planes = pack(*(p[None] for p in (picture.y, picture.u, picture.v, beginning.depth)))
            self._world = World.begin(self._models, seed, scene.prompt, Start(planes, state_of(scene)))
        return picture_of(self._world.step(Inputs()))

    def step(self, act: Act, look: bool = True) -> Picture:
        if self._world is None:
            raise RuntimeError("reset() a world before its first step()")
        if act.say is not None and act.say.spoken is not None:
            self._hear(act.say.spoken, self._world)
        elif act.say is not None:
            self._world.say(act.say.text)
        return picture_of(self._world.step(inputs_of(act.controls)))

    def _hear(self, sound: Sound, world: World) -> None:
        """What somebody has just said to it, as through a microphone: obeyed where it is understood surely enough."""
        if self._listening is None:
            raise command.EvaluationError("expected the weights of a voice encoder; there are none")
        ear, seconds = self._listening.ear(), np.arange(len(sound) * 3 // 2) / 24_000
        pcm = np.interp(seconds, np.arange(len(sound)) / 16_000, sound).astype(np.float32)
        silence = np.zeros(AUDIO_SAMPLES * FRAME_RATE - len(pcm) % AUDIO_SAMPLES, np.float32)
        for frame in np.concatenate([pcm, silence]).reshape(-1, AUDIO_SAMPLES):
            utterance = ear.hear(frame)
            said = None if utterance is None else self._listening.interpreter.understand(utterance)
            if said is not None and said.obeyed:
                world.obey(said.meaning, said.words)

    @torch.inference_mode()
    def reconstruct(self, planes: torch.Tensor) -> torch.Tensor:
        """Planes [1, 7, 144, 256] through the networks' own tokenizer."""
        tokenizer = self._models.tokenizer
        return tokenizer.decode(tokenizer.encode(planes.contiguous())).clamp(-1, 1)


def state_of(scene: Scene) -> WorldState:
    """What is true of a scene, with its place as the origin."""
    walk = scene.walk
    c, s = np.cos(walk.yaw), np.sin(walk.yaw)
    return WorldState(
        PLACES.index(scene.place),
        torch.tensor(astuple(scene.sky)),
        [0.0, EYE_M, 0.0, walk.yaw, walk.pitch],
        torch.tensor([walk.vx * c - walk.vz * s, walk.vy, walk.vx * s + walk.vz * c], dtype=torch.float32),
        float(walk.ground),
    )


def inputs_of(controls: Controls) -> Inputs:
    """The same hands as the page would send them."""
    buttons = sum(1 << bit for bit, name in enumerate(HELD) if getattr(controls, name))
    return Inputs(buttons, controls.look_x, controls.look_y)


def picture_of(frame: Frame) -> Picture:
    """Its planes, and nothing else: judges see only pixels."""
    return Picture(*(torch.from_numpy(plane) for plane in (frame.y, frame.u, frame.v)))


@contextmanager
def folder_of(weights: Path) -> Iterator[Path]:
    """The folder of the weights; a single file stands for the dynamics' among the bundled ones."""
    if not weights.is_file():
        yield weights
        return
    checkpoint.load(weights, KIND)  # so that an error names this file
    with tempfile.TemporaryDirectory() as name:
        for bundled in WEIGHTS.iterdir():
            (Path(name) / bundled.name).symlink_to(weights.resolve() if bundled.name == OMNI_FILE else bundled)
        yield Path(name)


def main(arguments: list[str]) -> int:
    """See --help. 0; 1 when --compare finds the second worse; 2 and one line of reason when it cannot."""
    try:
        options = command.parse(arguments)
        if options.compare:
            return command.compare(*options.compare)
        use_threads(options.threads)
        if options.suite in APART:
            return command.listen(options)
        with folder_of(options.weights) as options.weights:
            omni = Omni(load_models(options.weights), load_listening(options.weights))
            return command.evaluate(options, omni, omni.reconstruct)
    except (command.EvaluationError, CheckpointError, EspeakMissing, PromptRefused, OSError) as error:
        print(f"mundo eval: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
