"""A shot as numbers: what its programs are told, and the plants, solids and sparks that they draw, seen from the eye.
Knows names in GLSL and how far something is drawn; refuses to know of OpenGL."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.worlds.lands import Land
from model.worlds.renderer import MAX_PLANTS, REACH_M
from model.worlds.shots import Frame, Shot
from model.worlds.solids import Body, Rows
from model.worlds.terrain import KINDS, TILE_M

BEAM = 4  # pixels that one ray of the beam pass is for
BRISK = 0.45  # least share of a height to step: behind a cliff that was stepped into the march goes back to its face
SLIGHT = 0.01  # of snow and lightning: so little is not drawn
FULL_DAY = 0.23  # the sun's height from which on nothing of the night is in the sky, see daylight() in wide_sky.glsl
MAX_SOLIDS, MAX_SPARKS, MAX_CASTERS, MAX_FIRES = 4096, 4096, 24, 2


def _eye(shot: Shot) -> NDArray[np.float64]:
    return np.array([shot.camera.x, shot.camera.y, shot.camera.z])


def values(land: Land, shot: Shot, frame: Frame) -> dict[str, object]:
    """The uniforms of all programs."""
    camera, heaven, eye = shot.camera, shot.heaven, _eye(shot)
    values: dict[str, object] = {"eye": tuple(eye), "gaze": tuple(camera.gaze.T.reshape(-1))}
    values |= {"window": (float(frame.left), float(frame.low), *map(float, frame.whole)), "span": camera.span}
    values |= {"size": (frame.width, frame.height), "beam_size": (frame.width // BEAM, frame.height // BEAM)}
    careful = 1 / (1 + land.steepest * land.steepest) ** 0.5
    values |= {"top_m": land.top_m + 0.5, "careful": careful, "brisk": max(careful, BRISK)}
    for name in ("tod", "cloud", "fog", "rain", "snow", "cover", "storm", "aurora", "rainbow", "pulse"):
        values[name] = getattr(heaven, name)
    values |= {"clock": shot.clock, "bolt": (heaven.bolt_azimuth, 0.6 * heaven.bolt, heaven.bolt_seed, heaven.bolt)}
    dark = float(np.clip(0.45 - 2.2 * np.sin(2 * np.pi * heaven.tod) + 0.35 * heaven.storm, 0, 1))
    values |= {"night_lights": dark, "burst": shot.lights.burst, "lamp_on": float(shot.lights.lamp is not None)}
    lamp = shot.lights.lamp or (0.0, 0.0, 0.0, 0.0)
    values["lamp"] = (*(np.array(lamp[:3]) - eye), lamp[3])
    casters, fires = np.zeros((MAX_CASTERS, 4), np.float32), np.zeros((MAX_FIRES, 4), np.float32)
    near = shot.casters[:MAX_CASTERS]
    casters[: len(near)] = near - np.array([*eye, 0])
    fires[: len(shot.lights.fires)] = shot.lights.fires - np.array([*eye, 0])
    return values | {
        "caster": [tuple(row) for row in casters],
        "casters": len(near),
        "fire": [tuple(f) for f in fires],
    }


def shown(shot: Shot) -> dict[str, bool]:
    """What a scene's program needs to draw: a software rasterizer spends its time on all that it has, shown or not."""
    heaven, lights = shot.heaven, shot.lights
    around = np.cos(2 * np.pi * heaven.tod), 0.9 * np.sin(2 * np.pi * heaven.tod), 0.42
    return {
        "WET": max(heaven.rain, heaven.storm) > 0,
        "SNOWING": heaven.snow > SLIGHT,
        "COVERED": heaven.cover > 0,
        "FIRES": len(lights.fires) > 0,
        "BOW": heaven.rainbow > 0,
        "BOLT": heaven.bolt >= SLIGHT,
        "NIGHT": bool(around[1] < FULL_DAY * np.linalg.norm(around)),
        "AURORA": heaven.aurora > 0,
        "LAMP": lights.lamp is not None,
    }


def plants(land: Land, shot: Shot) -> dict[int, Rows]:
    """Plants in reach and ahead by kind, nearest first: [N, 5] foot relative to the eye, height, turn."""
    at, size, kind, turn = land.plants
    more = shot.saplings
    at, size = np.concatenate([at, more[:, :3]]), np.concatenate([size, more[:, 3]])
    turn, kind = np.concatenate([turn, more[:, 4]]), np.concatenate([kind, more[:, 5]])
    way = at - _eye(shot)
    way[:, (0, 2)] -= TILE_M * np.round(way[:, (0, 2)] / TILE_M)
    far = np.linalg.norm(way, axis=1)
    ahead = way @ shot.camera.gaze[:, 2]
    keep = np.flatnonzero((far < REACH_M + 60) & (ahead > -2 * size))
    keep = keep[np.argsort(far[keep])][:MAX_PLANTS]
    rows = np.column_stack([way[keep], size[keep], turn[keep]]).astype(np.float32)
    return {k: rows[kind[keep] == k] for k in KINDS if (kind[keep] == k).any()}


def solids(standing: Body, shot: Shot) -> Rows:
    """What stands on the land and what the shot adds to it, in reach and ahead, [N, 16]; what stands repeats."""
    rows = np.concatenate([standing.rows, shot.solids]).astype(np.float64)
    rows[:, :3] -= _eye(shot)
    rows[: len(standing.rows), (0, 2)] -= TILE_M * np.round(rows[: len(standing.rows), (0, 2)] / TILE_M)
    ahead = rows[:, :3] @ shot.camera.gaze[:, 2]
    rows = rows[(ahead > -rows[:, 13]) & (np.linalg.norm(rows[:, :3], axis=1) < 290)][:MAX_SOLIDS]
    return np.ascontiguousarray(rows, np.float32)


def sparks(shot: Shot) -> Rows:
    """[N, 8], as in Lights."""
    rows = shot.lights.sparks[:MAX_SPARKS].astype(np.float64)
    rows[:, :3] -= _eye(shot)
    return rows.astype(np.float32)
