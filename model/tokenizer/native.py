"""The frame tokenizer in 8-bit integers, one C++ call each way, for CPUs with AVX-512 VNNI: same encode, same decode.
Knows a trained tokenizer; refuses to know training, and machines without those instructions."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from model import native
from model.planes import CHANNELS
from model.tokenizer.frame import STRIDE, FrameTokenizer

LATENTS = 16
LANES = 32  # channels come in multiples of it


class NativeTokenizer:
    """Encodes and decodes as `FrameTokenizer` does, float32 in and out, about as well.

    Weights have a scale an output channel; activations have one a position, or one a frame before 3x3 convolutions,
    found as they come. Planes beyond [-1, 1] count as the nearest ones within. Raises native.Unsupported.
    """

    def __init__(self, tokenizer: FrameTokenizer):
        self.config = config = tokenizer.config
        widths = (config.encoder_fine, config.encoder_coarse, config.decoder_fine, config.decoder_coarse)
        if config.latent_channels != LATENTS or any(width % LANES for width in widths):
            raise native.Unsupported(f"expected {LATENTS} latent channels and widths of whole {LANES}s; got {config}")
        self._library = native.require("frames")
        sizes = [config.latent_channels, *widths[:2], *config.encoder_blocks, *widths[2:], *config.decoder_blocks[::-1]]
        tensors = [part.detach().float().contiguous() for part in tokenizer.parameters()]
        create = self._library.frames_create
        create.restype, create.argtypes = ctypes.c_void_p, [ctypes.c_void_p] * 2
        pointers = (ctypes.c_void_p * len(tensors))(*(tensor.data_ptr() for tensor in tensors))
        numbers = (ctypes.c_int * len(sizes))(*sizes)

        def copy() -> int:
            assert tensors  # they must live as long as pointers to them
            return int(create(numbers, pointers))

        self._networks = native.Copies(copy, self._library.frames_destroy)

    @torch.inference_mode()
    def encode(self, planes: Tensor) -> Tensor:
        """Planes [B, 7, 8h, 8w] -> latents [B, 16, h, w]."""
        height, width = _grid(planes, CHANNELS, STRIDE)
        latents = planes.new_empty(len(planes), LATENTS, height, width)
        for frame, out in zip(planes.contiguous(), latents, strict=True):
            self._call("frames_encode", [frame, out], height, width)
        return latents

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents [B, 16, h, w] -> planes [B, 7, 8h, 8w] within [-1, 1]."""
        return self.draw(latents)[0]

    @torch.inference_mode()
    def draw(self, latents: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Latents [B, 16, h, w] -> planes [B, 7, 8h, 8w] within [-1, 1], and their bytes: y [B, 16h, 16w], u, v."""
        height, width = _grid(latents, LATENTS, 1)
        rows, columns = STRIDE * height, STRIDE * width
        planes = latents.new_empty(len(latents), CHANNELS, rows, columns)
        y = torch.empty(len(latents), 2 * rows, 2 * columns, dtype=torch.uint8)
        u, v = torch.empty(2, len(latents), rows, columns, dtype=torch.uint8)
        for parts in zip(latents.contiguous(), planes, y, u, v, strict=True):
            self._call("frames_decode", list(parts), height, width)
        return planes, y, u, v

    @torch.inference_mode()
    def unpack(self, planes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Planes [B, 7, 8h, 8w] within [-1, 1] -> their bytes, as `model.planes.unpack`."""
        height, width = _grid(planes, CHANNELS, STRIDE)
        y = torch.empty(len(planes), 2 * planes.shape[2], 2 * planes.shape[3], dtype=torch.uint8)
        u, v = torch.empty(2, len(planes), *planes.shape[2:], dtype=torch.uint8)
        for parts in zip(planes.contiguous(), y, u, v, strict=True):
            self._call("frames_bytes", list(parts), height, width)
        return y, u, v

    def _call(self, name: str, tensors: list[Tensor], height: int, width: int) -> None:
        pointers = (ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors)
        numbers = (ctypes.c_int(number) for number in (height, width, native.threads()))
        with self._networks.one() as network:
            getattr(self._library, name)(network, *pointers, *numbers)


def _grid(given: Tensor, channels: int, step: int) -> tuple[int, int]:
    """Height and width in latents. Raises ValueError on what the kernel cannot read."""
    if given.ndim != 4 or given.shape[1] != channels or given.shape[2] % step or given.shape[3] % (4 * step):
        raise ValueError(f"expected [B, {channels}, n * {step}, m * {4 * step}], got {tuple(given.shape)}")
    if given.dtype != torch.float32 or given.device.type != "cpu":
        raise ValueError(f"expected float32 on the CPU, got {given.dtype} on {given.device}")
    return given.shape[2] // step, given.shape[3] // step
