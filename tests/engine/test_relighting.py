"""How far relit pictures are from true ones, and where."""

import pytest
import torch

from engine.relighting import figures, main, off
from model.planes import FAR_CODE


def test_errors_are_told_apart_by_side_of_a_silhouette() -> None:
    truth = torch.zeros(1, 7, 144, 256)
    truth[:, 6] = 2 * FAR_CODE - 1
    truth[:, 6, :, 100:140] = -0.1
    assert off(truth, truth) == {"all": 0, "sky_beside": 0, "land_beside": 0}
    made = truth.clone()
    made[:, :4, :, 96:100] += 0.4
    found = off(made, truth)
    assert found["sky_beside"] == pytest.approx(0.2 * 4 / 10) and found["land_beside"] == 0


def test_a_true_view_comes_near_to_its_truth_in_new_light() -> None:
    found = figures(1)
    assert found["all"] < 0.08 and found["sky_beside"] < 0.08


def test_no_views_are_refused() -> None:
    with pytest.raises(SystemExit):
        main(["--views", "0"])
