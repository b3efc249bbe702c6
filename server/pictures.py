"""Pictures from outside, made fit for a worker: whatever size and format comes, one small PNG leaves.
Knows PNG, JPEG and WebP as hostile bytes; nothing of worlds."""

from __future__ import annotations

import asyncio
import base64
import binascii
import io

from PIL import Image, ImageOps

from engine.messages import PICTURE_HEIGHT, PICTURE_WIDTH

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_PIXELS = 50_000_000
MAX_SCANS = 100  # a JPEG of thousands of scans of nothing would be decoded for minutes
SCAN = b"\xff\xda"
SIZE = (PICTURE_WIDTH, PICTURE_HEIGHT)


class PictureUnfit(Exception):
    """No world can begin from these bytes; the text is for people."""


def base64_length(size: int) -> int:
    """How many characters so many bytes take."""
    return 4 * -(-size // 3)


class Pictures:
    """Decodes one picture at a time: what that takes of memory is bounded, whoever comes."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes, self._turn = limit_bytes, asyncio.Lock()

    async def fit(self, text: str) -> bytes:
        """A picture in base64 -> its middle as a PNG of SIZE. Raises PictureUnfit."""
        if len(text) > base64_length(self._limit_bytes):
            raise PictureUnfit(f"A picture has {self._limit_bytes} bytes at most, this one has more.")
        async with self._turn:
            return await asyncio.to_thread(_fit_text, text)

    async def fit_file(self, data: bytes) -> bytes:
        """The same from a picture's bytes, which are bounded already."""
        async with self._turn:
            return await asyncio.to_thread(fit, data)


def _fit_text(text: str) -> bytes:
    try:
        return fit(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise PictureUnfit("Expected the picture in base64.") from error


def fit(data: bytes) -> bytes:
    """A picture's bytes -> its middle as a PNG of SIZE, the right way up, without what else the file says.
    Blocking. Raises PictureUnfit."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as file:
            _check(file, data)
            file.draft("RGB", (2 * PICTURE_WIDTH, 2 * PICTURE_HEIGHT))  # JPEG: decoded no larger than needed
            return _png(_rgb(ImageOps.exif_transpose(file)))
    except PictureUnfit:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureUnfit(f"A picture has {MAX_PIXELS} pixels at most, this one has more.") from error
    except Exception as error:  # decoders of hostile bytes raise whatever they like; none of it says more than this
        raise PictureUnfit("Expected a PNG, JPEG or WebP picture; this one cannot be read.") from error


def _check(file: Image.Image, data: bytes) -> None:
    if file.width * file.height > MAX_PIXELS:
        raise PictureUnfit(f"A picture has {MAX_PIXELS} pixels at most, this one has {file.width} x {file.height}.")
    if file.format == "JPEG" and (scans := data.count(SCAN)) > MAX_SCANS:
        raise PictureUnfit(f"A JPEG has {MAX_SCANS} scans at most, this one has {scans}.")


def _rgb(image: Image.Image) -> Image.Image:
    """Colours alone; what is transparent is white."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    drawn = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn).convert("RGB")


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    ImageOps.fit(image, SIZE, Image.Resampling.LANCZOS).save(file, "PNG")
    return file.getvalue()
