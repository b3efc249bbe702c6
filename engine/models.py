"""The networks that a worker runs, loaded once and shared by its worlds.
Knows files and which arithmetic is fast on this machine; nothing of worlds."""

from __future__ import annotations

import logging
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from configs.paths import WEIGHTS
from engine.batch import Batch, Network
from engine.device import HERE, Place, place_named
from engine.placed import PlacedOmni, PlacedPlanes, PlacedTokenizer
from engine.veil import Sheets
from model import checkpoint, detail, specks, surfaces
from model.adrift import cleared
from model.borders import DEPTH, separate
from model.conditioning import state
from model.conditioning.meaning import PromptReader
from model.conditioning.text import TextEncoder
from model.cuts import uncut
from model.detail import Detail, with_detail
from model.dust import without_dust
from model.edges import smooth
from model.geometry import drawn_here
from model.keeping import Staying, kept
from model.omni import Omni, OmniConfig
from model.omni_int8 import quick_omni
from model.overlay import GUESS, Known, overlaid
from model.planes import CHANNELS, GRID_HEIGHT, GRID_WIDTH, unpack, with_far_sky
from model.relight import relight
from model.showing import Showing
from model.specks import Specks
from model.standing import evened
from model.surfaces import Surfaces, taken_over
from model.tokenizer.frame import KIND as TOKENIZER_KIND
from model.tokenizer.frame import FrameTokenizer, FrameTokenizerConfig
from model.tokenizer.int8 import Ranges, activation_ranges
from model.tokenizer.native import NativeTokenizer
from model.tokenizer.quick import Eyes, quick_tokenizer
from model.view import changed, extended, per_pixel, settled, softened, told
from model.waters import Waters

OMNI_FILE = "nano.safetensors"
INVENTOR_FILE = "inventor.safetensors"
TOKENIZER_FILE = "tokenizer.safetensors"
SURFACES_FILE = "surfaces.safetensors"
SHOWING_FILE = "showing.safetensors"
DETAIL_FILE = "detail.safetensors"
SPECKS_FILE = "specks.safetensors"
WATERS_FILE = "waters.safetensors"
LIT = 0.05  # the share of a cell that shows other light, from which on it is drawn in the new one
COARSE = 0.6  # grain from which on a cell is in pieces
UNSEEN = 0.5  # the share of a view that nobody saw, from which on two steps draw it
log = logging.getLogger(__name__)


class Glimpse(NamedTuple):
    """What is known of a frame before it is sampled: its latents [1, 16, 18, 32] and view tokens [1, 144, 103], planes
    [1, 8, 144, 256] without holes, which pixels of them are known [1, 1, 144, 256], and the shares of each cell that
    keyframes gave and that shows another light [1, 1, 18, 32]; which pixels were behind something that has moved away
    [1, 1, 144, 256], and the grain of each cell."""

    latents: Tensor
    tokens: Tensor
    planes: Tensor
    known: Tensor
    remembered: Tensor
    other_light: Tensor
    uncovered: Tensor
    grain: Tensor

    @property
    def stands(self) -> bool:
        """Whether it is all in the light that there is, and nearly all known. In an invented world it is shown as it is
        then: what comes into view is being drawn in many steps, and what two make of it would be in its way."""
        return float(self.other_light.amax()) <= LIT and 1 - float(self.known.mean()) <= UNSEEN


class Networks(NamedTuple):
    """One architecture, twice: `omni` goes from frame to frame, with its past; `inventor` draws what nobody
    has seen yet, frame by frame alone, in many steps. `surfaces` sharpens the depth of what was invented, `detail` its
    luma, and `showing` says what a draft of it shows; `specks` draws drops, flakes and stars; `waters` says where
    nobody can walk."""

    omni: Omni
    inventor: Omni
    surfaces: Surfaces
    showing: Showing
    detail: Detail
    specks: Specks
    waters: Waters


