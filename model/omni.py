"""The Omni transformer: blocks of tokens (text, sound, controls, state, a noisy frame and the view known of it) in,
clean latents and what comes next out. Knows nothing of sampling schedules, sessions or files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from model import checkpoint
from model.attention import Past, SpaceAttention, TimeAttention, rotary_angles, turning
from model.conditioning import audio, control, state

KIND = "omni"  # of checkpoint files
GRID = (9, 16)  # video tokens, rows and columns, of 2 x 2 latent cells
CHANNELS = 16
PATCH = 4 * CHANNELS
LIGHT = 7
HEAVENS = 24  # where sun and moon stand, see model/heavens.py
ABOVE = slice(PATCH + 8, PATCH + 8 + HEAVENS)
# latents of the known view; per cell how much of it is known and its grain; sun and moon; change of light since
VIEW = PATCH + 8 + HEAVENS + LIGHT
DETAIL = 24  # channels a latent cell that the last convolutions read of each video token
TEXT_WIDTH = 384
HARMONICS = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0])  # of the sun's turn: dusk is 3 % of it
SKY_FEATURES = 2 * len(HARMONICS) + len(state.SKY) - 1
KEEP_AT_FIRST = 2.2  # logit of 0.9: untrained, a frame is nine tenths of what is known of its view
TRUST_AT_FIRST = -1.0  # logit of the share of the known view that then replaces what the network proposes
GROUPS = {
    "instruction": 8,
    "sampler": 1,
    "audio": 2,
    "control": 1,
    "state": 4,
    "register": 2,
    "video": GRID[0] * GRID[1],
}
FIRST_CARRIED = GROUPS["instruction"] + GROUPS["sampler"]  # these two are fed anew and not carried over time
BLOCK = sum(GROUPS.values())
VIDEO_FROM = BLOCK - GROUPS["video"]
STATE_FROM = FIRST_CARRIED + GROUPS["audio"] + GROUPS["control"]


@dataclass(frozen=True)
class OmniConfig:
    """Width, depth and heads; every `time_every`-th layer attends over time, `window` frames back."""

    width: int = 192
    layers: int = 8
    heads: int = 3
    hidden: int = 512
    time_every: int = 4
    window: int = 8

    def __post_init__(self) -> None:
        if self.layers % self.time_every:
            raise ValueError(f"layers must be a multiple of time_every; got {self.layers} and {self.time_every}")
        if self.window < 1:
            raise ValueError(f"window must be at least 1 frame; got {self.window}")

    @property
    def time_layers(self) -> int:
        return self.layers // self.time_every


class Given(NamedTuple):
    """All that is given of T frames besides the noisy latents. B worlds, T frames."""

    instruction: Tensor  # [B, T, 8, D] resampled text, age not yet added
    age_s: Tensor  # [B, T] seconds since the prompt came
    audio: Tensor  # [B, T, 2, 16]
    control: Tensor  # [B, T, 12]
    state: Tensor  # [B, T, 4, 8]
    view: Tensor  # [B, T, 144, 103]
    signal: Tensor  # [B, T] tau, 0 noise, 1 clean
    step: Tensor  # [B, T] step size d


def given_alone(
    instruction: Tensor, age_s: float, known_state: Tensor, view: Tensor, levels: tuple[float, float]
) -> Given:
    """Of a frame alone, in which nobody steers or speaks: instruction [1, 8, D], state tokens [4, 8], view
    [1, 144, 103]; levels are tau and d."""
    still = control.features(torch.zeros(len(control.HELD) + 2))[None, None]
    silence, (signal, step) = torch.zeros(1, 1, 2, audio.WIDTH), (torch.full((1, 1), level) for level in levels)
    age = torch.full((1, 1), age_s)
    return Given(instruction[:, None], age, silence, still, known_state[None, None], view[:, None], signal, step)


class Seen(NamedTuple):
    """What the network makes of them."""

    clean: Tensor  # [B, T, 144, 64] latents of the clean frame, patched
    hidden: Tensor  # [B, T, 4 D] what the motion head needs
    kept: list[Past]  # keys and values of these frames, a pair a time layer
    trust: Tensor  # [B, T, 144, 4] how much of each latent cell is the known view's, in [0, 1]


def patch(latents: Tensor) -> Tensor:
    """[..., C, 18, 32] -> [..., 144, 4 C]."""
    return rearrange(latents, "... c (h y) (w x) -> ... (h w) (c y x)", y=2, x=2)


def unpatch(tokens: Tensor) -> Tensor:
    """[..., 144, 4 C] -> [..., C, 18, 32]."""
    return rearrange(tokens, "... (h w) (c y x) -> ... c (h y) (w x)", h=GRID[0], y=2, x=2)


class Feed(nn.Module):
    """SwiGLU."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.up(x).chunk(2, -1)
        return self.down(F.silu(gate) * value)


