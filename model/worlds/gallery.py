"""Contact sheets of the full worlds, to look at: `python -m model.worlds.gallery --out DIR [--only NAME] [--width W]`.
Knows what to put side by side; refuses to judge it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import pi
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from configs.paths import vocabulary
from model.worlds.cameras import ARM_M
from model.worlds.lands import Land, land
from model.worlds.music import loudness, piece
from model.worlds.opengl import NoRenderer
from model.worlds.painter import Painter
from model.worlds.profiles import profile
from model.worlds.scenery import Spot, spot
from model.worlds.shots import Camera, Frame, Heaven, Shot
from model.worlds.spectrograms import every_sound, spectrogram
from model.worlds.stage import ACTING, Stage, Wish
from model.worlds.terrain import TILE_M
from model.worlds.walker import Controls
from model.worlds.weather import settled

Pixels = NDArray[np.uint8]
LABEL = 14
COLUMNS = 4
SEED = 4
TIMES_OF = {"dawn": 0.022, "day": 0.14, "dusk": 0.472, "night": 0.72}
SKIES = {
    "clear": Heaven(cloud=0.3), "overcast": Heaven(cloud=0.92), "fog": Heaven(cloud=0.65, fog=0.9),
    "rain": Heaven(cloud=0.95, fog=0.1, rain=1.0), "snow": Heaven(cloud=0.95, fog=0.1, snow=1.0, cover=1.0),
    "storm": Heaven(cloud=1.0, fog=0.1, rain=1.0, storm=1.0, bolt=0.9, bolt_seed=0.3),
}  # fmt: skip
STRIP_S = {
    "balloons": (1, 3, 5, 7, 9),
    "tree": (1, 2.5, 4, 5.5, 7),
    "boulder": (0.5, 1, 2, 3, 4),
    "birds": (1, 2, 3, 4, 5),
    "music": (3.92, 4.0, 4.17, 4.5, 4.63),
}
USUAL_S = (0.5, 1.2, 2.0, 3.0, 4.5)


@dataclass(frozen=True)
class Strip:
    """One row of a sheet: who does what where, under which sky, filmed how, and whether to music."""

    title: str
    place: str = "meadow"
    time: str = "day"
    weather: str = "clear"
    subject: str = "explorer"
    action: str = "idle"
    event: str = "none"
    camera: str = "third"
    move: str = "none"
    look: str = "natural"
    music: bool = False


def labelled(picture: Pixels, text: str) -> Pixels:
    """The picture with its label below."""
    below = Image.new("RGB", (picture.shape[1], LABEL), (18, 18, 22))
    ImageDraw.Draw(below).text((4, 1), text, (225, 225, 220))
    return np.concatenate([picture, np.asarray(below)])


def still(painter: Painter, world: Land, at: Spot, heaven: Heaven, look: str = "natural") -> Pixels:
    """What somebody at a spot sees."""
    camera = Camera(at.x, world.height(at.x, at.z) + 1.8, at.z, at.yaw, 0.03)
    aimed = replace(heaven, bolt_azimuth=at.yaw + 0.25)
    return painter.paint(Shot(camera, aimed, 5.0, look)).rgb


def places(painter: Painter, times: tuple[str, ...], weathers: tuple[str, ...], looks: tuple[str, ...]) -> Pixels:
    """Every place by time, weather and look. Rows are places."""
    rows = []
    for place in vocabulary()["place"]:
        world = land(place, SEED)
        painter.enter(world)
        at, row = spot(world, np.random.default_rng(2)), []
        for time in times:
            for weather in weathers:
                for look in looks:
                    seen = "clear" if place == "moon" else weather
                    heaven = replace(SKIES[seen], tod=TIMES_OF[time])
                    name = " ".join(part for part in (place, time, seen, look) if part != "natural")
                    row.append(labelled(still(painter, world, at, heaven, look), name))
        rows.append(np.concatenate(row, 1))
    return np.concatenate(rows)


def strip(painter: Painter, row: Strip) -> Pixels:
    """Five moments of one strip."""
    world = land(row.place, SEED)
    painter.enter(world)
    stage, rng = Stage(world, row.subject, 3), np.random.default_rng(1)
    sky = settled(row.time, "clear" if row.weather == "aurora" else row.weather, rng)
    if row.event == "rainbow":
        sky = replace(sky, tod=0.08)
    wish = Wish(sky, aurora=float(row.weather == "aurora"), camera=row.camera, move=row.move, look=row.look,
                act=row.action if row.action in ACTING else "idle")  # fmt: skip
    stage.reset(_place_of(world, row), wish)
    controls = Controls(
        forward=row.action in ("walk", "run", "jump"), run=row.action == "run", jump=row.action == "jump"
    )
    moments = STRIP_S.get("music" if row.music else row.event, USUAL_S)
    last = int(moments[-1] * 24)
    pulses = loudness(piece(1, last + 1) if row.music else np.zeros(0, np.float32), last + 1)
    shown = []
    for frame in range(1, last + 1):
        asked = row.event if frame == 3 else "none"
        moment = stage.step(controls, replace(wish, event=asked, pulse=float(pulses[frame])))
        if frame in {int(s * 24) for s in moments}:
            loud = f", loudness {pulses[frame]:.2f}" if row.music else ""
            shown.append(labelled(painter.paint(moment.shot).rgb, f"{row.title}, {frame / 24:.1f} s{loud}"))
    return np.concatenate(shown, 1)


def _place_of(world: Land, row: Strip) -> Spot:
    rng = np.random.default_rng(2)
    if row.subject == "boat":
        while True:
            x, z = rng.uniform(0, TILE_M, 2)
            if max(world.height(x + a, z + b) for a in (-14, 0, 14) for b in (-14, 0, 14)) < -0.6:
                return Spot(float(x), float(z), 0.4)
    found = spot(world, rng)
    if row.event == "rainbow":
        return replace(found, yaw=float(np.arctan2(-np.cos(0.16 * pi), -0.42)))
    return found


def actions() -> Iterator[Strip]:
    """Every action of every subject."""
    for action in vocabulary()["action"]:
        yield Strip(
            f"explorer {action}", "desert", "day", action=action, camera="side" if action != "wave" else "orbit"
        )
    for action in ("walk", "run", "jump", "sit"):
        yield Strip(f"fox {action}", "meadow", "day", subject="fox", action=action, camera="side")
    yield Strip("boat", "coast", "dusk", subject="boat", camera="orbit")


def events() -> Iterator[Strip]:
    """Every event."""
    night = ("campfire", "fireworks", "lighthouse")
    for event in vocabulary()["event"]:
        if event != "none":
            place = "coast" if event == "lighthouse" else "mountains" if event == "boulder" else "meadow"
            action = "sit" if event == "campfire" else "idle"
            yield Strip(event, place, "night" if event in night else "day", event=event, action=action)
    yield Strip("aurora", "mountains", "night", "aurora", subject="fox", action="walk")
    yield Strip("aurora to music", "mountains", "night", "aurora", "none", camera="first", music=True)
    yield Strip("town to music", "town", "night", "clear", "none", camera="first", music=True)


def cameras() -> Iterator[Strip]:
    """Every camera and every move."""
    for camera in vocabulary()["camera"]:
        assert camera == "first" or camera in ARM_M
        yield Strip(f"camera {camera}", "canyon", action="walk", camera=camera)
    for move in vocabulary()["move"]:
        if move != "none":
            yield Strip(f"move {move}", "town", "dusk", action="idle", move=move)


def sounds(width: int) -> Pixels:
    """The spectrogram of every sound, COLUMNS side by side."""
    tiles = [labelled(spectrogram(pcm, (width, width * 3 // 8)), name) for name, pcm in every_sound()]
    blank = np.full_like(tiles[0], 18)
    tiles += [blank] * (-len(tiles) % COLUMNS)
    rows = [np.concatenate(tiles[k : k + COLUMNS], 1) for k in range(0, len(tiles), COLUMNS)]
    return np.concatenate(rows)


def sheets(painter: Painter) -> dict[str, Callable[[], Pixels]]:
    """All sheets by name."""
    known = vocabulary()
    times, weathers, looks = (tuple(known[kind]) for kind in ("time", "weather", "look"))
    rows = lambda strips: np.concatenate([strip(painter, row) for row in strips])  # noqa: E731
    made: dict[str, Callable[[], Pixels]] = {
        "times": lambda: places(painter, times, ("clear",), ("natural",)),
        "weathers": lambda: places(painter, ("day",), weathers, ("natural",)),
        "looks": lambda: places(painter, ("dusk",), ("clear",), looks),
        "actions": lambda: rows(actions()),
        "events": lambda: rows(events()),
        "cameras": lambda: rows(cameras()),
        "sounds": lambda: sounds(painter.frame.width),
    }
    for look in looks:
        made[f"all-{look}"] = lambda look=look: places(painter, times, weathers, (look,))  # type: ignore[misc]
    return made


def main(given: Sequence[str] | None = None) -> None:
    """Parse, paint and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", action="append", default=[], help="a sheet's name; may be given again")
    parser.add_argument("--width", type=int, default=profile("full").width, help="of one picture, in pixels")
    arguments = parser.parse_args(given)
    height = round(arguments.width * 9 / 16 / 16) * 16
    try:
        made = sheets(Painter(Frame(arguments.width, height)))
    except (NoRenderer, ValueError) as error:
        sys.exit(str(error))
    unknown = [name for name in arguments.only if name not in made]
    if unknown:
        parser.error(f"a sheet is one of {', '.join(made)}; got {', '.join(unknown)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.only or made:
        path = arguments.out / f"worlds-{name}.webp"
        Image.fromarray(made[name]()).save(path, quality=82, method=6)
        print(path, f"{path.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
