"""Draws the start pictures of the templates, with their depth: `python -m model.worlds.postcards --out model/weights`.
Run when the worlds change; a served process reads the files and never imports the simulator."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from configs.paths import WEIGHTS
from model.conditioning.state import TYPICAL_TIME, TYPICAL_WEATHER
from model.planes import pack, to_rgb
from model.worlds.clips import start
from model.worlds.renderer import Renderer, View
from model.worlds.terrain import bake


@dataclass(frozen=True)
class Postcard:
    """Where the camera stands is the first free place of the seed; `yaw` turns it where the light is."""

    id: str
    english: str
    portuguese: str
    prompt: str
    place: str
    time: str
    weather: str
    seed: int
    yaw: float | None = None


POSTCARDS = (
    Postcard(
        "meadow", "A meadow in the morning", "Um prado de manhã", "a green meadow on a clear day",
        "meadow", "day", "clear", 224,
    ),
    Postcard(
        "dunes", "Dunes at dusk", "Dunas ao anoitecer", "a desert at dusk, the sky is clear",
        "desert", "dusk", "clear", 217, -1.3,
    ),
    Postcard(
        "summit", "First light on the mountains", "Primeira luz nas montanhas", "mountains at dawn under a clear sky",
        "mountains", "dawn", "clear", 206,
    ),
    Postcard(
        "shore", "Along the shore", "À beira-mar", "the coast on a clear day",
        "coast", "day", "clear", 207,
    ),
    Postcard(
        "winter", "Winter by the lake", "Inverno junto ao lago", "a meadow in the snow by day",
        "meadow", "day", "snow", 216,
    ),
    Postcard(
        "stars", "Under the stars", "Sob as estrelas", "the coast at night, the sky is clear",
        "coast", "night", "clear", 219,
    ),
    Postcard(
        "pines", "Pines in the fog", "Pinheiros na neblina", "mountains in the fog by day",
        "mountains", "day", "fog", 218,
    ),
    Postcard(
        "rain", "Rain over the meadow", "Chuva sobre o prado", "a meadow in the rain by day",
        "meadow", "day", "rain", 200,
    ),
)  # fmt: skip


def draw(card: Postcard, renderer: Renderer, folder: Path) -> float:
    """Writes <id>.png (512 x 288 RGB) and <id>.depth.png (256 x 144, 16 bit depth code). Nothing falls in it, and its
    sky has no stars: what a first picture shows stays where it is, and the engine lays both over it. Returns the yaw in
    radians that it was seen at, since it says where the sun stands."""
    terrain = bake(card.place, card.seed)
    renderer.enter(terrain)
    at = start(terrain, np.random.default_rng(card.seed))
    yaw = at.yaw if card.yaw is None else card.yaw
    cloud, fog, _, _, cover = TYPICAL_WEATHER[card.weather]
    view = View(at.x, at.y, at.z, yaw, 0.02, TYPICAL_TIME[card.time], cloud, fog, cover=cover, clock=3.0, specks=False)
    picture = renderer.draw(view)
    y, u, v, depth = (torch.from_numpy(part)[None] for part in (picture.y, picture.u, picture.v, picture.depth))
    planes = pack(y, u, v, depth)
    Image.fromarray(to_rgb(planes)[0].numpy()).save(folder / f"{card.id}.png", optimize=True)
    Image.fromarray(picture.depth).save(folder / f"{card.id}.depth.png", optimize=True)
    return yaw


def main() -> None:
    """Draw all and write the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    out: Path = parser.parse_args().out
    folder = out / "templates"
    folder.mkdir(parents=True, exist_ok=True)
    renderer = Renderer()
    entries = []
    for card in POSTCARDS:
        yaw = draw(card, renderer, folder)
        title = {"en": card.english, "pt": card.portuguese}
        state = {"place": card.place, "time": card.time, "weather": card.weather, "yaw": round(yaw, 4)}
        entries.append(
            {"id": card.id, "title": title, "prompt": card.prompt, "picture": f"templates/{card.id}.png"} | state
        )
    (out / "templates.json").write_text(json.dumps(entries, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
