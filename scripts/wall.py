"""The living wall: a look to either side in each template, by `mundo render`, as a small film without a seam.
Knows what the wall wants; knows no network and no page. Its files are web/pictures/wall/ID.mp4.

    .venv/bin/python scripts/wall.py              # every template
    .venv/bin/python scripts/wall.py shore rain   # these
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from configs.paths import WEB, WEIGHTS
from engine.messages import FRAME_RATE

WALL = WEB / "pictures" / "wall"
MOST_BYTES = 100_000
LOOP_FRAMES = 4 * FRAME_RATE
OVERLAP_FRAMES = 18  # what the place looks like on its return melts into how it began
LOOK_RAD = 0.045  # how far: what it shows lies in the margin of the first picture, and nothing has to be invented
PEAK = 3 * math.sqrt(3) / 4  # of the curve that the look follows, a third and two thirds of the way
QUALITIES = range(16, 45, 2)  # x264's crf, best first
Pictures = np.ndarray[Any, np.dtype[np.uint8]]  # [N, rows * 3/2, columns], planar 4:2:0


def yaw_rad(frame: int, look_rad: float) -> float:
    """Where the look is at: it begins and ends each loop ahead and at rest, so that still and seam go unseen."""
    phase = 2 * math.pi * frame / LOOP_FRAMES
    return look_rad * (math.sin(phase) - math.sin(2 * phase) / 2) / PEAK


def controls(look_rad: float) -> list[dict[str, Any]]:
    """The look, frame by frame, in the words of a controls file (rad/s)."""
    frames = range(LOOP_FRAMES + OVERLAP_FRAMES)
    turns = [yaw_rad(frame + 1, look_rad) - yaw_rad(frame, look_rad) for frame in frames]
    return [{"at": frame / FRAME_RATE, "look": [turn * FRAME_RATE, 0.0]} for frame, turn in enumerate(turns)]


def rendered(template: str, seed: int, look_rad: float, folder: Path) -> Pictures:
    """One loop and what overlaps with it, as the weights show it."""
    script, clip = folder / "controls.json", folder / f"{template}.mp4"
    script.write_text(json.dumps(controls(look_rad)), "utf-8")
    seconds = (LOOP_FRAMES + OVERLAP_FRAMES) / FRAME_RATE
    subprocess.run(
        [Path(sys.executable).with_name("mundo"), "render", "--template", template, "--controls", script,
         "--seconds", str(seconds), "--seed", str(seed), "--out", clip],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    with av.open(str(clip)) as film:
        return np.stack([frame.to_ndarray(format="yuv420p") for frame in film.decode(video=0)])


def closed(pictures: Pictures) -> Pictures:
    """The loop: its first frames are those that follow its last one, and melt into those that the clip began with."""
    assert len(pictures) == LOOP_FRAMES + OVERLAP_FRAMES, f"expected a loop and its overlap, got {len(pictures)} frames"
    loop, after = pictures[:LOOP_FRAMES].copy(), pictures[LOOP_FRAMES:]
    began = (np.arange(OVERLAP_FRAMES, dtype=np.float32) / OVERLAP_FRAMES)[:, None, None]
    loop[:OVERLAP_FRAMES] = np.rint(after * (1 - began) + loop[:OVERLAP_FRAMES] * began).astype(np.uint8)
    return loop


def write(pictures: Pictures, path: Path, crf: int) -> int:
    """An mp4 in the codec that worlds are streamed in, for whoever can see a world. Returns its bytes."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as film:
        track = film.add_stream("libx264", rate=FRAME_RATE)
        track.width, track.height = pictures.shape[2], pictures.shape[1] * 2 // 3
        track.pix_fmt, track.options = "yuv420p", {"preset": "veryslow", "crf": str(crf)}
        track.colorspace = track.color_primaries = track.color_trc = 1
        track.color_range = 1
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE)
            film.mux(track.encode(frame))
        film.mux(track.encode(None))
    return path.stat().st_size


def fitted(pictures: Pictures, path: Path) -> int:
    """The best film that is small enough, in its place once it is whole. Returns its crf."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        for crf in QUALITIES:
            if write(pictures, partial, crf) <= MOST_BYTES:
                partial.replace(path)
                return crf
        raise SystemExit(f"{path.name}: more than {MOST_BYTES} bytes even at crf {QUALITIES[-1]}")
    finally:
        partial.unlink(missing_ok=True)


def psnr_db(one: Pictures, other: Pictures) -> float:
    """How alike two pictures are."""
    error = float(np.mean((one.astype(np.float32) - other) ** 2))
    return 10 * math.log10(255**2 / max(error, 1e-9))


def main() -> None:
    """See the head of this file."""
    known = [one["id"] for one in json.loads((WEIGHTS / "templates.json").read_text("utf-8"))]
    parser = argparse.ArgumentParser(description="Render the loops of the arrival's wall.")
    parser.add_argument("templates", nargs="*", metavar="TEMPLATE", help=f"of {', '.join(known)}; none: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--look", type=float, default=LOOK_RAD, metavar="RAD", help="how far to either side")
    parser.add_argument("--out", type=Path, default=WALL, help="the folder of the films")
    options = parser.parse_args()
    if unknown := set(options.templates) - set(known):
        parser.error(f"no template is called {', '.join(sorted(unknown))}")
    for template in options.templates or known:
        with tempfile.TemporaryDirectory() as folder:
            pictures = rendered(template, options.seed, options.look, Path(folder))
        path = options.out / f"{template}.mp4"
        crf = fitted(closed(pictures), path)
        home = psnr_db(pictures[LOOP_FRAMES], pictures[0])
        size = path.stat().st_size
        print(f"{path.name}: {size} bytes at crf {crf}; after 4 s {home:.1f} dB like its beginning", flush=True)


if __name__ == "__main__":
    main()
