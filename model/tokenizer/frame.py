"""The frame tokenizer: packed planes with depth to bounded latents and back, one frame at a time.
Knows pictures only; refuses to know time, cameras, training or files other than its own checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import checkpoint
from model.planes import CHANNELS

PATCH = 4  # grid cells a side that one position of the fine stage covers: 8 luma pixels
STRIDE = 2 * PATCH  # grid cells a side that one latent covers: 16 luma pixels
LATENT_BOUND = 3.0
KIND = "frame-tokenizer"  # of checkpoint files


@dataclass(frozen=True)
class FrameTokenizerConfig:
    """Widths and residual blocks of the fine (1/8 of luma) and coarse (1/16) stages of both halves."""

    latent_channels: int = 16
    encoder_fine: int = 96
    encoder_coarse: int = 192
    encoder_blocks: tuple[int, int] = (1, 2)
    decoder_coarse: int = 256
    decoder_fine: int = 128
    decoder_blocks: tuple[int, int] = (2, 3)

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoder_blocks", tuple(self.encoder_blocks))
        object.__setattr__(self, "decoder_blocks", tuple(self.decoder_blocks))
        for name, wide, narrow in (
            ("4 * encoder_fine / encoder_coarse", 4 * self.encoder_fine, self.encoder_coarse),
            ("encoder_coarse / latent_channels", self.encoder_coarse, self.latent_channels),
            ("decoder_coarse / latent_channels", self.decoder_coarse, self.latent_channels),
            ("4 * decoder_fine / decoder_coarse", 4 * self.decoder_fine, self.decoder_coarse),
        ):
            if wide % narrow:
                raise ValueError(f"{name} must be whole for the shortcut, got {wide} / {narrow}")


def fold_channels(x: Tensor, channels: int) -> Tensor:
    """[B, k * channels, h, w] -> [B, channels, h, w]: neighbouring channels averaged."""
    return x.unflatten(1, (channels, -1)).mean(2)


class Block(nn.Module):
    """Residual: widen 1x1, mix 3x3 per channel, narrow 1x1. No norms, so that int8 needs only scales."""

    def __init__(self, channels: int, expansion: int = 3):
        super().__init__()
        inner = expansion * channels
        self.widen = nn.Conv2d(channels, inner, 1)
        self.mix = nn.Conv2d(inner, inner, 3, padding=1, groups=inner)
        self.narrow = nn.Conv2d(inner, channels, 1)
        nn.init.kaiming_normal_(self.widen.weight, nonlinearity="relu")
        with torch.no_grad():
            self.narrow.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.narrow(F.relu(self.mix(F.relu(self.widen(x)))))


class Encoder(nn.Module):
    """[B, 7, 8h, 8w] -> unbounded [B, C, h, w]."""

    def __init__(self, config: FrameTokenizerConfig):
        super().__init__()
        fine, coarse = config.encoder_fine, config.encoder_coarse
        self.stem = nn.Conv2d(CHANNELS * PATCH**2, fine, 3, padding=1)
        self.fine = nn.Sequential(*(Block(fine) for _ in range(config.encoder_blocks[0])))
        self.down = nn.Conv2d(4 * fine, coarse, 1)
        self.coarse = nn.Sequential(*(Block(coarse) for _ in range(config.encoder_blocks[1])))
        self.out = nn.Conv2d(coarse, config.latent_channels, 3, padding=1)

    def forward(self, planes: Tensor) -> Tensor:
        x = self.fine(self.stem(F.pixel_unshuffle(planes, PATCH)))
        x = F.pixel_unshuffle(x, 2)
        x = self.coarse(self.down(x) + fold_channels(x, self.down.out_channels))
        return self.out(x) + fold_channels(x, self.out.out_channels)


class Decoder(nn.Module):
    """[B, C, h, w] -> planes [B, 7, 8h, 8w]."""

    def __init__(self, config: FrameTokenizerConfig):
        super().__init__()
        coarse, fine = config.decoder_coarse, config.decoder_fine
        self.stem = nn.Conv2d(config.latent_channels, coarse, 3, padding=1)
        self.coarse = nn.Sequential(*(Block(coarse) for _ in range(config.decoder_blocks[0])))
        self.up = nn.Conv2d(coarse, 4 * fine, 1)
        self.fine = nn.Sequential(*(Block(fine) for _ in range(config.decoder_blocks[1])))
        self.out = nn.Conv2d(fine, CHANNELS * PATCH**2, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        x = self.stem(latents)
        x = self.coarse(x + latents.repeat_interleave(x.shape[1] // latents.shape[1], 1))
        y = self.up(x)
        x = F.pixel_shuffle(y + x.repeat_interleave(y.shape[1] // x.shape[1], 1), 2)
        return F.pixel_shuffle(self.out(self.fine(x)), PATCH)


class FrameTokenizer(nn.Module):
    """Planes [B, 7, 144, 256] (any multiple of 8 works) <-> latents [B, C, 18, 32] within +-3.

    Shortcuts between resolutions only rearrange and average channels (DC-AE, arXiv 2410.10733).
    """

    def __init__(self, config: FrameTokenizerConfig):
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def encode(self, planes: Tensor) -> Tensor:
        if planes.ndim != 4 or planes.shape[1] != CHANNELS or planes.shape[2] % STRIDE or planes.shape[3] % STRIDE:
            raise ValueError(f"expected planes [B, {CHANNELS}, n*{STRIDE}, m*{STRIDE}], got {tuple(planes.shape)}")
        return LATENT_BOUND * torch.tanh(self.encoder(planes) / LATENT_BOUND)

    def decode(self, latents: Tensor) -> Tensor:
        channels = self.config.latent_channels
        if latents.ndim != 4 or latents.shape[1] != channels:
            raise ValueError(f"expected latents [B, {channels}, h, w], got {tuple(latents.shape)}")
        return self.decoder(latents)

    def save(self, path: str | Path, **facts: object) -> str:
        """One checkpoint file with the configuration and `facts` (JSON-able); returns its sha256."""
        return checkpoint.save(path, self.state_dict(), self.config, KIND, facts)

    @classmethod
    def load(cls, path: str | Path) -> FrameTokenizer:
        """The tokenizer of a checkpoint file, in float32, not trainable. Raises CheckpointError."""
        return checkpoint.restored(path, KIND, FrameTokenizerConfig, cls)
