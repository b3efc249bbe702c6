"""Templates: pictures with depth that a world may begin from, and any picture file read as one.
Knows files; nothing of networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from configs.paths import WEIGHTS
from model.planes import from_rgb


class PromptRefused(ValueError):
    """A prompt or template cannot be obeyed; the message is for people."""


def find_template(name: str) -> dict[str, object]:
    """The template of that id. Raises PromptRefused naming those there are."""
    path = WEIGHTS / "templates.json"
    entries: list[dict[str, object]] = json.loads(path.read_text("utf-8")) if path.is_file() else []
    for entry in entries:
        if entry["id"] == name:
            return entry
    raise PromptRefused(f"expected a template of {', '.join(str(e['id']) for e in entries) or 'none'}; got {name!r}")


def read_picture(path: Path) -> Tensor:
    """A picture file as planes [1, 7, 144, 256], cropped to 16:9 around its middle and scaled; its depth code
    comes from the file beside it (.depth.png, 16 bit, 256 x 144). Raises PromptRefused on what is no picture."""
    try:
        with Image.open(path) as file:
            rgb = fit(file.convert("RGB"))
    except OSError as error:
        raise PromptRefused(f"expected a picture at {path.name}: {error}") from error
    beside = path.with_suffix(".depth.png")
    if not beside.is_file():
        raise PromptRefused(f"expected the depth of {path.name} beside it as {beside.name}, found no file")
    with Image.open(beside) as file:
        code = torch.from_numpy(np.asarray(file, np.float32) / 65535)
    planes = from_rgb(torch.from_numpy(rgb)[None])
    return torch.cat([planes[:, :6], 2 * code[None, None] - 1], 1)


def fit(image: Image.Image) -> NDArray[np.uint8]:
    """[288, 512, 3] around the picture's middle."""
    scale = max(512 / image.width, 288 / image.height)
    size = (max(512, round(image.width * scale)), max(288, round(image.height * scale)))
    left, top = (size[0] - 512) // 2, (size[1] - 288) // 2
    return np.array(image.resize(size, Image.Resampling.LANCZOS).crop((left, top, left + 512, top + 288)))
