"""Where Mundo's files lie: the one place that resolves web/, configs/, weights and the cache.
Knows no package of ours; everybody may import it."""

from __future__ import annotations

import json
import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "configs"
WEB = ROOT / "web"
WEIGHTS = ROOT / "model" / "weights"


def cache_dir() -> Path:
    """The untracked folder of runs, clips and downloads: $MUNDO_CACHE, or ~/.cache/mundo."""
    return Path(os.environ.get("MUNDO_CACHE") or Path.home() / ".cache" / "mundo")


def load_toml(path: str | Path) -> dict[str, Any]:
    """A TOML file by path, or by its name in configs/. Raises FileNotFoundError naming both places tried."""
    tried = [Path(path), CONFIGS / path]
    for candidate in tried:
        if candidate.is_file():
            return tomllib.loads(candidate.read_text("utf-8"))
    raise FileNotFoundError(f"no configuration at {' or '.join(map(str, tried))}")


@cache
def vocabulary() -> dict[str, Any]:
    """The names of places, times, weathers, buttons and so on: configs/vocabulary.json."""
    return dict(json.loads((CONFIGS / "vocabulary.json").read_text("utf-8")))
