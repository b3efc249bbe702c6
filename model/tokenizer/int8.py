"""The frame tokenizer in 8-bit integers, several times faster on CPUs than floats: same encode, same decode.
Knows a trained tokenizer and the ranges of its activations; refuses to know training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import checkpoint
from model.tokenizer.frame import KIND, LATENT_BOUND, PATCH, Block, Decoder, Encoder, FrameTokenizer, fold_channels

Ranges = Mapping[str, list[float]]  # module name -> [low, high] of what its convolution reads
TAIL = 1e-5  # share of values that may be clipped at either end


@torch.inference_mode()
def activation_ranges(tokenizer: FrameTokenizer, planes: Tensor) -> dict[str, list[float]]:
    """What each convolution reads while whole frames [B, 7, h, w] are encoded and decoded: [low, high] by its name."""
    seen: dict[str, list[float]] = {}

    def watch(name: str, conv: nn.Conv2d) -> torch.utils.hooks.RemovableHandle:
        def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            values = inputs[0].flatten()
            rank = max(1, int(TAIL * len(values)))
            low, high = -(-values).topk(rank).values[-1], values.topk(rank).values[-1]
            before = seen.get(name, [0.0, 0.0])
            seen[name] = [min(before[0], low.item()), max(before[1], high.item())]

        return conv.register_forward_pre_hook(note)

    hooks = [watch(name, module) for name, module in tokenizer.named_modules() if isinstance(module, nn.Conv2d)]
    try:
        for part in planes.split(4):
            tokenizer.decode(tokenizer.encode(part))
    finally:
        for hook in hooks:
            hook.remove()
    return seen


class Int8Conv:
    """A convolution on unsigned 8-bit input with signed 8-bit weights, one scale an output channel.

    Reads floats, or bytes in its own `scale` and `zero`; writes floats, or what `following` reads after a ReLU.
    """

    def __init__(self, conv: nn.Conv2d, bounds: list[float], grid: tuple[int, int], following: Int8Conv | None = None):
        low, high = min(bounds[0], 0.0), max(bounds[1], 1e-6)
        self.scale = (high - low) / 255
        self.zero = round(-low / self.scale)
        weight = conv.weight.detach().float()
        self._weight_scale = weight.flatten(1).abs().amax(1).clamp_min(1e-12) / 127
        rounded = (weight / self._weight_scale[:, None, None, None]).round().to(torch.int8)
        self._weight_zero = torch.zeros(len(weight), dtype=torch.int32)
        self._geometry = ([1, 1], list(conv.padding), [1, 1], conv.groups)
        shape = [1, conv.in_channels, *grid]
        prepack = torch.ops.onednn.qconv_prepack
        self._weight = prepack(rounded, self._weight_scale, self.scale, self.zero, *self._geometry, shape)
        assert conv.bias is not None
        self._bias = conv.bias.detach().float()
        if following is not None and following.zero != 0:
            raise ValueError(f"what follows a ReLU reads from zero up, got a zero point of {following.zero}")
        out = (1.0, 0, torch.float32, "none") if following is None else (following.scale, 0, torch.uint8, "relu")
        self._out = out

    def quantized(self, x: Tensor) -> Tensor:
        """float -> uint8 in this convolution's scale."""
        return (x * (1 / self.scale)).add_(self.zero + 0.5).clamp_(0, 255).to(torch.uint8)

    def __call__(self, x: Tensor) -> Tensor:
        if x.dtype != torch.uint8:
            x = self.quantized(x.contiguous(memory_format=torch.channels_last))
        convolve = torch.ops.onednn.qconv2d_pointwise
        weights = (self._weight, self._weight_scale, self._weight_zero, self._bias)
        return convolve(x, self.scale, self.zero, *weights, *self._geometry, *self._out, [], "")


class Int8Block:
    """`Block`: bytes inside, floats on the residual."""

    def __init__(self, block: Block, ranges: Ranges, name: str, grid: tuple[int, int]):
        self.narrow = Int8Conv(block.narrow, ranges[f"{name}.narrow"], grid)
        self.mix = Int8Conv(block.mix, ranges[f"{name}.mix"], grid, self.narrow)
        self.widen = Int8Conv(block.widen, ranges[f"{name}.widen"], grid, self.mix)

    def __call__(self, x: Tensor) -> Tensor:
        return self.narrow(self.mix(self.widen(x))).add_(x)


class Int8Tokenizer:
    """Encodes and decodes as `FrameTokenizer` does, float32 in and out, about as well. For one thread at a time."""

    def __init__(self, tokenizer: FrameTokenizer, ranges: Ranges):
        self.config = tokenizer.config
        encoder, decoder = tokenizer.encoder, tokenizer.decoder
        fine, coarse = (36, 64), (18, 32)

        def conv(half: Encoder | Decoder, prefix: str, name: str, grid: tuple[int, int]) -> Int8Conv:
            return Int8Conv(getattr(half, name), ranges[f"{prefix}.{name}"], grid)

        def blocks(half: Encoder | Decoder, prefix: str, name: str, grid: tuple[int, int]) -> list[Int8Block]:
            stack = getattr(half, name)
            return [Int8Block(block, ranges, f"{prefix}.{name}.{i}", grid) for i, block in enumerate(stack)]

        self._encoder_stem = conv(encoder, "encoder", "stem", fine)
        self._encoder_fine = blocks(encoder, "encoder", "fine", fine)
        self._encoder_down = conv(encoder, "encoder", "down", coarse)
        self._encoder_coarse = blocks(encoder, "encoder", "coarse", coarse)
        self._encoder_out = conv(encoder, "encoder", "out", coarse)
        self._decoder_stem = conv(decoder, "decoder", "stem", coarse)
        self._decoder_coarse = blocks(decoder, "decoder", "coarse", coarse)
        self._decoder_up = conv(decoder, "decoder", "up", coarse)
        self._decoder_fine = blocks(decoder, "decoder", "fine", fine)
        self._decoder_out = conv(decoder, "decoder", "out", fine)

    @torch.inference_mode()
    def encode(self, planes: Tensor) -> Tensor:
        x = self._encoder_stem(F.pixel_unshuffle(self._encoder_stem.quantized(planes), PATCH))
        for block in self._encoder_fine:
            x = block(x)
        x = F.pixel_unshuffle(x, 2)
        y = self._encoder_down(x)
        x = y.add_(fold_channels(x, y.shape[1]))
        for block in self._encoder_coarse:
            x = block(x)
        y = self._encoder_out(x)
        return LATENT_BOUND * torch.tanh(y.add_(fold_channels(x, y.shape[1])) / LATENT_BOUND)

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Tensor:
        x = self._decoder_stem(latents)
        x = x.add_(latents.repeat_interleave(x.shape[1] // latents.shape[1], 1))
        for block in self._decoder_coarse:
            x = block(x)
        y = self._decoder_up(x)
        x = F.pixel_shuffle(y.add_(x.repeat_interleave(y.shape[1] // x.shape[1], 1)), 2)
        for block in self._decoder_fine:
            x = block(x)
        return F.pixel_shuffle(self._decoder_out(x), PATCH).contiguous()

    @classmethod
    def load(cls, path: str | Path) -> Int8Tokenizer:
        """From a checkpoint that carries `ranges` among its facts, as training writes them. Raises CheckpointError."""
        ranges = checkpoint.load_extra(path, KIND).get("ranges")
        if ranges is None:
            raise checkpoint.CheckpointError(f"{path}: expected activation ranges beside the weights, found none")
        return cls(FrameTokenizer.load(path), ranges)
