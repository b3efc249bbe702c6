"""A clip without a browser: one world, a script of controls, an mp4, and the sha256 of what would be streamed.
Knows no clock: frame n is n/24 s, however long it takes."""

from __future__ import annotations

import engine.openmp  # noqa: F401  before anything that loads torch

# isort: split
import argparse
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from configs.paths import WEIGHTS
from engine.codec import Crop, Plane, fill
from engine.enlarging import Enlarger
from engine.messages import FRAME_RATE, RUNGS
from engine.rungs import LOWEST, Rung, rung_named
from engine.script import ControlsError, Event, controls_at, read
from engine.steppable import Steppable
from engine.threads import use_threads
from engine.world import Frame, Inputs, PromptRefused, World, load_models
from model.checkpoint import CheckpointError

Planes = tuple[Plane, Plane, Plane]
Progress = Callable[[int, int], None]  # frames done, frames in all


class RenderError(Exception):
    """What was asked for cannot be rendered; the message is for people."""


def rollout(world: Steppable, events: list[Event], frames: int) -> Iterator[Frame]:
    """The frames of a world that is treated as the script says."""
    for index in range(frames):
        now = controls_at(events, index)
        for text in now.say:
            world.say(text)
        yield world.step(Inputs(now.buttons, now.look_x, now.look_y))


def picture(planes: Planes) -> av.VideoFrame:
    """Streamed planes as a yuv420p frame."""
    rows, columns = planes[0].shape
    frame = av.VideoFrame(columns, rows, "yuv420p")
    fill(frame, planes)
    return frame


class Clip:
    """An mp4 for people to keep: better quality than a stream, written beside its place and renamed when whole."""

    def __init__(self, path: Path, width: int, height: int) -> None:
        self._path, self._partial = path, path.with_name(f".{path.name}.{os.getpid()}.partial")
        self._container = av.open(str(self._partial), "w", format="mp4", options={"movflags": "faststart"})
        stream = self._container.add_stream("libx264", rate=FRAME_RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "medium", "crf": "18"}
        stream.colorspace = stream.color_primaries = stream.color_trc = 1
        stream.color_range = 1
        self._stream = stream

    def add(self, planes: Planes, index: int) -> None:
        """Append one frame."""
        frame = picture(planes)
        frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE)
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Flush, and put the file in its place."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        os.replace(self._partial, self._path)

    def discard(self) -> None:
        """Leave nothing behind."""
        self._container.close()
        self._partial.unlink(missing_ok=True)


def write_strip(path: Path, pictures: list[Planes]) -> None:
    """A PNG of the pictures side by side."""
    rgb = np.concatenate([picture(planes).to_ndarray(format="rgb24") for planes in pictures], axis=1)
    encoder = av.CodecContext.create("png", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = rgb.shape[1], rgb.shape[0], "rgb24"
    encoder.time_base = Fraction(1, FRAME_RATE)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    path.write_bytes(b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)]))


class Enlarged:
    """A world whose frames are drawn at a rung of the ladder."""

    def __init__(self, world: Steppable, enlarger: Enlarger, rung: Rung) -> None:
        self._world, self._enlarger, self._rung = world, enlarger, rung
        self.say = world.say

    def step(self, inputs: Inputs) -> Frame:
        """The next frame, as large as the rung."""
        frame = self._world.step(inputs)
        y, u, v = self._enlarger.planes(frame, self._rung)
        return replace(frame, y=y, u=u, v=v)


def render(
    world: Steppable, events: list[Event], seconds: float, out: Path, stills_at_s: list[float], progress: Progress
) -> tuple[str, list[Planes]]:
    """Write the clip. Returns the sha256 over the streamed planes (y, u, v of each frame in turn) and the stills."""
    frames = round(seconds * FRAME_RATE)
    wanted = [min(round(at_s * FRAME_RATE), frames - 1) for at_s in stills_at_s]
    stills: dict[int, Planes] = {}
    digest, clip = hashlib.sha256(), None
    try:
        for index, frame in enumerate(rollout(world, events, frames)):
            crop = Crop.of(frame.y.shape[1], frame.y.shape[0])
            clip = clip or Clip(out, crop.width, crop.height)
            planes = crop.planes(frame.y, frame.u, frame.v)
            for plane in planes:
                digest.update(np.ascontiguousarray(plane).data)
            if index in wanted:
                stills[index] = (planes[0].copy(), planes[1].copy(), planes[2].copy())
            clip.add(planes, index)
            progress(index + 1, frames)
    except BaseException:
        if clip:
            clip.discard()
        raise
    assert clip
    clip.finish()
    return digest.hexdigest(), [stills[index] for index in wanted]


def say_progress(done: int, frames: int) -> None:
    """A line a minute of clip, on standard error: the last line of standard output is the sum."""
    if done % (60 * FRAME_RATE) == 0 or done == frames:
        print(f"{done} of {frames} frames", file=sys.stderr, flush=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line, checked before a network is loaded. Raises RenderError."""
    parser = argparse.ArgumentParser(prog="mundo render", description="Render a clip without a browser.")
    parser.add_argument("--prompt", default="", help="what the world is, in words")
    parser.add_argument("--template", default="", help="begin from this template's picture")
    parser.add_argument("--controls", type=Path, help="JSON list or lines of {at, buttons, look, say}")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="the mp4 to write")
    parser.add_argument("--strip", type=Path, help="a PNG of stills side by side")
    parser.add_argument("--at", default="0", help="seconds of the stills, comma-separated")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--threads", type=int, default=0, help="torch threads; 0: all cores")
    parser.add_argument("--rung", choices=RUNGS, default=LOWEST.name, help="of the ladder, by the lines of the clip")
    options = parser.parse_args(arguments)
    if not options.seconds * FRAME_RATE >= 1:
        raise RenderError(f"--seconds is at least one frame (1/{FRAME_RATE}), not {options.seconds}")
    for path in (options.out, options.strip):
        if path and not path.resolve().parent.is_dir():
            raise RenderError(f"{path}: there is no folder {path.resolve().parent}")
    try:
        options.at = [float(at) for at in options.at.split(",")] if options.strip else []
    except ValueError as error:
        raise RenderError(f"--at is seconds separated by commas, not {options.at!r}") from error
    if any(not 0 <= at <= options.seconds for at in options.at):
        raise RenderError(f"--at lies within 0..{options.seconds} s, not {', '.join(map(str, options.at))}")
    return options


def main(arguments: list[str]) -> int:
    """`mundo render`: see --help. Prints the sum as its last line; 2 and one line of reason when it cannot."""
    try:
        options = parse(arguments)
        events = read(options.controls) if options.controls else []
        use_threads(options.threads)
        world = World(load_models(options.weights), options.seed, options.prompt, options.template)
        seen = Enlarged(world, Enlarger.load(options.weights), rung_named(options.rung))
        sha256, stills = render(seen, events, options.seconds, options.out, options.at, say_progress)
        if options.strip:
            write_strip(options.strip, stills)
    except (RenderError, ControlsError, CheckpointError, PromptRefused, OSError) as error:
        print(f"mundo render: {error}", file=sys.stderr)
        return 2
    print(sha256)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
