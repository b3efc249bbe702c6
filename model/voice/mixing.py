"""Batches of utterances mixed where the network is, all rows at once: what batches.py does row by row, for a GPU.
Knows the rooms, microphones and backgrounds of rooms.py; a batch is a function of its seed and the files taken up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.voice import stock, utterances
from model.voice.batches import LEAD_S, OTHER, QUICK, SPREAD, TAIL_S, Background, Batch, Surroundings
from model.voice.spectra import RATE, STEP

SIZE = 4800  # a batch is a multiple of it long: of QUICK and of STEP, so that few lengths of transforms occur
ROOM = 2 * SIZE  # the longest answer of a room
NOISE, MUSIC, WORLD = range(3)
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """What chance decides of each row of a batch [B]: its utterance, kind, silence before it, samples, and what is
    behind it (a row of music is nothing but what is behind it)."""

    index: Ints
    kind: Ints
    lead: Ints
    samples: Ints
    behind: Ints

    @property
    def spoken(self) -> NDArray[np.bool_]:
        return (self.kind == utterances.SPEECH) | (self.kind == utterances.TALK)


class Mixer:
    """Clean speech, music and worlds' sounds on a device; batches of them as a microphone would give them."""

    def __init__(self, folder: Path, background: Background, device: torch.device) -> None:
        self._folder, self._device = folder, device
        shortest = min((len(one) for one in background.worlds), default=0)
        self._worlds = torch.zeros(0, 0, device=device)
        if shortest >= stock.PIECE:
            cut = np.stack([one[:shortest] for one in background.worlds])
            self._worlds = torch.from_numpy(cut).float().to(device)
        self._music = torch.zeros(0, stock.PIECE, dtype=torch.int16, device=device)
        self._clean = torch.zeros(0, dtype=torch.int16, device=device)
        self._used = self._files = 0
        self._first, self._length, self._sentence = (np.zeros(0, np.int64) for _ in range(3))
        self._by_length = np.zeros(0, np.int64)

    @property
    def count(self) -> int:
        return len(self._length)

    def grow(self, files: int) -> None:
        """Takes up one more file where fewer than `files` are taken up, if it is written by now."""
        if self._files >= files or not stock.written(self._folder, self._files):
            return
        pcm, lengths, sentences = utterances.batch(self._folder, self._files)
        self._append(pcm)
        ends = self._used - len(pcm) + lengths.cumsum(0)
        self._first = np.concatenate([self._first, (ends - lengths).numpy()])
        self._length = np.concatenate([self._length, lengths.numpy()])
        self._sentence = np.concatenate([self._sentence, sentences.numpy()])
        self._by_length = np.argsort(self._length, kind="stable")
        self._music = torch.cat([self._music, stock.music(self._folder, self._files).to(self._device)])
        self._files += 1

    def _append(self, pcm: Tensor) -> None:
        if self._used + len(pcm) > len(self._clean):
            roomy = torch.zeros((self._used + len(pcm)) * 5 // 4, dtype=torch.int16, device=self._device)
            roomy[: self._used] = self._clean[: self._used]
            self._clean = roomy
        self._clean[self._used : self._used + len(pcm)] = pcm.to(self._device)
        self._used += len(pcm)

    def batch(self, rows: int, seed: list[int], where: Surroundings) -> Batch:
        """Rows by chance of about the same length, most of them speech. pcm is on the device, the rest is not."""
        rng = np.random.default_rng(seed)
        plan = self._plan(rows, rng)
        chance = torch.Generator(self._device).manual_seed(int(rng.integers(2**62)))
        at = torch.arange(-(-int(plan.samples.max()) // SIZE) * SIZE, device=self._device)
        inside = at < self._put(plan.samples)
        behind = self._behind(plan, at, rng, chance) * inside
        voice = self._voices(plan, at)
        if where.rooms:
            voice = in_rooms(voice, [self._put(one) for one in _answers(rng, rows, where.rooms)], chance)
        snr_db = self._put(rng.uniform(where.low_db, where.high_db, rows))
        heard = torch.where(self._put(plan.spoken), mixed(voice * inside, behind, inside, snr_db), behind)
        heard = through_microphones(heard, inside, [self._put(one) for one in _microphones(rng, rows)])
        heard *= self._put(np.where(plan.kind == utterances.SILENCE, rng.uniform(0.0, 0.6, rows), 1.0))
        sentence = np.where(plan.spoken, self._sentence[plan.index], -1)
        told = (torch.from_numpy(one) for one in (plan.samples // STEP, sentence, plan.kind))
        return Batch(heard, *told)

    def _plan(self, rows: int, rng: np.random.Generator) -> Plan:
        first = int(rng.integers(max(self.count - SPREAD * rows, 1)))
        near = self._by_length[first : first + SPREAD * rows]
        index, chance = near[rng.integers(len(near), size=rows)], rng.uniform(size=rows)
        said = np.where(self._sentence[index] >= 0, utterances.SPEECH, utterances.TALK)
        other = np.where(chance < OTHER, utterances.MUSIC, utterances.SILENCE)
        kind = np.where(chance > 2 * OTHER, said, other)
        lead, tail = ((rng.uniform(*bounds, rows) * RATE).astype(np.int64) for bounds in (LEAD_S, TAIL_S))
        samples = -(-(self._length[index] + lead + tail) // QUICK) * QUICK
        chance = rng.uniform(size=rows)
        behind = np.where(chance < 0.5, NOISE, np.where(chance < 0.7, MUSIC, WORLD if len(self._worlds) else NOISE))
        return Plan(index, kind, lead, samples, np.where(kind == utterances.MUSIC, MUSIC, behind))

    def _put(self, values: NDArray) -> Tensor:
        """A column [B, 1] on the device; in single precision where there are fractions."""
        column = torch.from_numpy(np.ascontiguousarray(values))[:, None]
        return (column.float() if column.is_floating_point() else column).to(self._device, non_blocking=True)

    def _voices(self, plan: Plan, at: Tensor) -> Tensor:
        """Clean utterances [B, S] after their silence."""
        length = self._put(self._length[plan.index])
        since = at - self._put(plan.lead)
        said = self._clean[self._put(self._first[plan.index]) + since.clamp_min(0).minimum(length - 1)]
        return said.float() / 32768 * ((since >= 0) & (since < length))

    def _behind(self, plan: Plan, at: Tensor, rng: np.random.Generator, chance: torch.Generator) -> Tensor:
        """Noise, music or a piece of a world's sound [B, S]."""
        rows = len(plan.index)
        tilt, hum = rng.uniform(0.0, 1.0, rows), rng.choice([50, 60, 100], rows) * (rng.uniform(size=rows) < 0.2)
        made = noises(self._put(tilt), self._put(hum), len(at), chance)
        for which, bank in ((MUSIC, self._music), (WORLD, self._worlds)):
            if len(bank):
                row, first = rng.integers(len(bank), size=rows), rng.integers(bank.shape[1] - len(at), size=rows)
                piece = bank[self._put(row), self._put(first) + at].float()
                made = torch.where(self._put(plan.behind == which), piece, made)
        return made / made.square().mean(1, keepdim=True).sqrt().clamp_min(1e-6)


def noises(tilt: Tensor, hum_hz: Tensor, samples: int, chance: torch.Generator) -> Tensor:
    """Noise [B, samples] between white (a tilt of 0) and brown (1), with a hum where its frequency is not 0."""
    device = tilt.device
    hz = torch.fft.rfftfreq(samples, 1 / RATE, device=device).clamp_min(20.0)
    white = torch.randn(len(tilt), samples, generator=chance, device=device)
    made = torch.fft.irfft(torch.fft.rfft(white) * hz**-tilt, samples)
    seconds = torch.arange(samples, device=device) / RATE
    return made / (made.std(1, keepdim=True) + 1e-9) + 0.7 * (2 * torch.pi * hum_hz * seconds).sin()


def _answers(rng: np.random.Generator, rows: int, share: float) -> list[NDArray]:
    """Of each row's room [B]: samples until its sound has fallen by 60 dB, how strong it is, and whether it is one."""
    return [rng.uniform(0.1, 0.6, rows) * RATE, rng.uniform(0.1, 0.8, rows), rng.uniform(size=rows) < share]


def in_rooms(voice: Tensor, answers: list[Tensor], chance: torch.Generator) -> Tensor:
    """Voices [B, S] with what comes again of each."""
    count, strength, is_room = answers
    at = torch.arange(ROOM, device=voice.device)
    answer = torch.randn(len(voice), ROOM, generator=chance, device=voice.device)
    answer *= (-6.9 * at / count).exp() * (at < count)
    answer *= strength * is_room / answer.square().sum(1, keepdim=True).sqrt()
    answer[:, 0] = 1.0
    size = voice.shape[1] + ROOM
    return torch.fft.irfft(torch.fft.rfft(voice, size) * torch.fft.rfft(answer, size), size)[:, : voice.shape[1]]


def mixed(voice: Tensor, behind: Tensor, inside: Tensor, snr_db: Tensor) -> Tensor:
    """Voices over backgrounds [B, S], so much louder by their samples that are not silence."""
    loud = voice.abs() > 0.05 * voice.abs().amax(1, keepdim=True).clamp_min(1e-9)
    power = (voice.square() * loud).sum(1, keepdim=True) / loud.sum(1, keepdim=True).clamp_min(1)
    under = behind.square().sum(1, keepdim=True) / inside.sum(1, keepdim=True)
    return voice + (power / under.clamp_min(1e-12)).sqrt() * 10 ** (-snr_db / 20) * behind


def _microphones(rng: np.random.Generator, rows: int) -> list[NDArray]:
    """Of each row's microphone [B]: its edges in Hz, tilt, and level."""
    telephone = rng.uniform(size=rows) < 0.15
    low = np.where(telephone, 300.0, rng.uniform(20, 180, rows))
    high = np.where(telephone, 3400.0, rng.uniform(5000, 8000, rows))
    level = 10 ** rng.uniform(-1.6, -0.1, rows) * np.where(rng.uniform(size=rows) < 0.05, 3.0, 1.0)
    return [low, high, rng.uniform(-0.35, 0.35, rows), level]


def through_microphones(pcm: Tensor, inside: Tensor, microphones: list[Tensor]) -> Tensor:
    """Waves [B, S] through a microphone each, and nothing outside."""
    low, high, tilt, level = microphones
    samples = pcm.shape[1]
    hz = torch.fft.rfftfreq(samples, 1 / RATE, device=pcm.device).clamp_min(1.0)
    response = (hz / 1000) ** tilt / (1 + (low / hz) ** 4) / (1 + (hz / high) ** 8)
    heard = torch.fft.irfft(torch.fft.rfft(pcm) * response, samples) * inside
    return (heard * (level / heard.abs().amax(1, keepdim=True).clamp_min(1e-6))).clamp(-1, 1)
