"""The sound tokenizer: a frame of 1000 samples <-> two latents; frame after frame, without looking ahead.
Knows waves and latents; refuses to know what in a world makes a sound. Noise bands after NoiseBandNet
(arXiv 2307.08007); the inverse-STFT branch after Vocos (2306.00814)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.sound.spectra import BINS, HOP, HOPS, SAMPLES, WINDOW, filters, noise_bands, stft

TOKENS, WIDTH = 2, 32
LATENT = TOKENS * WIDTH
BOUND = 3.0
LONGEST_LOOP, LOOPS = 120, 64  # frames, and how many bands have each a loop of another length, so that nothing repeats
LUCK = 1021  # frames of chance, a prime
QUIETEST = 1e-10  # of a band's power: -100 dB


@dataclass(frozen=True)
class SoundTokenizerConfig:
    """`sources`: the names of what the decoder says it hears. `chance`: random numbers a frame to draw by; without
    any, steady sound repeats itself."""

    sources: tuple[str, ...]
    bands: int = 64
    hidden: int = 224
    decoder: int = 288
    chance: int = 16

    def __post_init__(self) -> None:
        sizes = self.bands, self.hidden, self.decoder
        if min(sizes) < 8 or self.chance < 0:
            raise ValueError(f"bands, hidden and decoder are 8 at least, chance 0; got {sizes}, {self.chance}")


class Carry(NamedTuple):
    """What one frame's decoding leaves for the next: the recurrent state [B, H], the last gains [B, bands], the half
    window [B, 250] that still sounds, and the frame that comes next of the noise loops and of chance."""

    hidden: Tensor
    gains: Tensor
    tail: Tensor
    place: int


class Decoded(NamedTuple):
    """pcm [B, T * 1000], logits [B, T, sources], and what goes on."""

    pcm: Tensor
    heard: Tensor
    carry: Carry


class SoundTokenizer(nn.Module):
    """Encoder and decoder."""

    noise: Tensor
    loops: Tensor
    luck: Tensor
    mel: Tensor

    def __init__(self, config: SoundTokenizerConfig) -> None:
        super().__init__()
        self.config = config
        features = HOPS * (2 * BINS + config.bands)
        self.encoder = nn.Sequential(
            nn.Linear(features, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, LATENT),
        )
        self.memory = nn.GRU(LATENT, config.hidden, batch_first=True)
        self.decoder = nn.Sequential(
            nn.Linear(config.hidden + LATENT + config.chance, config.decoder),
            nn.SiLU(),
            nn.Linear(config.decoder, HOPS * (2 * BINS + config.bands)),
        )
        self.listener = nn.Linear(config.hidden, len(config.sources))
        self.register_buffer("mel", filters(config.bands, WINDOW), persistent=False)
        loops = LONGEST_LOOP - torch.arange(config.bands) % LOOPS
        luck = torch.randn(LUCK, config.chance, generator=torch.Generator().manual_seed(8))
        for name, fixed in (("loops", loops), ("noise", noise_bands(loops)), ("luck", luck)):
            self.register_buffer(name, fixed, persistent=False)

    def encode(self, pcm: Tensor) -> Tensor:
        """pcm [B, 250 + T * 1000] in [-1, 1], with the 250 samples before -> latents [B, T, 64] in [-3, 3]."""
        if (pcm.shape[1] - HOP) % SAMPLES or pcm.shape[1] < HOP + SAMPLES:
            raise ValueError(f"expected {HOP} samples and whole frames of {SAMPLES}, got {pcm.shape[1]} samples")
        spectrum = stft(pcm, WINDOW, HOP)
        level = (spectrum.abs().square() @ self.mel).clamp_min(QUIETEST).log10() / 4 + 0.5
        low = spectrum[..., :BINS]
        pressed = low / low.abs().clamp_min(1e-6).sqrt()
        features = torch.cat([level, pressed.real, pressed.imag], -1)
        coded = self.encoder(features.reshape(len(pcm), -1, features.shape[-1] * HOPS))
        return BOUND * torch.tanh(coded / BOUND)

    def silence(self, batch: int = 1, place: int = 0) -> Carry:
        """Before the first frame."""
        zeros = self.listener.weight.new_zeros
        return Carry(
            zeros(batch, self.config.hidden), zeros(batch, self.config.bands), zeros(batch, HOP), place % 2**32
        )

    def decode(self, latents: Tensor, carry: Carry) -> Decoded:
        """latents [B, T, 64] -> sound. Frame by frame gives what all at once gives."""
        batch, frames, _ = latents.shape
        states, last = self.memory(latents, carry.hidden[None])
        chance = self.luck[(torch.arange(frames) + carry.place) % LUCK].to(latents).expand(batch, -1, -1)
        raw = self.decoder(torch.cat([states, latents, chance], -1)).reshape(batch, frames * HOPS, -1)
        bands = self.config.bands
        gains = torch.exp((raw[..., :bands] * 2 - 7).clamp(-12, 1))
        pressed = torch.complex(raw[..., bands : bands + BINS], raw[..., bands + BINS :])
        noisy = self._noise(torch.cat([carry.gains[:, None], gains], 1), carry.place)
        pitched, tail = self._waves(pressed * pressed.abs(), carry.tail)
        after = Carry(last[0], gains[:, -1], tail, carry.place + frames)
        return Decoded(noisy + pitched, self.listener(states), after)

    def _noise(self, gains: Tensor, place: int) -> Tensor:
        """gains [B, N + 1, bands] at the ends of hops -> [B, N * 250], each band's loop between its gains in lines."""
        hops = gains.shape[1] - 1
        frames = (torch.arange(hops // HOPS)[:, None] + place) % self.loops
        loop = self.noise[torch.arange(len(self.loops)), frames].to(gains.dtype)  # [frames, bands, 1000]
        loop = loop.unflatten(2, (HOPS, HOP)).permute(0, 2, 3, 1).flatten(0, 1)
        share = (torch.arange(HOP, device=gains.device) + 1) / HOP
        ends = torch.stack([gains[:, :-1], gains[:, 1:] - gains[:, :-1]], -1)  # where a line begins, and how it rises
        level, rise = torch.einsum("jsk,bjke->ebjs", loop, ends)
        return (level + rise * share).flatten(1)

    @staticmethod
    def _waves(spectrum: Tensor, tail: Tensor) -> tuple[Tensor, Tensor]:
        """spectra [B, N, BINS] -> [B, N * 250] by overlap and add of Hann windows, and the half that is left."""
        padded = F.pad(spectrum, (0, WINDOW // 2 + 1 - BINS))
        waves = torch.fft.irfft(padded, WINDOW) * torch.hann_window(WINDOW, device=tail.device)
        first, second = waves[..., :HOP], waves[..., HOP:]
        before = torch.cat([tail[:, None], second[:, :-1]], 1)
        return (first + before).flatten(1), second[:, -1]
