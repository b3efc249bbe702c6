"""Pictures of the page for web/docs: every state that people meet, at a desk, on a tablet and on a phone in Portuguese,
with the real gateway, model and browser. Knows the walk of the browser tests; judges nothing.

    .venv/bin/python scripts/gallery.py               # web/docs/page-*.webp and hero.webp, in some minutes
    .venv/bin/python scripts/gallery.py --shots DIR   # and keeps each picture by itself
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from functools import partial
from pathlib import Path

from PIL import Image

from configs.paths import WEB
from tests.browser.conftest import Walker, at_a_screen, browsing, serving
from tests.browser.walk import SCREENS, Walk, speech

HEIGHT, GAP = 720, 24
NIGHT = (7, 10, 20)
QUALITY = 62
DOCS = WEB / "docs"
HERO = "choose-desktop.png"


async def taken(folder: Path) -> list[str]:
    """Walk at every screen; FOLDER/STATE-SCREEN.png is what was seen. Returns the states."""
    states = []

    async def met(state: str, one: Walker) -> None:
        await one.page.wait_for_timeout(400)  # motion of less than 200 ms is over
        await one.page.screenshot(path=folder / f"{state}-{one.screen['name']}.png")
        states.append(state)
        print(f"{state}, {one.screen['name']}", flush=True)

    spoken = folder / "spoken.wav"
    speech(spoken)
    async with browsing(spoken) as browser:
        for screen in SCREENS:
            # A gateway of its own: what is kept and who was here is part of the picture.
            with tempfile.TemporaryDirectory() as data:
                async with serving(Path(data)) as served:
                    await Walk(partial(at_a_screen, browser, served), screen, met).whole()
    return list(dict.fromkeys(states))


def sheet(paths: list[Path]) -> Image.Image:
    """Side by side, all of one height."""
    pictures = [Image.open(path).convert("RGB") for path in paths]
    widths = [round(one.width * HEIGHT / one.height) for one in pictures]
    whole = Image.new("RGB", (sum(widths) + GAP * (len(widths) - 1), HEIGHT), NIGHT)
    left = 0
    for one, width in zip(pictures, widths, strict=True):
        whole.paste(one.resize((width, HEIGHT), Image.Resampling.LANCZOS), (left, 0))
        left += width + GAP
    return whole


def main() -> None:
    """See the head of this file."""
    parser = argparse.ArgumentParser(description="Photograph every state of the page.")
    parser.add_argument("--shots", type=Path, help="keep each picture by itself in this folder, as PNG")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shots = options.shots or Path(folder)
        shots.mkdir(parents=True, exist_ok=True)
        for state in asyncio.run(taken(shots)):
            whole = sheet([shots / f"{state}-{screen['name']}.png" for screen in SCREENS])
            whole.save(DOCS / f"page-{state}.webp", quality=QUALITY, method=6)
        Image.open(shots / HERO).convert("RGB").save(DOCS / "hero.webp", quality=80, method=6)


if __name__ == "__main__":
    main()
