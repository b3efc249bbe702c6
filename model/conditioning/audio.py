"""The microphone's last frame of sound as two tokens' input: loudness, beat, whether somebody speaks; and a spectrum.
Knows no words; keeps nothing but how much rose in the last seconds."""

from __future__ import annotations

import torch
from torch import Tensor

RATE = 24_000
SAMPLES = 1_000
BANDS = 15
WIDTH = 16  # of each of the two tokens
FLOOR_DB = -60.0
BEAT_FROM, BEAT, SPEAKING = 2, 4, 6  # in the first token: where the beat begins, its values, and the speaking
REMEMBERED = 96  # frames, 4 s
SHORTEST, LONGEST = 6, 36  # frames from beat to beat: 240 to 40 a minute
ALIKE = 0.85


class Beat:
    """What is regular in what begins; one stream's, in order."""

    def __init__(self) -> None:
        self._before: Tensor | None = None
        self._risen = torch.zeros(REMEMBERED)

    def follow(self, bands: Tensor) -> Tensor:
        """The next frame's levels [15] -> [4]: how much begins in it, beside what usually does; how regular beginnings
        were, 0..1; and by that, sine and cosine of where it lies between two beats (0: on one)."""
        rise = 0.0 if self._before is None else float((bands - self._before).clamp_min(0).mean())
        self._before = bands
        self._risen = torch.cat([self._risen[1:], torch.tensor([rise])])
        usual = float(self._risen.mean())
        begins = min(rise / (4 * usual + 0.02), 1.0)
        period, regular = self._period(self._risen - usual)
        turns = torch.arange(REMEMBERED - 1, -1, -1) * (2 * torch.pi / period)
        since = torch.atan2((self._risen * turns.sin()).sum(), (self._risen * turns.cos()).sum())
        return torch.tensor([begins, regular, regular * float(since.sin()), regular * float(since.cos())])

    @staticmethod
    def _period(risen: Tensor) -> tuple[int, float]:
        """Frames from beat to beat by autocorrelation, and how much of what rises comes again after them: the
        shortest of periods that are about as good, for twice a period is one too."""
        power = torch.fft.rfft(risen, 2 * REMEMBERED).abs().square()
        again = torch.fft.irfft(power)[: LONGEST + 1]
        if float(again[0]) < 1e-4:
            return SHORTEST, 0.0
        share = again / again[0] * REMEMBERED / (REMEMBERED - torch.arange(LONGEST + 1))
        period = SHORTEST + int((share[SHORTEST:] > ALIKE * share[SHORTEST:].max()).int().argmax())
        return period, min(max(float(share[period]), 0.0), 1.0)


def features(pcm: Tensor) -> Tensor:
    """pcm [..., 1000] in [-1, 1] -> [..., 2, 16], in [0, 1]: (loudness, peak, zeros), (15 bands, 100 Hz to 10 kHz).
    Where the zeros are, who follows the stream writes its beat and whether somebody speaks (`in_stream`).

    Levels are decibels over FLOOR_DB, divided by its size. What is not finite counts as silence."""
    if pcm.shape[-1] != SAMPLES:
        raise ValueError(f"expected {SAMPLES} samples a frame, got {pcm.shape[-1]}")
    pcm = torch.nan_to_num(pcm.float(), 0.0, 0.0, 0.0).clamp(-1, 1)
    window = torch.hann_window(SAMPLES, device=pcm.device)
    power = torch.fft.rfft(pcm * window).abs().square() / (window.sum() / 2) ** 2
    edges = torch.logspace(2, 4, BANDS + 1, device=pcm.device) * SAMPLES / RATE
    bins = torch.arange(power.shape[-1], device=pcm.device)
    inside = (bins[:, None] >= edges[:-1].floor()) & (
        bins[:, None] < edges[1:].floor().clamp_min(1 + edges[:-1].floor())
    )
    spectrum = _level(power @ inside.to(power.dtype))
    rms, peak = pcm.square().mean(-1, keepdim=True), pcm.abs().amax(-1, keepdim=True).square()
    first = torch.cat([_level(2 * rms), _level(peak), torch.zeros_like(spectrum[..., :14])], -1)
    return torch.stack([first, torch.cat([spectrum, torch.zeros_like(rms)], -1)], -2)


def in_stream(pcm: Tensor, beat: Beat, speaking: float) -> Tensor:
    """The features [2, 16] of the next frame [1000] of one stream, with its beat and how likely somebody speaks."""
    tokens = features(pcm)
    tokens[0, BEAT_FROM : BEAT_FROM + BEAT] = beat.follow(tokens[1, :BANDS])
    tokens[0, SPEAKING] = min(max(speaking, 0.0), 1.0)
    return tokens


def values(tokens: Tensor) -> list[float]:
    """What features [2, 16] say, for people: loudness, peak, the bands, the beat, and whether somebody speaks."""
    first, second = tokens[0, : SPEAKING + 1].tolist(), tokens[1, :BANDS].tolist()
    return [round(value, 3) for value in (*first[:BEAT_FROM], *second, *first[BEAT_FROM:])]


def _level(power: Tensor) -> Tensor:
    return (1 - 10 * power.clamp_min(1e-12).log10() / FLOOR_DB).clamp(0, 1)
