"""Planes to H.264: the crop that is streamed, the encoder's settings, IDR on request, a bitrate that follows.
Knows nothing of worlds, sockets or RTP, and never converts colours."""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from engine.messages import FRAME_RATE, VIDEO_CLOCK

Plane = NDArray[np.uint8]  # [H, W], row 0 is the top

BT709 = 1  # H.264 table E-3, E-4 and E-5: primaries, transfer and matrix share the number
LIMITED = 1
FRAME_TICKS = VIDEO_CLOCK // FRAME_RATE
IDR_GAP_TICKS = VIDEO_CLOCK // 2
MIN_BITRATE, MAX_BITRATE = 150_000, 40_000_000
BUFFER_FRAMES = 1.25  # of the ceiling: an IDR takes about two frames of the first target; at 1.0 the rate sags on noise
_NO_PERIODIC_IDR = 1 << 30


@dataclass(frozen=True)
class Crop:
    """15/16 of a frame: in the middle, at even offsets so that 4:2:0 chroma stays aligned, or moved from there."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def of(cls, width: int, height: int) -> Crop:
        """512x288 -> 480x270 at (16, 8); 1024x576 -> 960x540 at (32, 18); 2048x1152 -> 1920x1080 at (64, 36)."""
        if width % 32 or height % 32:
            raise ValueError(f"a frame's sides are multiples of 32, this one is {width}x{height}")
        inner_w, inner_h = width * 15 // 16, height * 15 // 16
        return cls((width - inner_w) // 4 * 2, (height - inner_h) // 4 * 2, inner_w, inner_h)

    def moved(self, right: int, down: int) -> Crop:
        """The same, so many luma pixels further on."""
        return Crop(self.x + right, self.y + down, self.width, self.height)

    def planes(self, y: Plane, u: Plane, v: Plane) -> tuple[Plane, Plane, Plane]:
        """The streamed part of the three planes: views, and at an odd offset the means of chroma's neighbours."""
        x0, y0, w, h = self.x, self.y, self.width, self.height
        if not (0 <= x0 <= y.shape[1] - w and 0 <= y0 <= y.shape[0] - h):
            raise ValueError(f"a crop lies within its frame of {y.shape[1]}x{y.shape[0]}, not {w}x{h} at ({x0}, {y0})")
        return y[y0 : y0 + h, x0 : x0 + w], self._chroma(u), self._chroma(v)

    def _chroma(self, plane: Plane) -> Plane:
        part = plane[self.y // 2 : (self.y + self.height + 1) // 2, self.x // 2 : (self.x + self.width + 1) // 2]
        if self.y % 2:
            part = mean(part[:-1], part[1:])
        if self.x % 2:
            part = mean(part[:, :-1], part[:, 1:])
        return part


def mean(one: Plane, other: Plane) -> Plane:
    """Of two planes, rounded up: what lies halfway between their samples."""
    return (one | other) - ((one ^ other) >> 1)


def fill(frame: av.VideoFrame, planes: tuple[Plane, Plane, Plane]) -> None:
    """Copy three planes into a yuv420p frame and flag it BT.709, limited range."""
    for target, source in zip(frame.planes, planes, strict=True):
        rows, columns = source.shape
        memory = np.frombuffer(target, np.uint8).reshape(-1, target.line_size)  # type: ignore[call-overload]
        memory[:rows, :columns] = source
    frame.colorspace = frame.color_primaries = frame.color_trc = BT709
    frame.color_range = LIMITED


@dataclass(frozen=True)
class CodecConfig:
    """`width`, `height`: the frame with margin."""

    width: int = 512
    height: int = 288
    bits_per_second: int = 2_500_000

    def __post_init__(self) -> None:
        Crop.of(self.width, self.height)
        if not MIN_BITRATE <= self.bits_per_second <= MAX_BITRATE:
            raise ValueError(f"bits_per_second is {MIN_BITRATE}..{MAX_BITRATE}, not {self.bits_per_second}")

    @property
    def large(self) -> bool:
        """Beyond 540 lines the cheapest preset is needed and level 3.1 no longer suffices."""
        return self.height > 576


@dataclass(frozen=True)
class Packet:
    """One access unit in Annex B; an IDR carries its parameter sets."""

    pts: int
    keyframe: bool
    data: bytes
    encode_ms: float


def band(bits_per_second: int, ceiling: int = 0) -> int:
    """The VBV ceiling to open x264 with. It follows its target live only below the rate that it was opened with
    (and only as CBR), so the old ceiling stays while the target lies in its upper three quarters."""
    if ceiling // 4 <= bits_per_second <= ceiling:
        return ceiling
    return min(MAX_BITRATE, bits_per_second * 2)


class Encoder:
    """x264 for one session, whatever the number of viewers. One caller at a time."""

    def __init__(self, config: CodecConfig) -> None:
        self.config = config
        self.crop = Crop.of(config.width, config.height)
        self._ceiling = band(config.bits_per_second)
        self._context = self._open(config.bits_per_second)
        self._frame = av.VideoFrame(self.crop.width, self.crop.height, "yuv420p")
        self._idr_wanted = False
        self._last_pts = self._last_idr_pts = -(1 << 62)

    def _open(self, bits_per_second: int) -> av.VideoCodecContext:
        context = av.CodecContext.create("libx264", "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height, context.pix_fmt = self.crop.width, self.crop.height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, VIDEO_CLOCK), Fraction(FRAME_RATE)
        context.bit_rate, context.gop_size, context.thread_count = self._ceiling, _NO_PERIODIC_IDR, 1
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED
        context.options = {
            "preset": "ultrafast" if self.config.large else "superfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "level": "4.2" if self.config.large else "3.1",
            "maxrate": str(self._ceiling),
            "bufsize": str(int(self._ceiling * BUFFER_FRAMES / FRAME_RATE)),
            "forced-idr": "1",
            "x264-params": "scenecut=0:repeat-headers=1",
        }
        context.open()
        context.bit_rate = bits_per_second
        return context

    def succeeded(self, config: CodecConfig) -> Encoder:
        """The encoder of the same stream in another size: its first frame is an IDR, which counts as the last one."""
        following = Encoder(config)
        following._last_pts = self._last_pts
        return following

    def want_idr(self, at_once: bool = False) -> None:
        """The next frame that is at least half a second after the last IDR becomes one; or the very next."""
        self._idr_wanted = True
        if at_once:
            self._last_idr_pts = -(1 << 62)

    def set_bitrate(self, bits_per_second: int) -> None:
        """Follow a new target. Within the ceiling's band there is no IDR; beyond it x264 is opened anew, with one."""
        target = min(max(bits_per_second, MIN_BITRATE), MAX_BITRATE)
        ceiling = band(target, self._ceiling)
        if ceiling == self._ceiling:
            self._context.bit_rate = target
        else:
            self._ceiling = ceiling
            self._context = self._open(target)

    def encode(self, y: Plane, u: Plane, v: Plane, pts: int, moved: tuple[int, int] = (0, 0)) -> Packet:
        """Planes with margin, uint8 [H, W] and [H/2, W/2], to one access unit. `pts` (VIDEO_CLOCK) must grow. `moved`:
        luma pixels that the crop lies to the right and below the middle."""
        start = time.perf_counter()
        wanted = (self.config.height, self.config.width)
        if y.shape != wanted or u.shape != v.shape or u.shape != (wanted[0] // 2, wanted[1] // 2):
            raise ValueError(f"expected planes of {wanted} and half of it, got {y.shape}, {u.shape}, {v.shape}")
        if pts <= self._last_pts:
            raise ValueError(f"pts must grow: {pts} after {self._last_pts}")
        idr = self._idr_wanted and pts - self._last_idr_pts >= IDR_GAP_TICKS
        fill(self._frame, self.crop.moved(*moved).planes(y, u, v))
        self._frame.pts, self._frame.time_base = pts, Fraction(1, VIDEO_CLOCK)
        self._frame.pict_type = PictureType.I if idr else PictureType.NONE
        packets = self._context.encode(self._frame)
        if len(packets) != 1:
            raise RuntimeError(f"zero latency means one packet a frame, x264 gave {len(packets)}")
        keyframe = packets[0].is_keyframe
        self._last_pts = pts
        if keyframe:
            self._idr_wanted, self._last_idr_pts = False, pts
        return Packet(pts, keyframe, bytes(packets[0]), (time.perf_counter() - start) * 1e3)
