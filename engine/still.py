"""One picture of a world as a small JPEG: for lists of worlds and previews of links.
Knows a frame's planes; nothing of streams."""

from __future__ import annotations

import io

import av
from PIL import Image

from engine.codec import Crop, Plane, fill

WIDTH, HEIGHT = 320, 180
QUALITY = 80


def still(y: Plane, u: Plane, v: Plane) -> bytes:
    """The streamed part of a frame, 320x180."""
    planes = Crop.of(y.shape[1], y.shape[0]).planes(y, u, v)
    rows, columns = planes[0].shape
    frame = av.VideoFrame(columns, rows, "yuv420p")
    fill(frame, planes)
    drawn = io.BytesIO()
    rgb = frame.reformat(width=WIDTH, height=HEIGHT, format="rgb24").to_ndarray()
    Image.fromarray(rgb).save(drawn, "JPEG", quality=QUALITY)
    return drawn.getvalue()
