"""A shot as numbers: what its programs are told, and the plants, solids and sparks that they draw, seen from the eye.
Knows names in GLSL and how far something is drawn; refuses to know of OpenGL."""

from __future__ import annotations

from math import cos, hypot, pi, sin

import numpy as np
from numpy.typing import NDArray

from model.worlds.lands import Land
from model.worlds.renderer import MAX_PLANTS, REACH_M
from model.worlds.shots import Frame, Shot
from model.worlds.solids import Rows
from model.worlds.terrain import KINDS, TILE_M

BEAM = 4  # pixels that one ray of the beam pass is for
BRISK = 0.45  # least share of a height to step: behind a cliff that was stepped into the march goes back to its face
SLIGHT = 0.01  # of snow and lightning: so little is not drawn
FULL_DAY = 0.23  # the sun's height from which on nothing of the night is in the sky, see daylight() in wide_sky.glsl
TOLD = ("tod", "cloud", "fog", "rain", "snow", "cover", "storm", "aurora", "rainbow", "pulse")  # of Heaven, as it is
MAX_SOLIDS, MAX_SPARKS, MAX_CASTERS, MAX_FIRES = 4096, 4096, 24, 2


def _eye(shot: Shot) -> NDArray[np.float64]:
    return np.array([shot.camera.x, shot.camera.y, shot.camera.z])


def values(land: Land, shot: Shot, frame: Frame) -> dict[str, object]:
    """The uniforms of all programs."""
    camera, heaven = shot.camera, shot.heaven
    values: dict[str, object] = {name: getattr(heaven, name) for name in TOLD}
    values |= {"eye": (camera.x, camera.y, camera.z), "gaze": tuple(camera.gaze.T.reshape(-1).tolist())}
    values |= {"window": (float(frame.left), float(frame.low), *map(float, frame.whole)), "span": camera.span}
    values |= {"size": (frame.width, frame.height), "beam_size": (frame.width // BEAM, frame.height // BEAM)}
    careful = 1 / (1 + land.steepest * land.steepest) ** 0.5
    values |= {"top_m": land.top_m + 0.5, "careful": careful, "brisk": max(careful, BRISK)}
    values |= {"clock": shot.clock, "bolt": (heaven.bolt_azimuth, 0.6 * heaven.bolt, heaven.bolt_seed, heaven.bolt)}
    dark = min(max(0.45 - 2.2 * sin(2 * pi * heaven.tod) + 0.35 * heaven.storm, 0.0), 1.0)
    values |= {"night_lights": dark, "burst": shot.lights.burst, "lamp_on": float(shot.lights.lamp is not None)}
    x, y, z, turn = shot.lights.lamp or (0.0, 0.0, 0.0, 0.0)
    values["lamp"] = (x - camera.x, y - camera.y, z - camera.z, turn)
    near = shot.casters[:MAX_CASTERS]
    return values | {
        "caster": _from_eye(near, shot, MAX_CASTERS),
        "casters": len(near),
        "fire": _from_eye(shot.lights.fires, shot, MAX_FIRES),
    }


def _from_eye(rows: Rows, shot: Shot, most: int) -> list[tuple[float, ...]]:
    """Points with a fourth number, relative to the eye; noughts up to the most that there can be."""
    camera = shot.camera
    seen: list[tuple[float, ...]] = [
        (x - camera.x, y - camera.y, z - camera.z, more) for x, y, z, more in rows.tolist()
    ]
    return seen + [(0.0, 0.0, 0.0, 0.0)] * (most - len(seen))


def shown(shot: Shot) -> dict[str, bool]:
    """What a scene's program needs to draw: a software rasterizer spends its time on all that it has, shown or not."""
    heaven, lights = shot.heaven, shot.lights
    around = cos(2 * pi * heaven.tod), 0.9 * sin(2 * pi * heaven.tod), 0.42
    return {
        "WET": max(heaven.rain, heaven.storm) > 0,
        "SNOWING": heaven.snow > SLIGHT,
        "COVERED": heaven.cover > 0,
        "FIRES": len(lights.fires) > 0,
        "BOW": heaven.rainbow > 0,
        "BOLT": heaven.bolt >= SLIGHT,
        "NIGHT": around[1] < FULL_DAY * hypot(*around),
        "AURORA": heaven.aurora > 0,
        "LAMP": lights.lamp is not None,
    }


def plants(land: Land, shot: Shot) -> dict[int, Rows]:
    """Plants in reach and ahead by kind, nearest first: [N, 5] foot relative to the eye, height, turn."""
    at, size, kind, turn = land.plants
    if len(more := shot.saplings):
        at, size = np.concatenate([at, more[:, :3]]), np.concatenate([size, more[:, 3]])
        turn, kind = np.concatenate([turn, more[:, 4]]), np.concatenate([kind, more[:, 5]])
    way = at - _eye(shot)
    way[:, ::2] -= TILE_M * np.round(way[:, ::2] / TILE_M)
    x, y, z = way.T
    far = np.sqrt(x * x + y * y + z * z)
    keep = np.flatnonzero((far < REACH_M + 60) & (way @ shot.camera.gaze[:, 2] > -2 * size))
    keep = keep[np.argsort(far[keep])][:MAX_PLANTS]
    rows = np.empty((len(keep), 5), np.float32)
    rows[:, :3], rows[:, 3], rows[:, 4] = way[keep], size[keep], turn[keep]
    of_kind = kind[keep]
    found = {k: rows[of_kind == k] for k in KINDS}
    return {k: some for k, some in found.items() if len(some)}


def solids(standing: Rows, shot: Shot) -> Rows:
    """What stands on the land and what the shot adds to it, in reach and ahead, [N, 16]; what stands repeats."""
    for_ever = len(standing)
    if not for_ever + len(shot.solids):
        return shot.solids
    rows = np.concatenate([standing, shot.solids])
    way = rows[:, :3] - _eye(shot)
    way[:for_ever, ::2] -= TILE_M * np.round(way[:for_ever, ::2] / TILE_M)
    ahead = way @ shot.camera.gaze[:, 2]
    keep = np.flatnonzero((ahead > -rows[:, 13]) & (np.linalg.norm(way, axis=1) < 290))[:MAX_SOLIDS]
    rows = rows[keep]
    rows[:, :3] = way[keep]
    return rows


def sparks(shot: Shot) -> Rows:
    """[N, 8], as in Lights."""
    rows = shot.lights.sparks[:MAX_SPARKS].astype(np.float64)
    rows[:, :3] -= _eye(shot)
    return rows.astype(np.float32)
