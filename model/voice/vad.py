"""Is somebody speaking? silero-vad (MIT, installed as a package and known by its sha256) in plain torch, streaming.
Knows 32 ms at 16 kHz; refuses to know what is said."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from model.checkpoint import CheckpointError, load_into, verify

PACKAGE, FILE = "silero-vad", "silero_vad_16k.safetensors"
WEIGHTS_SHA256 = "c59271c284ae9c8335d795d60e0bfdb71aaaceec578d9bd9ffc1b8153c319ea1"
CHUNK = 512
CONTEXT = 64  # samples of the chunk before
HALF = 129  # of the transform's outputs: real parts, then imaginary ones


def weights_file() -> Path:
    """The installed package's file; the package itself is never imported. Raises CheckpointError."""
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError:
        raise CheckpointError(f"expected the package {PACKAGE}, found it not installed: run scripts/setup") from None
    for file in files:
        if file.name == FILE:
            return Path(str(file.locate()))
    raise CheckpointError(f"expected {FILE} in the package {PACKAGE}, found {len(files)} other files")


class _Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 2 * HALF, 256, 128, bias=False)
        self.conv1 = nn.Conv1d(HALF, 128, 3, 1, 1)
        self.conv2 = nn.Conv1d(128, 64, 3, 2, 1)
        self.conv3 = nn.Conv1d(64, 64, 3, 2, 1)
        self.conv4 = nn.Conv1d(64, 128, 3, 1, 1)
        self.lstm_cell = nn.LSTMCell(128, 128)
        self.final_conv = nn.Conv1d(128, 1, 1)

    def forward(self, pcm: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        x = self.stft_conv(F.pad(pcm[:, None], (0, CONTEXT), "reflect"))
        x = torch.hypot(x[:, :HALF], x[:, HALF:])
        for convolve in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = F.relu(convolve(x))
        hidden, cell = self.lstm_cell(x[..., -1], state)
        return self.final_conv(F.relu(hidden)[..., None]).sigmoid().flatten(), (hidden, cell)


class VoiceActivity:
    """One stream's. Build it with `load()`, once; `fresh()` makes another stream of the same weights."""

    def __init__(self, network: _Network) -> None:
        self._network = network.eval().requires_grad_(False)
        self._state = (torch.zeros(1, 128), torch.zeros(1, 128))
        self._before = torch.zeros(1, CONTEXT)

    @classmethod
    def load(cls) -> VoiceActivity:
        """Raises CheckpointError."""
        path = weights_file()
        verify(path, WEIGHTS_SHA256)
        network = _Network()
        load_into(network, load_file(path), PACKAGE)
        return cls(network)

    def fresh(self) -> VoiceActivity:
        """Another stream, from its beginning."""
        return VoiceActivity(self._network)

    @torch.inference_mode()
    def likely(self, chunk: Tensor) -> float:
        """How likely somebody speaks in the next 512 samples, [512] in [-1, 1] at 16 kHz."""
        if chunk.shape != (CHUNK,):
            raise ValueError(f"expected {CHUNK} samples, got {tuple(chunk.shape)}")
        speech, self._state = self._network(torch.cat([self._before, chunk[None]], 1), self._state)
        self._before = chunk[None, -CONTEXT:].clone()
        return float(speech[0])
