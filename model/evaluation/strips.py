"""Film strips: a few frames of a case as one small picture, what was shown above what is true, as a data URI.
Knows pictures and JPEG; nothing of metrics."""

from __future__ import annotations

import base64
import io

import numpy as np
import torch
from PIL import Image, ImageDraw

from model.evaluation.episodes import Shots
from model.evaluation.pictures import rgb

THUMB = (192, 108)
QUALITY = 72


def strip(shown: Shots, true: Shots) -> str:
    """Two rows of thumbnails, with the frame's number on each, as a JPEG data URI."""
    rows = []
    for shots in (shown, true):
        thumbs = []
        for frame in sorted(shots):
            picture = shots[frame]
            pixels = rgb(picture.y[None], picture.u[None], picture.v[None])[0].permute(1, 2, 0).round().to(torch.uint8)
            image = Image.fromarray(pixels.numpy()).resize(THUMB, Image.Resampling.LANCZOS)
            ImageDraw.Draw(image).text((4, 2), str(frame), fill="white", stroke_width=1, stroke_fill="black")
            thumbs.append(np.asarray(image))
        rows.append(np.concatenate(thumbs, 1))
    data = io.BytesIO()
    Image.fromarray(np.concatenate(rows, 0)).save(data, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()
