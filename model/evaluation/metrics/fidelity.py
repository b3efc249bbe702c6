"""How true the pictures are: the tokenizer, the next frame, and an open loop after one and four seconds.
Only what the first frame showed counts in the open loop: the rest nobody can know."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model.evaluation.episodes import Episode, Player, Shots
from model.evaluation.figures import Case, Court, Figure, Size, mean
from model.evaluation.pictures import MOST_DB, Picture, look, psnr_db, ssim
from model.evaluation.scenes import out_and_back, scene
from model.geometry import reproject
from model.planes import pack
from model.tokenizer.frame import STRIDE

FRAMES, STEP = 96, 4
SEEN = 0.1  # the least share of a frame that was seen before, for the frame to count
HORIZONS = (1, 4, 24, 48, 72, 96)


def walk_episode(number: int) -> Episode:
    """The episode that fidelity and control share: a way out and back, looked at every fourth frame and again a frame
    later."""
    rng = np.random.default_rng([number, 21])
    acts = out_and_back(rng, FRAMES)
    looked = (*(f + again for f in range(0, FRAMES, STEP) for again in (0, 1)), FRAMES)
    return Episode(f"walk {number}", scene(number), tuple(acts), looked)


class Fidelity:
    """See the module."""

    name = "fidelity"
    figures: tuple[Figure, ...] = (
        Figure("tokenizer_psnr_db", "dB", "a true picture through the tokenizer", mean),
        Figure("tokenizer_ssim", "", "the same as structural similarity", mean),
        Figure("next_frame_psnr_db", "dB", "the first frame sampled after a true one", mean),
        Figure("next_frame_ssim", "", "the same as structural similarity", mean),
        Figure("psnr24_db", "dB", "open loop after 24 frames, where seen before", mean),
        Figure("psnr96_db", "dB", "open loop after 96 frames, where seen before", mean),
        Figure(
            "feature_distance",
            "",
            "MMD of all frames of a walk from the true ones, in the judges' features",
            mean,
            higher_is_better=False,
        ),
    )

    def names(self, size: Size) -> list[str]:
        return [f"walk {number}" for number in range(size.walks)]

    def frames(self, number: int, size: Size) -> int:
        return FRAMES

    def case(self, number: int, size: Size, player: Player, court: Court) -> Case:
        episode = walk_episode(number)
        facts, true, shown = court.truth.facts(episode), court.truth.play(episode), player.play(episode)
        by_horizon: dict[int, float | None] = {}
        for frame in HORIZONS:
            mask = seen_before(facts, frame)
            enough = float(mask.mean()) >= SEEN
            by_horizon[frame] = psnr_db(shown[frame], true[frame], mask) if enough else None
        values = {
            "tokenizer_psnr_db": psnr_db(player.encoded(episode), true[0]),
            "tokenizer_psnr_db.ceiling": MOST_DB,
            "tokenizer_psnr_db.floor": psnr_db(cell_means(true[0]), true[0]),
            "tokenizer_ssim": ssim(player.encoded(episode), true[0]),
            "tokenizer_ssim.ceiling": 1.0,
            "tokenizer_ssim.floor": ssim(cell_means(true[0]), true[0]),
            "next_frame_psnr_db": psnr_db(shown[1], true[1]),
            "next_frame_ssim": ssim(shown[1], true[1]),
            "feature_distance": feature_distance(*(court.judges.features(look(of)) for of in apart(shown, true))),
            "psnr24_db": by_horizon[24],
            "psnr96_db": by_horizon[96],
        }
        curve = [[frame / 24, value] for frame, value in by_horizon.items() if value is not None]
        kept = (0, 4, 24, 48, 72, 96)
        return Case(
            episode.name, values, {f: shown[f] for f in kept}, {f: true[f] for f in kept}, {"PSNR over horizon": curve}
        )


def seen_before(facts: dict[str, Tensor], frame: int) -> Tensor:
    """[144, 256] of 0 and 1: what of a true frame the first one showed too."""
    planes = pack(facts["y"][:1], facts["u"][:1], facts["v"][:1], facts["depth"][:1])
    poses = facts["walk"][[0, frame], :5]
    with torch.inference_mode():
        return reproject(planes, poses[:1], poses[1:])[1][0, 0]


def apart(shown: Shots, true: Shots) -> tuple[list[Picture], list[Picture]]:
    """Frames that are far enough from each other to differ, of both: every second of what is shown and, between them,
    of the truth, so that a copy of the truth is no nearer to it than the truth itself."""
    frames = range(0, FRAMES + 1, STEP)
    return [shown[f] for f in frames[::2]], [true[f] for f in frames[1::2]]


def feature_distance(a: Tensor, b: Tensor) -> float:
    """Squared MMD (unbiased, cubic kernel: arXiv 1801.01401) between features [N, F] and [M, F], at least 2 of each."""
    if min(len(a), len(b)) < 2:
        raise ValueError(f"expected at least 2 rows of both, got {len(a)} and {len(b)}")

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x: Tensor) -> Tensor:
        k = kernel(x, x)
        return (k.sum() - k.diagonal().sum()) / (len(x) * (len(x) - 1))

    return float(within(a) + within(b) - 2 * kernel(a, b).mean())


def cell_means(picture: Picture) -> Picture:
    """What is left when every latent cell is one colour."""

    def means(plane: Tensor, size: int) -> Tensor:
        coarse = F.avg_pool2d(plane[None, None].float(), size)
        return F.interpolate(coarse, scale_factor=size)[0, 0].round().to(torch.uint8)

    return Picture(means(picture.y, 2 * STRIDE), means(picture.u, STRIDE), means(picture.v, STRIDE))