class Models:
    """The frozen networks, in 8-bit integers where that is possible, or at a place, where it is not the host's
    kernels that compute them. Worlds may call them at the same time."""

    def __init__(
        self,
        tokenizer: FrameTokenizer,
        networks: Networks,
        text: PromptReader,
        name: str,
        ranges: Ranges | None = None,
        place: Place | None = None,
    ):
        self.text, self.name, self.config = text, name, networks.omni.config
        self.tokenizer: Eyes | PlacedTokenizer
        self.omni: Network
        self.inventor: Network
        self.surfaces: Surfaces | PlacedPlanes
        self.detail: Detail | PlacedPlanes
        if place is None:
            self.tokenizer = quick_tokenizer(tokenizer, ranges)
            self.omni, self.inventor = quick_omni(networks.omni), quick_omni(networks.inventor)
            self.surfaces = networks.surfaces.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            self.detail = networks.detail.fast()
        else:
            self.tokenizer = PlacedTokenizer(tokenizer, place)
            self.omni, self.inventor = PlacedOmni(networks.omni, place), PlacedOmni(networks.inventor, place)
            self.surfaces, self.detail = PlacedPlanes(networks.surfaces, place), PlacedPlanes(networks.detail, place)
        self.showing, self.sheets, self.waters = networks.showing, Sheets(networks.specks), networks.waters
        self.batch = Batch(self.omni, place or HERE)

    def see(
        self, keys: list[Known], last: Known, dreams: list[Known], pose: Tensor, light: Tensor, beyond: bool = False
    ) -> Glimpse:
        """What is known of the view from `pose` in that light, see `overlaid`, without what floats, see `cleared`.
        What something near hid from keyframes is guessed from what is behind, in every frame anew: a guess that is
        handed on smears, and keeps the light it was made in. `beyond`: tokens tell of it as `extended`, and as
        `uncut`."""
        laid = overlaid(keys, last, dreams, pose)
        laid = uncut(laid, [*keys, *dreams], pose) if beyond and (keys or dreams) else laid
        (filled, known, _, shares), gap = cleared(laid)
        view = whole = settled(filled, known, gap, shares)
        seen = filled
        if beyond:
            seen, reached, shares = extended(filled, known + gap, shares)
            whole = settled(seen, reached - gap, gap, shares)
        changes = torch.stack([light - each.light for each in (*keys, last, *dreams)])[None]
        latents = self.tokenizer.encode(seen[:, :CHANNELS])
        tokens, other_light = told(latents, whole, changes, filled[:, 6:7])
        remembered = view.shares.sum(1, keepdim=True) - view.shares[:, len(keys) : len(keys) + 1]
        return Glimpse(latents, tokens, filled, view.known, remembered, other_light, view.uncovered, view.grain)

    def sky_after(self, tokens: Tensor, sky: Tensor) -> Tensor:
        """The sky [6] a frame after `sky`, under a prompt as the Omni follows it [1, 8, D]."""
        return state.advance(sky, state.snap(self.omni.drift(tokens, sky[None])[0], sky))

    def decode(self, latents: Tensor) -> Tensor:
        """Latents [1, 16, 18, 32] -> planes [1, 7, 144, 256] in [-1, 1]."""
        return with_far_sky(self.tokenizer.decode(latents).clamp(-1, 1))

    def finishing(self, planes: Tensor) -> Generator[None, None, Tensor]:
        """Invented planes [1, 7 or more, 144, 256] -> [1, 8, 144, 256], their depth in sharp and even surfaces and
        their luma with finer detail. In pieces, a step for each."""
        planes = planes[:, :CHANNELS]
        logits = self.surfaces(planes)
        yield
        planes = taken_over(planes, logits)
        yield
        planes = drawn_here(evened(separate(evened(planes))))
        yield
        if isinstance(self.detail, PlacedPlanes):
            return with_detail(planes, self.detail(planes[:, :CHANNELS]))
        lacking = yield from self.detail.pieces(planes[:, :CHANNELS])
        return with_detail(planes, lacking)

    def draw(
        self, latents: Tensor, stays: tuple[Glimpse, Tensor] | None = None, dusty: bool = False
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Latents [1, 16, 18, 32] -> planes [1, 8, 144, 256] in [-1, 1], and y, u, v as bytes. Of a glimpse as much
        stays as is said beside it, see `kept`; where that may be dusty, without dust."""
        if isinstance(self.tokenizer, NativeTokenizer) and stays is None:
            planes, y, u, v = self.tokenizer.draw(latents)
            return drawn_here(with_far_sky(planes)), y, u, v
        planes = self.decode(latents)
        planes = drawn_here(planes) if stays is None else kept(planes, self._staying(planes, *stays))
        planes = without_dust(planes) if dusty else planes
        picture = self._unpacked(planes)
        return planes, *(picture if stays is None else smooth(picture, planes[:, DEPTH : DEPTH + 1]))

    def show(self, glimpse: Glimpse) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As `draw`, of a glimpse as it is known: into what nobody saw of it, or only from far away, goes over softly
        what is seen beside it, as a guess."""
        planes = glimpse.planes
        known = glimpse.known * per_pixel(glimpse.grain < COARSE)
        if not bool(known.all()):
            planes = softened(planes, known)
        guessed = (glimpse.uncovered > 0) | (known == 0)
        planes = torch.cat([planes[:, :CHANNELS], planes[:, CHANNELS:].masked_fill(guessed, GUESS)], 1)
        planes = without_dust(planes)
        return planes, *smooth(self._unpacked(planes), planes[:, DEPTH : DEPTH + 1])

    def _unpacked(self, planes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        unpacked = self.tokenizer.unpack if isinstance(self.tokenizer, NativeTokenizer) else unpack
        return unpacked(planes[:, :CHANNELS])

    @staticmethod
    def _staying(planes: Tensor, glimpse: Glimpse, firm: Tensor) -> Staying:
        """What stays of a glimpse beside planes [1, 7, 144, 256] as drawn: what shows another light, in theirs."""
        known = glimpse.planes[:, :CHANNELS]
        if float(glimpse.other_light.amax()) > LIT:
            change = changed(glimpse.tokens)
            known = relight(known, planes, glimpse.known, change)
            firm = torch.maximum(firm, change.light)
        return Staying(known, glimpse.planes[:, CHANNELS:], glimpse.known, glimpse.uncovered, firm)

    @classmethod
    def random(cls, config: OmniConfig | None = None, seed: int = 0, place: Place | None = None) -> Models:
        """Networks with random weights, for measuring speed."""
        torch.manual_seed(seed)
        tokenizer = FrameTokenizer(FrameTokenizerConfig()).eval()
        ranges = activation_ranges(tokenizer, torch.rand(1, 7, GRID_HEIGHT, GRID_WIDTH) * 2 - 1)
        omni, inventor = (Omni(config or OmniConfig()) for _ in range(2))
        networks = Networks(omni, inventor, Surfaces(), Showing().eval(), Detail(), Specks(), Waters())
        return cls(tokenizer, networks, PromptReader(TextEncoder.load(), None), "random", ranges, place)


def load_models(weights: Path = WEIGHTS, place: Place | None = None) -> Models:
    """The bundled networks. Raises CheckpointError naming what is missing or does not fit."""
    path = weights / TOKENIZER_FILE
    tokenizer, ranges = FrameTokenizer.load(path), checkpoint.load_extra(path, TOKENIZER_KIND).get("ranges")
    omni, inventor = (Omni.load(weights / file) for file in (OMNI_FILE, INVENTOR_FILE))
    showing = Showing.load(weights / SHOWING_FILE).eval()
    finer = surfaces.load(weights / SURFACES_FILE), showing, detail.load(weights / DETAIL_FILE)
    networks = Networks(omni, inventor, *finer, specks.load(weights / SPECKS_FILE), Waters.load(weights / WATERS_FILE))
    name = f"nano-{checkpoint.sha256(weights / OMNI_FILE)[:8]}"
    return Models(tokenizer, networks, PromptReader.load(weights), name, ranges, place)


def place_of(device: str) -> Place | None:
    """Where networks go by a device's name; none: the processor's own kernels compute them. Raises NoDevice."""
    place = place_named(device)
    return None if place == HERE else place


def models_on(weights: Path, device: str) -> Models:
    """The bundled networks on a device, by its name; on the processor as it computes them soonest. Raises NoDevice and
    CheckpointError."""
    return load_models(weights, place_of(device))
