"""The templates that worlds may begin from, as the weights' folder lists them.
Knows no network: a picture is a file that the page shows and that a worker encodes."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from configs.paths import WEB, WEIGHTS

WALL = WEB / "pictures" / "wall"


class Template(BaseModel):
    """One entry of templates.json. `picture` is a path below the weights' folder."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: dict[str, str]
    prompt: str = ""
    picture: str = ""


def load_templates(weights: Path = WEIGHTS) -> dict[str, Template]:
    """Templates by id. No file means none; a malformed one raises pydantic.ValidationError."""
    path = weights / "templates.json"
    if not path.is_file():
        return {}
    listed = TypeAdapter(list[Template]).validate_python(json.loads(path.read_text("utf-8")))
    return {template.id: template for template in listed}


def picture_of(template: Template, weights: Path = WEIGHTS) -> Path | None:
    """The template's picture, if it lies where pictures lie."""
    path = (weights / template.picture).resolve()
    return path if template.picture and path.is_file() and path.is_relative_to(weights.resolve()) else None


def loop_of(template: Template, wall: Path = WALL) -> Path | None:
    """The template's film of a few seconds, where `scripts/wall.py` made one."""
    path = (wall / f"{template.id}.mp4").resolve()
    return path if path.is_file() and path.parent == wall.resolve() else None
