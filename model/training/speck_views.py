"""Views that the simulator draws twice, with drops, flakes and stars and without, and pieces of them.
Knows worlds, skies and where pixels look; refuses to know networks."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model import checkpoint
from model.camera import rays
from model.conditioning import state
from model.planes import AFAR_CODE, HEIGHT, WIDTH
from model.specks import KINDS, STARS, STARS_FROM_RAD, SpecksConfig, directions
from model.worlds.clips import CLIPS_A_WORLD, held_out, start
from model.worlds.renderer import Renderer, View
from model.worlds.terrain import PLACES, bake
from model.worlds.weather import TIMES, Sky, settled

HOURS = (*TIMES, "")  # in the last one the sun stands anywhere: as it sets and rises it passes where no time rests
VIEWS = len(KINDS) * len(HOURS)  # of a world
PAIRED = "specks-views"  # of a file of views


@dataclass(frozen=True)
class Views:
    """Views of worlds [N]: y with specks and without [N, H, W] each, u and v so [N, 2, H/2, W/2], all uint8; lights
    [N, 7], numbers of KINDS [N], pitches [N], and of how many rows from the top on such specks are seen [N]."""

    wet: Tensor
    dry: Tensor
    wet_uv: Tensor
    dry_uv: Tensor
    light: Tensor
    kind: Tensor
    pitch: Tensor
    rows: Tensor

    def __len__(self) -> int:
        return len(self.kind)


def drawn(seed: int, renderer: Renderer) -> dict[str, Tensor]:
    """VIEWS views of the world of a seed, under rain and snow at all times of the day and under stars, as rows of
    Views."""
    rng = np.random.default_rng([seed, 5])
    terrain = bake(PLACES[seed % len(PLACES)], seed)
    renderer.enter(terrain)
    rows: list[list[Tensor]] = []
    while len(rows) < VIEWS:
        kind, hour = len(rows) % len(KINDS), HOURS[len(rows) // len(KINDS) % len(HOURS)]
        at, clock = start(terrain, rng), float(rng.uniform(0, 60))
        sky, pitch, seen = _wet(hour, KINDS[kind], rng) if kind != STARS else _night(rng), at.pitch, HEIGHT
        if kind == STARS:
            pitch = float(rng.uniform(0.2, 0.5))
        view = View(at.x, at.y, at.z, at.yaw, pitch, **asdict(sky), clock=clock)
        looks = [renderer.draw(replace(view, specks=specks)) for specks in (True, False)]
        if kind == STARS:
            seen = _open_rows(looks[0].depth, pitch)
            if seen < HEIGHT // 4:
                continue
        wet, dry = (torch.from_numpy(look.y) for look in looks)
        wet_uv, dry_uv = (torch.from_numpy(np.stack([look.u, look.v])) for look in looks)
        light = state.light(torch.tensor(astuple(sky)))
        rows.append([wet, dry, wet_uv, dry_uv, light, *map(torch.tensor, (kind, pitch, seen))])
    names = [field.name for field in fields(Views)]
    return dict(zip(names, (torch.stack(parts) for parts in zip(*rows, strict=True)), strict=True))


def _wet(hour: str, weather: str, rng: np.random.Generator) -> Sky:
    """A sky of one of HOURS with rain or snow."""
    if hour:
        return settled(hour, weather, rng)
    return replace(settled("day", weather, rng), tod=float(rng.uniform()))


def _night(rng: np.random.Generator) -> Sky:
    """A sky with stars, or with fewer or none of them: in twilight, by day, behind clouds."""
    clear = settled("night", "clear", rng)
    if rng.uniform() < 0.5:
        return clear
    return replace(clear, tod=float(rng.uniform()), cloud=float(rng.uniform(0.1, 1.0)))


def _open_rows(depth: NDArray[np.uint16], pitch: float) -> int:
    """Rows of luma from the top on that show nothing but high sky."""
    high = directions(rays(HEIGHT, WIDTH), pitch)[1] > STARS_FROM_RAD
    far = torch.from_numpy(depth.astype(np.int32)) < AFAR_CODE * 65535
    covered = ~(high[::2, ::2] & far).all(1)
    return 2 * int(covered.nonzero()[0, 0]) if covered.any() else HEIGHT


def views_of(count: int, path: Path, held: bool = False) -> Views:
    """So many views at least, of worlds that are trained on or `held` out, out of the file or drawn and kept there."""
    if not path.exists():
        renderer, seed = Renderer(), 0
        worlds: list[dict[str, Tensor]] = []
        while len(worlds) * VIEWS < count:
            if held_out(seed * CLIPS_A_WORLD) == held:
                worlds.append(drawn(seed, renderer))
            seed += 1
        parts = {name: torch.cat([world[name] for world in worlds]) for name in worlds[0]}
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.save(path, parts, SpecksConfig(), PAIRED, {"views": len(parts["kind"])})
    return Views(**checkpoint.load(path, PAIRED)[1])


@dataclass(frozen=True)
class Crops:
    """Pieces of views: planes' luma with specks and without [B, c, c], colours so [B, 2, c/2, c/2]; where their pixels
    look [B, 2, c, c]; lights, and numbers of KINDS."""

    wet: Tensor
    dry: Tensor
    wet_uv: Tensor
    dry_uv: Tensor
    looks: Tensor
    light: Tensor
    kind: Tensor


def crops(views: Views, count: int, side: int, rng: np.random.Generator) -> Crops:
    """So many pieces, each of any view."""
    which = torch.from_numpy(rng.integers(len(views), size=count))
    tops = (views.rows[which] - side).clamp_min(2) // 2
    corners = [(int(2 * rng.integers(top)), int(2 * rng.integers((WIDTH - side) // 2))) for top in tops.tolist()]

    def pieces(of: Tensor, scale: int = 1) -> Tensor:
        part = side // scale
        cut = [
            of[n, ..., t // scale :, s // scale :][..., :part, :part] for n, (t, s) in zip(which, corners, strict=True)
        ]
        return torch.stack(cut).float()

    looks = [
        directions(rays(HEIGHT, WIDTH), float(views.pitch[n]))[:, t : t + side, s : s + side]
        for n, (t, s) in zip(which, corners, strict=True)
    ]
    wet, dry = ((pieces(part) - 16) * (2 / 219) - 1 for part in (views.wet, views.dry))
    wet_uv, dry_uv = ((pieces(part, 2) - 128) * (1 / 112) for part in (views.wet_uv, views.dry_uv))
    return Crops(wet, dry, wet_uv, dry_uv, torch.stack(looks), views.light[which], views.kind[which])