class Layer(nn.Module):
    """Pre-norm attention (in space or over time) and feed-forward."""

    attention: SpaceAttention | TimeAttention

    def __init__(self, config: OmniConfig, over_time: bool):
        super().__init__()
        width, heads = config.width, config.heads
        self.attention = TimeAttention(width, heads) if over_time else SpaceAttention(width, heads, GRID)
        self.feed = Feed(config.width, config.hidden)
        self.before_attention = nn.RMSNorm(config.width, 1e-6)
        self.before_feed = nn.RMSNorm(config.width, 1e-6)

    def forward(self, x: Tensor, turn: Tensor, mask: Tensor, before: Past | None = None) -> tuple[Tensor, Past | None]:
        """Blocks x [B * T, BLOCK, D] of B worlds; turn as SpaceAttention's; mask [B or 1, T, W + T] and the past
        `before` as TimeAttention's -> what comes next, and of a layer over time what it keeps of these frames."""
        y, kept = self.before_attention(x), None
        if isinstance(self.attention, TimeAttention):
            frames = mask.shape[1]
            moved, kept = self.attention(y[:, FIRST_CARRIED:].unflatten(0, (-1, frames)), mask, before)
            x = x + F.pad(moved.flatten(0, 1), (0, 0, FIRST_CARRIED, 0))
        else:
            x = x + self.attention(y, turn)
        return x + self.feed(self.before_feed(x)), kept


class Finish(nn.Module):
    """Two convolutions over the latents, cell by cell: mends what tokens of four cells leave at their borders."""

    def __init__(self, width: int, inner: int = 64):
        super().__init__()
        self.detail = nn.Linear(width, 4 * DETAIL)
        self.mix = nn.Conv2d(2 * CHANNELS + 1 + DETAIL, inner, 3, padding=1)
        self.out = nn.Conv2d(inner, CHANNELS, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        if self.out.bias is not None:
            nn.init.zeros_(self.out.bias)

    def forward(self, clean: Tensor, hidden: Tensor, view: Tensor) -> Tensor:
        """Clean latents and view [..., 144, 64 or 103], hidden [..., 144, D] -> corrected clean latents."""
        shape = clean.shape
        seen = view[..., : PATCH + 4].to(clean.dtype)
        parts = [part.flatten(0, -3) for part in (clean, seen[..., :PATCH], seen[..., PATCH:], self.detail(hidden))]
        x = torch.cat([unpatch(part) for part in parts], 1).contiguous(memory_format=torch.channels_last)
        return clean + patch(self.out(F.silu(self.mix(x)))).view(shape)


class Resampler(nn.Module):
    """Learned queries read a sentence's features: [P, 32, 384] and mask -> [P, 8, D]."""

    def __init__(self, width: int):
        super().__init__()
        self.queries = nn.Parameter(torch.randn(GROUPS["instruction"], width) * 0.02)
        self.keys = nn.Linear(TEXT_WIDTH, width, bias=False)
        self.values = nn.Linear(TEXT_WIDTH, width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        q = self.queries.expand(features.shape[0], -1, -1)
        k, v = F.rms_norm(self.keys(features), (q.shape[-1],)), self.values(features)
        q, k, v = (part.unflatten(-1, (3, -1)).transpose(1, 2) for part in (q.to(k.dtype), k, v))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None])
        return self.out(y.transpose(1, 2).flatten(2))


