"""The upper rungs beside a bicubic enlargement, on views that no training saw: the floor is that enlargement, the
ceiling the truth. Knows held-out pairs and one network; no world."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image

from configs.paths import cache_dir
from model.evaluation.figures import Figure, mean
from model.evaluation.pictures import MOST_DB
from model.evaluation.records import Records
from model.ladder.measuring import Enlarged, enlarged
from model.ladder.network import Ladder

VIEWS = 42
KINDS = {"drawn": "as the simulator draws it", "moved": "reprojected", "generated": "through the tokenizer"}
RUNGS = {540: 2, 1080: 4}  # rows of a rung -> times as high as the lowest
THUMB = (384, 216)


class Rungs:
    """See the module."""

    name = "rungs"
    figures: tuple[Figure, ...] = (
        *(
            Figure(f"rung{rows}_{kind}_gain_db", "dB", f"{rows}p over bicubic, {says}", mean)
            for rows in RUNGS
            for kind, says in KINDS.items()
        ),
        Figure("rung1080_gradient", "", "energy of gradients beside the truth's, as the simulator draws it", mean),
    )

    def records(self, weights: Path, say: Callable[[str], None]) -> Records:
        """Of weights, of the ceiling and of the floor. Raises CheckpointError, and NoClips without pairs."""
        found = Records([], [], [])
        for number, view in enumerate(enlarged(Ladder.load(weights), cache_dir() / "pairs-nano", VIEWS), 1):
            say(f"rungs {number} of {VIEWS}")
            for records, values in zip(found, _values(view), strict=True):
                case = {"metric": self.name, "case": view.name, "values": values, "over_time": {}}
                records.append(case | {"strip": _strip(view) if records is found.weights else ""})
        return found


def _values(view: Enlarged) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Of the network, of the truth and of the bicubic enlargement."""
    own, best, plain = dict[str, float](), dict[str, float](), dict[str, float]()
    for rows, scale in RUNGS.items():
        for kind in KINDS:
            gain, of = view.figures[f"{kind}_x{scale}_gain_db"], f"rung{rows}_{kind}_gain_db"
            own[of], plain[of] = gain, 0.0
            best[of] = MOST_DB - (view.figures[f"{kind}_x{scale}_db"] - gain)
    own["rung1080_gradient"], best["rung1080_gradient"] = view.figures["drawn_x4_gradient"], 1.0
    plain["rung1080_gradient"] = view.figures["drawn_x4_gradient_bicubic"]
    return own, best, plain


def _strip(view: Enlarged) -> str:
    """The middle of a view: by the network, enlarged, and in truth; as a JPEG data URI."""
    columns, rows = THUMB
    top, left = (view.truth.shape[0] - rows) // 2, (view.truth.shape[1] - columns) // 2
    parts = [part[top : top + rows, left : left + columns] for part in (view.network, view.bicubic, view.truth)]
    luma = ((torch.cat(parts, 1) - 16) * (255 / 219)).clamp(0, 255).round().to(torch.uint8)
    data = io.BytesIO()
    Image.fromarray(luma.numpy()).save(data, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()
