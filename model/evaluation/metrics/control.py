"""Whether hands are obeyed: what the controls change, what can be read back from the picture, and how soon.
Keys count where they have an effect: nobody walks into a wall."""

from __future__ import annotations

import numpy as np
import torch

from model.evaluation.episodes import Episode, Player, Shots
from model.evaluation.figures import Case, Court, Figure, Rows, Size, balanced, mean
from model.evaluation.judges import CAMERA, GAP, KEYS, LOOKED, MOTIONS, Judges
from model.evaluation.metrics.fidelity import FRAMES, walk_episode
from model.evaluation.motion import camera_motion
from model.evaluation.motion_examples import IGNORED
from model.evaluation.pictures import look, psnr_db
from model.evaluation.scenes import scene
from model.evaluation.subjects import Act
from model.worlds.walker import Controls

DELTA_AT = 4  # frames (Genie, arXiv 2402.15391)
STILL, TURNING, TURN_RAD = 6, 8, 0.08  # frames of standing, then of turning, and by how much in each


class Control:
    """See the module."""

    name = "control"
    figures: tuple[Figure, ...] = (
        Figure("delta4_psnr_db", "dB", "what true controls gain over random ones after 4 frames", mean),
        Figure("action_recovery_keys", "", "keys read back from the picture", balanced, rests_on=KEYS),
        Figure("action_recovery_camera", "", "turns of the head read back from the picture", balanced, rests_on=CAMERA),
        Figure("response_frames", "frames", "until half of a commanded turn is seen", mean, higher_is_better=False),
    )

    def names(self, size: Size) -> list[str]:
        walks = [f"walk {number}" for number in range(size.walks)]
        return walks + [f"turn {number}" for number in range(size.responses)]

    def frames(self, number: int, size: Size) -> int:
        return FRAMES + DELTA_AT if number < size.walks else STILL + TURNING

    def case(self, number: int, size: Size, player: Player, court: Court) -> Case:
        if number >= size.walks:
            return self._response(number - size.walks, player, court)
        episode = walk_episode(number)
        true, shown = court.truth.play(episode), player.play(episode)
        windows = range(GAP, FRAMES - LOOKED[-1] + 1, GAP)
        rows = recovered(shown, episode, list(windows), court, KEYS + CAMERA)
        astray = Episode(f"{episode.name}, other hands", episode.scene, _other_hands(episode, number), (0, DELTA_AT))
        gain = psnr_db(shown[DELTA_AT], true[DELTA_AT]) - psnr_db(player.play(astray)[DELTA_AT], true[DELTA_AT])
        values = {
            "delta4_psnr_db": gain,
            "action_recovery_keys": chosen(rows, KEYS, court.judges),
            "action_recovery_camera": chosen(rows, CAMERA, court.judges),
        }
        kept = range(0, 24, GAP)
        return Case(episode.name, values, {f: shown[f] for f in kept}, {f: true[f] for f in kept})

    def _response(self, number: int, player: Player, court: Court) -> Case:
        side = 1 if number % 2 else -1
        acts = [Act()] * STILL + [Act(Controls(look_x=side * TURN_RAD))] * TURNING
        looked = tuple(range(STILL, STILL + TURNING + 1))
        episode = Episode(f"turn {number}", scene(200 + number, "day", "clear"), tuple(acts), (0, *looked))
        shown, true = player.play(episode), court.truth.play(episode)
        with torch.inference_mode():
            pictures = look([shown[f] for f in looked])
            turns = side * camera_motion(pictures[:-1], pictures[1:])[:, 1]
        obeyed = (turns >= TURN_RAD / 2).nonzero()
        frames = float(obeyed[0]) + 1 if len(obeyed) else TURNING + 1.0
        kept = looked[:6]
        return Case(episode.name, {"response_frames": frames}, {f: shown[f] for f in kept}, {f: true[f] for f in kept})


def recovered(
    shown: Shots, episode: Episode, frames: list[int], court: Court, names: tuple[str, ...]
) -> dict[str, Rows]:
    """What the judges read of the windows that begin with these frames, beside what was effective and visible there in
    truth, rows by motion. What they misread in the truth itself says nothing of who is measured, and is left out."""
    truth, true = court.labels(episode, frames), court.truth.play(episode)
    told = [i for i in range(len(frames)) if any(truth[name][i] != IGNORED for name in names)]
    known = court.motions(true, [frames[i] for i in told]) if told else {}
    right = {name: (known[name].argmax(1) == truth[name][told]).tolist() if told else [] for name in names}
    count = [i for at, i in enumerate(told) if any(right[name][at] for name in names)]
    claims = court.motions(shown, [frames[i] for i in count]) if count else {}
    rows: dict[str, Rows] = {name: [] for name in names}
    for at, i in enumerate(count):
        for name in names:
            if right[name][told.index(i)]:
                claimed = int(claims[name][at].argmax())
                rows[name].append([f"{name} {MOTIONS[name][of]}" for of in (int(truth[name][i]), claimed)])
    return rows


def chosen(rows: dict[str, Rows], names: tuple[str, ...], judges: Judges) -> Rows:
    """Rows of the judgements that can be relied on; of all when there is none, and the figure is then unusable."""
    good = [name for name in names if judges.usable(name)] or list(names)
    return [row for name in good for row in rows[name]]


def _other_hands(episode: Episode, number: int) -> tuple[Act, ...]:
    """Random controls (drawn apart from the episode's), held for the few frames that count."""
    rng = np.random.default_rng([number, 31])
    moves = {name: bool(rng.uniform() < 0.5) for name in ("forward", "back", "left", "right")}
    looks = rng.uniform(-0.06, 0.06, 2) * (1, 0.5)
    return (Act(Controls(**moves, look_x=float(looks[0]), look_y=float(looks[1]))),) * DELTA_AT
