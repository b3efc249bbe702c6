"""Pictures that worlds begin from: of any size and format, the right way up; what is none, or a bomb, is refused."""

from __future__ import annotations

import base64
import io
import os
import signal
import struct
import tracemalloc
import zlib
from typing import Any

import pytest
from PIL import Image

from engine.messages import PICTURE_HEIGHT, PICTURE_WIDTH
from server.pictures import MAX_PIXELS, PictureUnfit, fit

ORIENTATION = 0x0112


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def fitted(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(fit(data)), formats=["PNG"])


def halves(size: tuple[int, int]) -> Image.Image:
    """Red to the left, blue to the right."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, *size))
    return image


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is, and has next to nothing."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 64)
    parts = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (chunk, data, b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [(1, 1), (30, 900), (4000, 40), (513, 289), (3000, 2000)])
def test_any_size_of_any_kind_becomes_the_one_that_a_worker_takes(kind: str, size: tuple[int, int]) -> None:
    picture = fitted(encoded(Image.new("RGB", size, (200, 40, 40)), kind))
    assert picture.size == (PICTURE_WIDTH, PICTURE_HEIGHT) and picture.mode == "RGB" and not picture.info
    red, green, blue = picture.getpixel((256, 144))
    assert red > 190 and green < 60 and blue < 60


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_pictures_of_any_mode_are_read(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert fitted(encoded(Image.new(mode, (640, 360)), kind)).mode == "RGB"


def test_the_middle_is_kept_the_right_way_up() -> None:
    lying = halves((400, 800)).rotate(90, expand=True)  # as a camera that is held upright writes it
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    for data in (encoded(halves((400, 800)), "JPEG"), encoded(lying, "JPEG", exif=exif)):
        picture = fitted(data)
        left, right = picture.getpixel((40, 144)), picture.getpixel((470, 144))
        assert left[0] > 200 > 60 > left[2] and right[2] > 200 > 60 > right[0]


def test_bombs_are_refused_before_they_are_decoded() -> None:
    scans = encoded(Image.new("L", (64, 64)), "JPEG").replace(b"\xff\xd9", b"") + b"\xff\xda\0\x08\1\1\0\0\x3f\0" * 200
    tracemalloc.start()
    for data, said in (
        (png_header(60_000, 60_000), "pixels"),
        (png_header(12_000, 9_000), "pixels"),
        (png_header(8_000, MAX_PIXELS // 8_000 + 1), "pixels"),
        (scans, "scans"),
    ):
        with pytest.raises(PictureUnfit, match=said):
            fit(data)
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("data", [b"", b"GIF89a" + bytes(40), b"<svg/>", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n" + bytes(90)])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(PictureUnfit, match="PNG, JPEG or WebP"):
        fit(data)


def base(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.asyncio(loop_scope="session")
async def test_a_session_begins_from_a_picture_and_keeps_it_across_workers(run: Any) -> None:
    here = await run(saves={"every_s": 1000.0})
    browser = await here.invited()
    session = await browser.start(picture=base(encoded(halves((1200, 900)), "JPEG")), seed=4)
    connection = await browser.connect(session)
    state = await connection.until("state")
    assert state["values"]["picture_bytes"] > 100 and state["values"]["seed"] == 4
    os.kill(int(state["values"]["pid"]), signal.SIGKILL)
    await connection.until("state", lambda event: event["values"]["pid"] != state["values"]["pid"])
    assert (await connection.until("state"))["values"]["picture_bytes"] == state["values"]["picture_bytes"]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_session_without_a_fit_picture_is_refused_by_what_is_wrong(run: Any) -> None:
    here = await run(limits={"picture_bytes": 200_000})
    browser = await here.invited()
    small = base(encoded(halves((64, 64)), "PNG"))
    for body, slug in (
        ({"picture": "no base64"}, "picture-refused"),
        ({"picture": base(b"no picture")}, "picture-refused"),
        ({"picture": base(bytes(201_000))}, "picture-refused"),
        ({"picture": base(bytes(400_000))}, "body-too-large"),
        ({"picture": small, "template": "meadow"}, "invalid-request"),
        ({"picture": small, "saved": "x"}, "invalid-request"),
    ):
        answer = await browser.http.post("/api/v1/sessions", json=body)
        assert answer.json()["type"].endswith(slug), answer.text
    await browser.start(picture=small, prompt="it snows")
