"""The Omni with its layers in 8-bit integers, several times faster on CPUs with AVX-512 VNNI: same in, same out.
Knows a trained Omni; refuses to know training, and machines without those instructions."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from model import native
from model.attention import POSITIONS, Past, SpaceAttention, TimeAttention, rotary_angles
from model.omni import (
    BLOCK,
    DETAIL,
    FIRST_CARRIED,
    GRID,
    GROUPS,
    PATCH,
    STATE_FROM,
    VIDEO_FROM,
    VIEW,
    Given,
    Layer,
    Omni,
    Seen,
)

HEAD_WIDTH = 64  # of the kernel
log = logging.getLogger(__name__)


def addresses(tensors: Sequence[Tensor]) -> ctypes.Array[ctypes.c_void_p]:
    """Of contiguous float32 tensors on the CPU."""
    for tensor in tensors:
        assert tensor.dtype == torch.float32 and tensor.is_contiguous() and tensor.device.type == "cpu"
    return (ctypes.c_void_p * len(tensors))(*(tensor.data_ptr() for tensor in tensors))


class Int8Omni:
    """Called as `Omni` is, for one world at a time and without gradients. Embeddings and small heads stay in floats.

    Weights have a scale an output channel, activations a scale a token, found as they come (arXiv 2206.01861).
    Raises native.Unsupported.
    """

    def __init__(self, omni: Omni):
        config = self.config = omni.config
        if config.width != HEAD_WIDTH * config.heads or config.hidden % HEAD_WIDTH:
            raise native.Unsupported(f"expected heads and a hidden width of whole {HEAD_WIDTH}s; got {config}")
        self._library = native.require("omni")
        self.tokens, self.norm, self._reader = omni.tokens, omni.norm, Int8Reader(omni)
        self.resample, self.move = omni.resample, omni.move
        self.drift, self.name = omni.drift, omni.name
        layers = [layer for layer in omni.layers if isinstance(layer, Layer)]
        tensors = [tensor for layer in layers for tensor in _tensors(layer)]
        over_time = [isinstance(layer.attention, TimeAttention) for layer in layers]
        sizes = [config.width, config.hidden, BLOCK, FIRST_CARRIED, *GRID, len(layers), POSITIONS, *map(int, over_time)]
        create = self._library.omni_create
        create.restype, create.argtypes = ctypes.c_void_p, [ctypes.c_void_p] * 4
        space = omni.get_buffer("angles").detach().float().contiguous()
        time = rotary_angles(torch.arange(POSITIONS), HEAD_WIDTH, 64.0).contiguous()
        self._network = ctypes.c_void_p(
            create((ctypes.c_int * len(sizes))(*sizes), addresses(tensors), addresses([space])[0], addresses([time])[0])
        )

    def __del__(self) -> None:
        if hasattr(self, "_network"):
            self._library.omni_destroy(self._network)

    @torch.inference_mode()
    def __call__(self, noisy: Tensor, given: Given, mask: Tensor, past: list[Past] | None = None) -> Seen:
        """As `Omni.forward`; the mask is of bools, and there is one world."""
        x = self.tokens(noisy, given).contiguous()
        return self.read(x, given, self.layers(x, mask, past))

    def read(self, x: Tensor, given: Given, kept: list[Past]) -> Seen:
        """As `Omni.read`, of one world."""
        clean, trust = self._reader(x, given.view)
        return Seen(clean, self.norm(x[:, :, STATE_FROM : STATE_FROM + GROUPS["state"]]).flatten(2), kept, trust)

    def layers(self, x: Tensor, mask: Tensor, past: list[Past] | None = None) -> list[Past]:
        """Tokens [1, T, BLOCK, D] through all layers, in place -> what the time layers keep of them."""
        return self.together([(x, mask, past)])[0]

    def together(self, worlds: Sequence[tuple[Tensor, Tensor, list[Past] | None]]) -> list[list[Past]]:
        """`layers` of several worlds in one call, each to the last bit as if it were alone. All have as many frames.
        May be called by several threads at the same time."""
        frames, length = worlds[0][0].shape[1], worlds[0][1].shape[-1]
        before = [self._checked(world, frames, length) for world in worlds]
        shape = (1, frames, BLOCK - FIRST_CARRIED, self.config.heads, HEAD_WIDTH)
        kept = [[x.new_empty(shape) for _ in range(2 * self.config.time_layers)] for x, _, _ in worlds]
        masks = [mask.contiguous() for _, mask, _ in worlds]
        self._library.omni_forward(
            self._network,
            ctypes.c_int(len(worlds)),
            addresses([x for x, _, _ in worlds]),
            ctypes.c_int(frames),
            ctypes.c_int(length - frames),
            (ctypes.c_void_p * len(masks))(*(mask.data_ptr() for mask in masks)),
            addresses([tensor for tensors in before for tensor in tensors]),
            addresses([tensor for tensors in kept for tensor in tensors]),
            ctypes.c_int(native.threads()),
        )
        return [list(zip(each[::2], each[1::2], strict=True)) for each in kept]

    def _checked(self, world: tuple[Tensor, Tensor, list[Past] | None], frames: int, length: int) -> list[Tensor]:
        """The past as the kernel takes it. Raises ValueError on what it cannot."""
        x, mask, past = world
        if x.shape[:2] != (1, frames) or mask.shape != (1, frames, length) or mask.dtype != torch.bool:
            raise ValueError(
                f"expected one world of {frames} frames and a mask of bools [1, {frames}, {length}]; "
                f"got {len(x)} worlds of {x.shape[1]} and {mask.dtype} {tuple(mask.shape)}"
            )
        before = [tensor for pair in past or [] for tensor in pair]
        shape = (1, length - frames, BLOCK - FIRST_CARRIED, self.config.heads, HEAD_WIDTH)
        pairs = 0 if length == frames else self.config.time_layers
        if length > POSITIONS or len(before) != 2 * pairs or any(tensor.shape != shape for tensor in before):
            raise ValueError(
                f"expected {pairs} pairs of keys and values {list(shape)}, {POSITIONS} frames at most; "
                f"got {[tuple(tensor.shape) for tensor in before]}"
            )
        return before


class Int8Reader:
    """What `Omni.read` makes of one world's video tokens, in integers. Raises native.Unsupported."""

    def __init__(self, omni: Omni):
        finish, width = omni.finish, omni.config.width
        if finish.mix.out_channels != HEAD_WIDTH:
            raise native.Unsupported(f"expected {HEAD_WIDTH} channels in the last convolutions")
        self._library = native.require("reading")
        heads = (omni.video_out, omni.keep_view, omni.trust, finish.detail)
        joined = [torch.cat([getattr(head, part) for head in heads]) for part in ("weight", "bias")]
        convolutions = [part for c in (finish.mix, finish.out) for part in (c.weight, c.bias) if part is not None]
        tensors = [part.detach().float().contiguous() for part in (omni.norm.weight, *joined, *convolutions)]
        sizes = (width, *GRID, VIEW, DETAIL)
        create = self._library.reading_create
        create.restype, create.argtypes = ctypes.c_void_p, [ctypes.c_void_p] * 2

        def copy() -> int:
            return int(create((ctypes.c_int * len(sizes))(*sizes), addresses(tensors)))

        self._networks = native.Copies(copy, self._library.reading_destroy)

    def __call__(self, x: Tensor, view: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens [1, T, BLOCK, D] before the last norm and their views [1, T, 144, 103] -> clean latents
        [1, T, 144, 64] and trust [1, T, 144, 4]."""
        frames, view = x.shape[1], view.float().contiguous()
        clean, trust = x.new_empty(1, frames, GROUPS["video"], PATCH), x.new_empty(1, frames, GROUPS["video"], 4)
        with self._networks.one() as network:
            for parts in zip(x[0, :, VIDEO_FROM:], view[0], clean[0], trust[0], strict=True):
                pointers = (ctypes.c_void_p(part.data_ptr()) for part in parts)
                self._library.reading_read(network, *pointers, ctypes.c_int(native.threads()))
        return clean, trust


def _tensors(layer: Layer) -> list[Tensor]:
    attention, feed = layer.attention, layer.feed
    linears = (attention.project, attention.out, feed.up, feed.down)
    gains = (attention.query_scale, attention.key_scale, layer.before_attention.weight, layer.before_feed.weight)
    parts = [linear.weight for linear in linears if isinstance(linear, nn.Linear)] + list(gains)
    if isinstance(attention, SpaceAttention):
        parts.append(attention.near.weight.flatten(1).T)
    else:
        parts.append(gains[0])  # a place that is not read
    return [part.detach().float().contiguous() for part in parts]


def quick_omni(omni: Omni) -> Omni | Int8Omni:
    """In integers where this machine can, else as it is."""
    omni = omni.eval().requires_grad_(False)
    try:
        return Int8Omni(omni)
    except native.Unsupported as why:
        log.warning("the Omni runs in floats, about three times slower: %s", why)
        return omni
