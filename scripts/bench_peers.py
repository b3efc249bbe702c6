"""Our dynamics beside published world models, one frame each in turn: `scripts/bench_peers.py --peer NAME=PATH ...`.
Knows their constructors and what they import; copies nothing of theirs. PATH is a checkout, outside this one, of

    self-forcing   github.com/guandeh17/Self-Forcing
    dreamer4       github.com/nicklashansen/dreamer4
    world-engine   github.com/Overworldai/world_engine
    diamond        github.com/eloialonso/diamond

Every subject has random weights, and as near as its architecture allows the Omni's tokens a frame, width, depth, feed-
forward weights, context and sampling steps; its cache is full. What a peer imports that only CUDA has, or that is not
installed, is replaced by something that computes the same: see STOOD_IN, which the table repeats."""

from __future__ import annotations

import engine.openmp  # noqa: F401  before anything that loads torch

# isort: split
import argparse
import importlib
import json
import math
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.dynamics import STEPS, Dynamics
from model import native
from model.omni import BLOCK, CHANNELS, GRID, GROUPS, PATCH, TEXT_WIDTH, VIEW, Omni, OmniConfig, given_alone
from model.omni_int8 import quick_omni

CONFIG = OmniConfig()
TOKENS, LATENTS = GROUPS["video"], (CHANNELS, 2 * GRID[0], 2 * GRID[1])
FEED = 3 * CONFIG.hidden // 2  # of a feed-forward of two matrices, with as many weights as three of `hidden`
Frame = Callable[[], object]
Builder = Callable[[Path, torch.dtype], Frame]
STOOD_IN = {
    "ours": "the engine's network, as it is served",
    "ours-in-torch": "the same network without the engine's kernels",
    "self-forcing": "flash attention -> scaled_dot_product_attention; diffusers' mixins -> nn.Module; attends to all "
    "tokens of the window; its further call that commits a frame is not counted",
    "dreamer4": "nothing; it has no cache and computes the window anew in each call",
    "dreamer4-alone": "the same with no past at all: less than it needs",
    "world-engine": "flex_attention -> scaled_dot_product_attention with the same mask; tensordict -> dict; rotary "
    "tables by the same formula; not compiled; its further call that commits a frame is not counted",
    "diamond": "a U-Net of one resolution, 7 blocks of two 3x3 convolutions; the past as channels",
}


def stand_in(name: str, **members: Any) -> ModuleType:
    """A module of that name, unless there is one."""
    try:
        return importlib.import_module(name)
    except ImportError:
        module = ModuleType(name)
        module.__dict__.update(members)
        sys.modules[name] = module
        return module


def package(name: str, folder: Path) -> None:
    """A package whose modules lie there; its own __init__, which imports all sorts of things, is not run."""
    if not folder.is_dir():
        raise FileNotFoundError(f"expected the folder {folder}; is this a checkout of that peer?")
    module = ModuleType(name)
    module.__path__ = [str(folder)]
    sys.modules[name] = module


def attention(q: Tensor, k: Tensor, v: Tensor, **_: object) -> Tensor:
    """[B, N, H, D] of each, all to all."""
    q, k, v = (part.transpose(1, 2) for part in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2)


def seen_by_mask(
    q: Tensor, k: Tensor, v: Tensor, block_mask: Any = None, enable_gqa: bool = False, **_: object
) -> Tensor:
    """What flex_attention computes for masks that depend on the key alone, as world_engine's do."""
    mask = None
    if block_mask is not None:
        none = torch.zeros((), dtype=torch.long)
        mask = block_mask.mask_mod(none, none, none, torch.arange(k.shape[2]))[None, None, None]
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=enable_gqa)