class Omni(nn.Module):
    """About 4M parameters at the default size. See the module's types for shapes."""

    angles: Tensor
    turn: Tensor

    def __init__(self, config: OmniConfig):
        super().__init__()
        self.config = config
        width = config.width
        self.resample = Resampler(width)
        self.age = nn.Linear(3, width, bias=False)
        self.sampler = nn.Linear(16, width)
        self.audio = nn.Linear(audio.WIDTH, width)
        self.control = nn.Linear(control.WIDTH, width)
        self.state = nn.Linear(state.WIDTH, width)
        self.register = nn.Parameter(torch.randn(GROUPS["register"], width) * 0.02)
        self.noisy = nn.Linear(PATCH, width)
        self.view = nn.Linear(VIEW, width)
        self.slot = nn.Parameter(torch.randn(BLOCK, width) * 0.02)
        self.layers = nn.ModuleList(Layer(config, (i + 1) % config.time_every == 0) for i in range(config.layers))
        self.norm = nn.RMSNorm(width, 1e-6)
        self.video_out = nn.Linear(width, PATCH)
        self.keep_view = nn.Linear(width, PATCH)
        self.finish = Finish(width)
        self.trust = nn.Linear(width, PATCH)
        drifted = nn.Linear(width, len(state.SKY))
        self.sky = nn.Sequential(
            nn.Linear(width + SKY_FEATURES, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), drifted
        )
        moved = nn.Linear(width, 4)
        self.motion = nn.Sequential(nn.Linear(4 * width + control.WIDTH + 4, width), nn.SiLU(), moved)
        self.names = nn.Linear(width, len(state.PLACES) + len(state.TIMES) + len(state.WEATHERS) + 3)
        for silent in (self.video_out, drifted, moved):
            nn.init.zeros_(silent.weight)
            nn.init.zeros_(silent.bias)
        nn.init.zeros_(self.keep_view.weight)
        nn.init.constant_(self.keep_view.bias, KEEP_AT_FIRST)
        nn.init.zeros_(self.trust.weight)
        nn.init.constant_(self.trust.bias, TRUST_AT_FIRST)
        for layer in self.stack():
            for last in (layer.attention.out, layer.feed.down):
                nn.init.normal_(last.weight, std=0.02 / (2 * config.layers) ** 0.5 * 4)
        self.register_buffer("angles", self._space_angles(), persistent=False)
        self.register_buffer("turn", turning(self.angles), persistent=False)

    @classmethod
    def load(cls, path: Path) -> Omni:
        """The network of a checkpoint file, not trainable. Raises CheckpointError."""
        return checkpoint.restored(path, KIND, OmniConfig, cls)

    def stack(self) -> list[Layer]:
        """The layers, by their type."""
        return cast("list[Layer]", list(self.layers))

    def _space_angles(self) -> Tensor:
        """[BLOCK, head width / 2]: half of the pairs turn with the row, half with the column; others stay."""
        half = self.config.width // self.config.heads // 2
        rows, columns = torch.meshgrid(torch.arange(GRID[0]), torch.arange(GRID[1]), indexing="ij")
        scale = 3.0  # radians of the fastest pair between two neighbours, on a grid of 16 columns
        y, x = (part.flatten() / GRID[1] * 16 / scale for part in (rows, columns))
        both = torch.cat([rotary_angles(y, half, 16.0), rotary_angles(x, half, 16.0)], -1)
        return torch.cat([torch.zeros(VIDEO_FROM, half), both])

    def tokens(self, noisy: Tensor, given: Given) -> Tensor:
        """[B, T, 144, 64] and what is given -> the blocks' input [B, T, BLOCK, D]."""
        batch, frames = noisy.shape[:2]
        age = torch.stack([torch.exp(-given.age_s / s) for s in (0.5, 2.0, 8.0)], -1)
        told = given.instruction + self.age(age.to(given.instruction.dtype))[:, :, None]
        sampler = self.sampler(_levels(given.signal, given.step).to(noisy.dtype))[:, :, None]
        register = self.register.to(noisy.dtype).expand(batch, frames, -1, -1)
        video = self.noisy(noisy) + self.view(given.view)
        parts = [
            told,
            sampler,
            self.audio(given.audio),
            self.control(given.control)[:, :, None],
            self.state(given.state),
        ]
        return torch.cat([*parts, register, video], 2) + self.slot.to(noisy.dtype)

    def forward(self, noisy: Tensor, given: Given, mask: Tensor, past: list[Past] | None = None) -> Seen:
        """noisy [B, T, 144, 64]; mask [B or 1, T, W + T] over W past frames and these; past: a pair a layer."""
        batch, frames = noisy.shape[:2]
        x = self.tokens(noisy, given).flatten(0, 1)
        kept: list[Past] = []
        for layer in self.stack():
            x, pair = layer(x, self.turn, mask, past[len(kept)] if past else None)
            if pair is not None:
                kept.append(pair)
        return self.read(x.unflatten(0, (batch, frames)), given, kept)

    def read(self, x: Tensor, given: Given, kept: list[Past]) -> Seen:
        """What the heads make of the last layer's output [B, T, BLOCK, D]."""
        x = self.norm(x)
        share = given.view[..., PATCH : PATCH + 4].repeat(1, 1, 1, CHANNELS)
        known, video = given.view[..., :PATCH], x[:, :, VIDEO_FROM:]
        proposed = self.video_out(video) + torch.sigmoid(self.keep_view(video)) * known * share
        proposed = self.finish(proposed, video, given.view)
        trust = torch.sigmoid(self.trust(video)) * share
        clean = torch.lerp(proposed, known.to(proposed.dtype), trust)
        hidden = x[:, :, STATE_FROM : STATE_FROM + GROUPS["state"]].flatten(2)
        cells = torch.eye(4, dtype=trust.dtype, device=trust.device).repeat(CHANNELS, 1) / CHANNELS
        return Seen(clean, hidden, kept, trust @ cells)

    def move(self, hidden: Tensor, controls: Tensor, velocity: Tensor, ground: Tensor) -> tuple[Tensor, Tensor]:
        """The motion head. hidden [..., 4 D] of the last frame, this frame's control features [..., 12], the last
        velocity [..., 3] m/s in this frame's body frame -> velocity of this frame [..., 3] m/s, logit of contact."""
        moving = torch.cat([velocity / state.SPEED_M_S, ground[..., None]], -1).to(hidden.dtype)
        out = self.motion(torch.cat([hidden, controls.to(hidden.dtype), moving], -1)).float()
        return (out[..., :3] + moving[..., :3].float()) * state.SPEED_M_S, out[..., 3]

    def drift(self, instruction: Tensor, sky: Tensor) -> Tensor:
        """The sky head. Resampled text [P, 8, D] and skies [P, 6] -> rates [P, 6] toward what the text asks for, in
        nominal units, not snapped."""
        turn = sky[:, :1] * (2 * torch.pi * HARMONICS.to(sky))
        return self.sky(torch.cat([instruction.mean(1), turn.sin(), turn.cos(), sky[:, 1:]], -1))

    def name(self, instruction: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Resampled text [P, 8, D] -> logits of place, time and weather; the last of each means: not said."""
        sizes = [len(state.PLACES) + 1, len(state.TIMES) + 1, len(state.WEATHERS) + 1]
        place, time, weather = self.names(instruction.mean(1)).split(sizes, -1)
        return place, time, weather


def _levels(signal: Tensor, step: Tensor) -> Tensor:
    """[...] twice -> [..., 16], smooth features of both."""
    octaves = torch.arange(-1.0, 3.0, device=signal.device)  # no copy from the host: CUDA graphs hold none
    frequencies = torch.exp2(octaves) * torch.pi
    at = torch.stack([signal, torch.log2(step.clamp_min(1 / 64)) / 6 + 1], -1)[..., None] * frequencies
    return torch.cat([at.sin(), at.cos()], -1).flatten(-2)


def view_tokens(latents: Tensor, known: Tensor, grain: Tensor, change: Tensor) -> Tensor:
    """The known view as input: latents [..., 16, 18, 32], known and grain [..., 1, 18, 32] in 0..1, change of light
    [..., 7, 18, 32] -> [..., 144, 103], in which nothing is said of sun and moon yet."""
    light = rearrange(change, "... c (h y) (w x) -> ... (h w) c (y x)", y=2, x=2).mean(-1)
    unsaid = light.new_zeros(*light.shape[:-1], HEAVENS)
    return torch.cat([patch(latents), patch(known), patch(grain), unsaid, light], -1)
