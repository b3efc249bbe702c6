"""Each perceptual figure falls when what is shown is spoiled."""

import pytest

from model.evaluation import prompts
from model.evaluation.metrics.adherence import Adherence
from model.evaluation.metrics.control import Control
from model.evaluation.metrics.drift import Drift
from model.evaluation.metrics.fidelity import Fidelity
from model.evaluation.metrics.memory import Memory
from model.evaluation.metrics.obedience import Obedience
from model.evaluation.metrics.physics import Physics
from model.evaluation.metrics.subject import Subject
from model.evaluation.suite import usable

FIDELITY, CONTROL, ADHERENCE = Fidelity(), Control(), Adherence(prompts.bundled())
MEMORY, DRIFT, PHYSICS, OBEDIENCE, SUBJECT = Memory((10,)), Drift(), Physics(), Obedience(), Subject()
FALLS = [  # figure, by how much at least, under what
    (FIDELITY, "next_frame_psnr_db", 5.0, ("blur", "colour shift", "shuffle", "frozen", "wrong controls")),
    (FIDELITY, "psnr24_db", 5.0, ("blur", "colour shift", "shuffle", "frozen", "wrong controls")),
    (FIDELITY, "psnr96_db", 5.0, ("blur", "colour shift", "shuffle", "frozen", "wrong controls")),
    (CONTROL, "delta4_psnr_db", 1.0, ("blur", "colour shift", "shuffle", "frozen", "wrong controls")),
    (CONTROL, "action_recovery_camera", 0.1, ("shuffle", "frozen", "wrong controls")),
    (CONTROL, "action_recovery_keys", 0.05, ("shuffle", "frozen", "wrong controls")),
    (CONTROL, "response_frames", 0.5, ("shuffle", "frozen", "wrong controls")),
    (ADHERENCE, "prompt_adherence", 0.1, ("colour shift", "frozen")),
    (ADHERENCE, "prompt_switch_s", 0.3, ("colour shift", "frozen")),
    (MEMORY, "revisit10_gain_db", 3.0, ("blur", "colour shift", "shuffle", "frozen", "wrong controls")),
    (DRIFT, "drift_worst_ratio", 0.1, ("blur", "colour shift", "frozen")),
    (DRIFT, "late_control_ratio", 0.1, ("frozen", "wrong controls")),
    (PHYSICS, "gravity_error", 0.1, ("shuffle", "frozen")),
    (PHYSICS, "walking_speed_error", 0.1, ("frozen", "wrong controls")),
    (PHYSICS, "bounce_error", 0.3, ("shuffle", "frozen")),
    (FIDELITY, "next_frame_ssim", 0.05, ("blur", "shuffle", "frozen", "wrong controls")),
    (FIDELITY, "feature_distance", 0.2, ("blur", "colour shift")),
    (SUBJECT, "subject_likeness", 0.02, ("blur", "colour shift", "shuffle", "frozen", "wrong controls")),
    (SUBJECT, "subject_kept", 0.2, ("wrong controls",)),
    (OBEDIENCE, "obeyed", 0.3, ("frozen",)),
    (OBEDIENCE, "obeyed_s", 0.5, ("frozen",)),
]


@pytest.mark.parametrize(("metric", "name", "least", "how"), FALLS, ids=[fall[1] for fall in FALLS])
def test_a_figure_falls_when_the_picture_is_spoiled(metric, name, least, how, court, spoiled, measured):
    figure = next(figure for figure in metric.figures if figure.name == name)
    if not usable(figure, court.judges):
        pytest.skip(f"{name} is reported as unusable: it rests on {', '.join(figure.rests_on)}")
    sign = 1 if figure.higher_is_better else -1
    judged = bool(figure.rests_on)
    true = measured(metric, court.truth, judged)[name]
    for spoiling in how:
        fallen = sign * (true - measured(metric, spoiled[spoiling], judged)[name])
        assert fallen >= least, f"{name} under {spoiling}: {fallen:.3f} less than {true:.3f}"