class Rotary(nn.Module):
    """The tables of rotary_embedding_torch that world_engine asks for."""

    def __init__(self, dim: int, freqs_for: str, max_freq: float = 10.0):
        super().__init__()
        lang = 1.0 / 10000 ** (torch.arange(0, dim, 2).float() / dim)
        self.freqs = lang if freqs_for == "lang" else torch.linspace(1.0, max_freq / 2, dim // 2) * math.pi

    def forward(self, positions: Tensor) -> Tensor:
        return (positions[..., None].float() * self.freqs).repeat_interleave(2, -1)


def ours(network: Any) -> Frame:
    """A frame of the Omni, as the engine samples it."""
    dynamics = Dynamics(network, CONFIG)
    state = torch.randn(GROUPS["state"], 8)
    given = given_alone(torch.randn(1, 8, CONFIG.width), 1.0, state, torch.randn(1, TOKENS, VIEW), (0.0, 1.0))
    noise = torch.randn(1, 1, TOKENS, PATCH)
    for _ in range(CONFIG.window):
        dynamics.denoise(noise, given)
    return lambda: dynamics.denoise(noise, given)


def self_forcing(path: Path, dtype: torch.dtype) -> Frame:
    """CausalWanModel, a latent frame at a time."""
    stand_in("diffusers")
    stand_in("diffusers.models")
    stand_in("diffusers.configuration_utils", ConfigMixin=object, register_to_config=lambda init: init)
    stand_in("diffusers.models.modeling_utils", ModelMixin=nn.Module)
    package("wan", path / "wan")
    package("wan.modules", path / "wan" / "modules")
    module = importlib.import_module("wan.modules.causal_model")
    module.attention = attention
    importlib.import_module("wan.modules.model").flash_attention = attention
    window, width, heads = CONFIG.window + 1, CONFIG.width, CONFIG.heads
    sizes = {"dim": width, "ffn_dim": FEED, "num_heads": heads, "num_layers": CONFIG.layers, "local_attn_size": window}
    net = module.CausalWanModel(text_len=GROUPS["instruction"], text_dim=TEXT_WIDTH, **sizes).eval().to(dtype)

    def room() -> dict[str, Tensor]:
        keys = torch.zeros(2, 1, window * TOKENS, heads, width // heads, dtype=dtype)
        ends = {name: torch.zeros(1, dtype=torch.long) for name in ("global_end_index", "local_end_index")}
        return {"k": keys[0], "v": keys[1]} | ends

    cache, told = [room() for _ in range(CONFIG.layers)], [{"is_init": False} for _ in range(CONFIG.layers)]
    text, noise = [torch.randn(GROUPS["instruction"], TEXT_WIDTH, dtype=dtype)], torch.randn(LATENTS, dtype=dtype)

    def call(frame: int) -> object:
        where = {"kv_cache": cache, "crossattn_cache": told, "current_start": frame * TOKENS}
        return net(noise[None, :, None], torch.full((1, 1), 500.0), text, TOKENS, **where)

    for frame in range(window):
        call(frame)
    return lambda: [call(window - 1) for _ in range(STEPS)]


def dreamer4(path: Path, dtype: torch.dtype, frames: int = CONFIG.window + 1) -> Frame:
    """Dynamics over a window of frames."""
    package("dreamer4", path / "dreamer4")
    module = importlib.import_module("dreamer4.model")
    sizes = {"n_spatial": TOKENS, "n_register": BLOCK - TOKENS - 3, "n_agent": 0}
    net = module.Dynamics(
        d_model=CONFIG.width, d_bottleneck=PATCH, d_spatial=PATCH, n_heads=CONFIG.heads, depth=CONFIG.layers, k_max=8,
        mlp_ratio=CONFIG.hidden / CONFIG.width, time_every=CONFIG.time_every, **sizes,
    ).eval().to(dtype)  # fmt: skip
    actions, levels = torch.zeros(1, frames, 16, dtype=dtype), torch.zeros(1, frames, dtype=torch.long)
    latents = torch.randn(1, frames, TOKENS, PATCH, dtype=dtype)
    return lambda: [net(actions, levels, levels, latents) for _ in range(STEPS)]


def dreamer4_alone(path: Path, dtype: torch.dtype) -> Frame:
    """The same of one frame without its past."""
    return dreamer4(path, dtype, frames=1)


def world_engine(path: Path, dtype: torch.dtype) -> Frame:
    """WorldModel with its ring of keys and values."""
    stand_in("tensordict", TensorDict=lambda values, batch_size: dict(values))
    stand_in("rotary_embedding_torch", RotaryEmbedding=Rotary)
    stand_in("huggingface_hub")
    stand_in("omegaconf", OmegaConf=object)
    package("peer_world", path / "src")
    package("peer_world.model", path / "src" / "model")
    importlib.import_module("peer_world.model.attn").flex_attention = seen_by_mask
    config = SimpleNamespace(
        d_model=CONFIG.width, n_heads=CONFIG.heads, n_layers=CONFIG.layers, mlp_ratio=FEED // CONFIG.width,
        tokens_per_frame=TOKENS, height=GRID[0], width=GRID[1], channels=CHANNELS, patch=(2, 2), n_buttons=10,
        n_frames=64, local_window=CONFIG.window, global_window=CONFIG.window, global_attn_period=CONFIG.time_every,
        global_pinned_dilation=1, ctrl_conditioning="mlp_fusion", ctrl_conditioning_period=3, ctrl_cond_dropout=0.0,
        prompt_conditioning=None, noise_conditioning="wan", value_residual=True, gated_attn=True,
    )  # fmt: skip
    net = importlib.import_module("peer_world.model.world_model").WorldModel(config).eval().to(dtype)
    cache = importlib.import_module("peer_world.model.kv_cache").StaticKVCache(config, 1, dtype)
    noise, level = torch.randn(1, 1, *LATENTS, dtype=dtype), torch.full((1, 1), 0.5, dtype=dtype)
    hands = {name: torch.zeros(1, 1, n, dtype=dtype) for name, n in (("mouse", 2), ("button", 10), ("scroll", 1))}

    def call(frame: int, frozen: bool) -> object:
        cache.set_frozen(frozen)
        return net(noise, level, torch.full((1, 1), frame), kv_cache=cache, **hands)

    for frame in range(CONFIG.window):
        call(frame, frozen=False)
    return lambda: [call(CONFIG.window, frozen=True) for _ in range(STEPS)]


def diamond(path: Path, dtype: torch.dtype) -> Frame:
    """The denoiser over cells of the latent grid."""
    stand_in("data", Batch=object)
    stand_in("utils", LossAndLogs=object)
    package("models", path / "src" / "models")
    package("models.diffusion", path / "src" / "models" / "diffusion")
    module, inner = (importlib.import_module(f"models.diffusion.{name}") for name in ("denoiser", "inner_model"))
    past = CONFIG.window
    sizes = inner.InnerModelConfig(PATCH, past, 32 * past, [2], [CONFIG.width], [False], num_actions=16)
    net = module.Denoiser(module.DenoiserConfig(sizes, 0.5, 0.3)).eval().to(dtype)
    before, noise = torch.randn(1, past * PATCH, *GRID, dtype=dtype), torch.randn(1, PATCH, *GRID, dtype=dtype)
    sigma, acts = torch.ones(1, dtype=dtype), torch.zeros(1, past, dtype=torch.long)
    return lambda: [net.denoise(noise, sigma, before, acts) for _ in range(STEPS)]


PEERS: dict[str, dict[str, Builder]] = {
    "self-forcing": {"self-forcing": self_forcing},
    "dreamer4": {"dreamer4": dreamer4, "dreamer4-alone": dreamer4_alone},
    "world-engine": {"world-engine": world_engine},
    "diamond": {"diamond": diamond},
}


@dataclass(frozen=True)
class Timed:
    """A subject's median milliseconds a frame: of all cores together, and by the clock."""

    name: str
    type: str
    parameters: int
    core_ms: float
    wall_ms: float


@dataclass
class Subject:
    """Something that makes frames, and how long each took."""

    name: str
    type: str
    parameters: int
    frame: Frame
    core_ms: list[float]
    wall_ms: list[float]

    def once(self) -> None:
        """One frame by the clock."""
        core_s, wall_s = time.process_time(), time.perf_counter()
        self.frame()
        self.core_ms.append((time.process_time() - core_s) * 1e3)
        self.wall_ms.append((time.perf_counter() - wall_s) * 1e3)

    def timed(self) -> Timed:
        """The medians."""
        medians = (round(statistics.median(values), 2) for values in (self.core_ms, self.wall_ms))
        return Timed(self.name, self.type, self.parameters, *medians)


def subjects(peers: dict[str, Path]) -> list[Subject]:
    """Ours, and each peer in both types: the faster one will count."""
    torch.manual_seed(0)
    net = Omni(CONFIG).eval().requires_grad_(False)
    count = sum(part.numel() for part in net.parameters())
    quick = quick_omni(net)
    made = [Subject("ours", "fp32" if quick is net else "int8", count, ours(quick), [], [])]
    made.append(Subject("ours-in-torch", "fp32", count, ours(net), [], []))
    for peer, path in peers.items():
        for name, build in PEERS[peer].items():
            for dtype in (torch.float32, torch.bfloat16):
                frame = build(path, dtype)
                nets = [cell.cell_contents for cell in _cells(frame) if isinstance(cell.cell_contents, nn.Module)]
                count = sum(part.numel() for net in nets for part in net.parameters())
                made.append(Subject(name, str(dtype).removeprefix("torch."), count, frame, [], []))
    return made


def _cells(frame: Frame) -> list[Any]:
    """What a function closes over, itself or through another one."""
    cells = list(frame.__closure__ or ())
    inner = [cell.cell_contents for cell in cells if callable(cell.cell_contents)]
    return cells + [cell for function in inner for cell in getattr(function, "__closure__", None) or ()]


def race(made: Sequence[Subject], rounds: int) -> list[Timed]:
    """A frame of each in turn, `rounds` times after one that does not count; of each name the faster type."""
    with torch.inference_mode():
        for subject in made:
            subject.frame()
        for _ in range(rounds):
            for subject in made:
                subject.once()
    best: dict[str, Timed] = {}
    for timed in (subject.timed() for subject in made):
        if timed.name not in best or timed.core_ms < best[timed.name].core_ms:
            best[timed.name] = timed
    return list(best.values())


def table(found: Sequence[Timed]) -> str:
    """Markdown, with the ratios to ours."""
    ours_ms = found[0].core_ms
    lines = [
        "| network | type | parameters | core ms a frame | times ours | what stands in for what |",
        "|---|---|---|---|---|---|",
    ]
    for each in found:
        cells = (each.type, f"{each.parameters / 1e6:.1f}M", f"{each.core_ms:.1f}", f"{each.core_ms / ours_ms:.1f}")
        lines.append(f"| {each.name} | {' | '.join(cells)} | {STOOD_IN[each.name]} |")
    return "\n".join(lines)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench_peers.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PATH", help=f"one of {', '.join(PEERS)}")
    parser.add_argument("--rounds", type=int, default=20, help="frames of each, in turn")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.threads < 1:
        parser.error(f"--rounds and --threads are 1 or more, not {options.rounds} and {options.threads}")
    named = [each.partition("=") for each in options.peer]
    for name, _, path in named:
        if name not in PEERS or not path or not Path(path).is_dir():
            parser.error(f"--peer is NAME=PATH of {', '.join(PEERS)} and a folder, not {name}={path}")
    options.peers = {name: Path(path).resolve() for name, _, path in named}
    return options


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    options = parse(arguments)
    warnings.filterwarnings("ignore")  # the peers' own
    native.use_threads(options.threads)
    torch.set_num_threads(options.threads)
    found = race(subjects(options.peers), options.rounds)
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in found], indent=2) + "\n", "utf-8")
    print(table(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
