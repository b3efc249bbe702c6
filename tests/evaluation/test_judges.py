"""The judges see what is in the picture, say how good they are at it, and are small."""

import pytest
import torch
from safetensors import safe_open

from model.camera import project, rotation
from model.checkpoint import CheckpointError
from model.evaluation import odometry
from model.evaluation.falling import without_falling
from model.evaluation.figures import Court
from model.evaluation.judge_examples import told_apart, visible
from model.evaluation.judges import ATTRIBUTES, FILE, GAP, LOOKED, MOTIONS, SPEEDS, Judges, logits_of
from model.evaluation.matching import match, sight, ways
from model.evaluation.metrics.fidelity import walk_episode
from model.evaluation.motion_examples import IGNORED, VISIBLE, labels, labels_of
from model.evaluation.pictures import MOST_DB, Picture, look, psnr_db, ssim
from model.evaluation.subjects import blur


@pytest.fixture(scope="module")
def textured() -> torch.Tensor:
    noise = torch.rand(1, 3, 135, 240, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.avg_pool2d(noise, 7, 1, 3) * 6 - 3


def test_the_weights_are_small_and_in_bfloat16():
    assert FILE.stat().st_size < 2**20
    with safe_open(FILE, "pt") as file:
        types = {file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
    assert types <= {torch.bfloat16, torch.int64}


def test_every_judgement_was_measured_on_held_out_truth_and_weather_is_usable():
    judges = Judges.load()
    assert set(judges.accuracy) == {*ATTRIBUTES, *MOTIONS}
    assert all(of["low"] <= of["value"] <= of["high"] and of["n"] > 50 for of in judges.accuracy.values())
    assert judges.usable("weather") == (judges.accuracy["weather"]["value"] >= 0.95)
    assert judges.usable("time night") == (judges.accuracy["time"]["is night"] >= 0.95)
    assert set(judges.facts["misread m/s"]) == set(SPEEDS)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"expected a judges checkpoint at .*none.safetensors"):
        Judges.load(tmp_path / "none.safetensors")


def points(count: int = 400) -> torch.Tensor:
    """[1, 3, N]: something to see, 2 to 60 m away."""
    chance = torch.Generator().manual_seed(2)
    forward = 2 / torch.rand(1, count, generator=chance).clamp_min(0.03)
    right, up = (torch.rand(2, 1, count, generator=chance) - 0.5) * torch.tensor([2.0, 1.1])[:, None, None] * forward
    return torch.stack([right, up, forward], 1)


MOTION, PITCH = torch.tensor([[0.12, -0.05, 0.3, -0.2, 0.5]]), torch.tensor([-0.2])


def test_points_move_as_the_camera_says():
    here = torch.tensor([[3.0, 1.7, -2.0, 0.4, -0.2]])
    there = here + torch.tensor([[0.5, -0.2, 0.3, 0.12, -0.05]])
    mine = odometry.pixels(odometry.moved(points(), odometry.between(here, there), here[:, 4]))
    right, up, forward = points()[0]
    world = torch.einsum("ij,jn->in", rotation(here)[0], torch.stack([right, up, forward])) + here[0, :3, None]
    column, row, _ = project(world[None], there, 144, 256)
    assert torch.allclose(mine[0], torch.stack([column[0] - 127.5, row[0] - 71.5]), atol=0.05)


def test_a_motion_is_found_from_where_points_went_and_what_is_astray_does_not_count():
    seen = points()
    went = odometry.pixels(odometry.moved(seen, MOTION, PITCH)) - odometry.pixels(seen)
    went[:, :, :40] += 15  # a flock of birds
    found, spread = odometry.solve(seen, went, torch.full((1, 400), 4.0), PITCH)
    assert torch.allclose(found, MOTION, atol=0.01) and (spread < 0.02).all()
    blind, unsure = odometry.solve(seen, went, torch.full((1, 400), 1e-6), PITCH)
    assert blind.abs().max() < 0.05 and (unsure > 0.05).all()


def turned(picture: torch.Tensor, turn: float) -> torch.Tensor:
    """What is seen after a turn to the right, all far away."""
    x, y = torch.arange(240) - 119.5, torch.arange(135)[:, None] - 67.5
    rays = torch.stack([*torch.broadcast_tensors(x / 120, -y / 120), torch.ones(135, 240)]).flatten(1)[None]
    at = odometry.pixels(odometry.rotated(rays, torch.tensor([[-turn, 0.0]])))[0].unflatten(1, (135, 240))
    where = torch.stack([at[0] / 120, at[1] / 67.5], -1)
    return torch.nn.functional.grid_sample(picture, where[None], padding_mode="border", align_corners=False)


def test_matches_lie_around_where_a_turn_puts_things(textured):
    found = match(sight(textured), sight(turned(textured, 0.1)))
    inner = found.coarse[0, 0].unflatten(0, (17, 30))[4:13, 10:25]
    assert (inner + 12).abs().max() <= 4  # 0.1 rad are 12 pixels to the left
    best = found.shown[0, : len(ways(0))].argmax(0)[4:13, 10:25]
    assert (ways(0)[best][..., 0] + inner + 12).abs().median() <= 2


def seen_by(picture: torch.Tensor, other: torch.Tensor, metres: float) -> torch.Tensor:
    pictures, poses = torch.stack([picture, other], 1), torch.tensor([[[0, 1.7, 0, 0, 0.0]] * 2])
    return odometry.visible(pictures, torch.full((1, 135, 240), metres), poses)[0]


def test_a_motion_is_visible_where_something_near_is_seen_and_nothing_hides_it(textured):
    blank = torch.zeros(1, 3, 135, 240)
    snow = torch.rand(1, 3, 135, 240, generator=torch.Generator().manual_seed(5)) * 2 - 1
    turn, _, aside, *_ = seen_by(textured, textured, 3.0).tolist()
    assert turn > VISIBLE and aside > VISIBLE
    assert seen_by(textured, textured, 250.0)[2] < VISIBLE < seen_by(textured, textured, 250.0)[0]
    assert (seen_by(blank, blank, 3.0) == 0).all() and (seen_by(textured, snow, 3.0) < turn / 2).all()


def test_what_only_one_picture_shows_is_no_sign_of_motion(textured):
    flakes = torch.rand(2, 1, 1, 135, 240, generator=torch.Generator().manual_seed(6)) < 0.04
    plain = torch.zeros(1, 3, 135, 240)
    snowy, later = (plain + one for one in flakes)
    assert seen_by(snowy, later, 3.0)[0] < seen_by(snowy, snowy, 3.0)[0] / 3


def test_what_falls_is_taken_out_of_windows_whatever_the_head_does(textured):
    flakes = torch.rand(6, 1, 1, 135, 240, generator=torch.Generator().manual_seed(7)) < 0.15
    turns = [0.03 * frame for frame in LOOKED]
    clean = torch.stack([turned(textured, turn)[0] for turn in turns])
    looks = torch.where(flakes[:, 0], torch.full_like(clean, 1.5), clean)
    left, before = (
        (pictures - clean[::2])[:, :, 20:-20, 40:-40].abs().mean()
        for pictures in (without_falling(looks[None], GAP)[0], looks[::2])
    )
    assert left < before / 2


def halves(**parts: float) -> torch.Tensor:
    """[1, 2, 5]: the same motion twice."""
    return torch.tensor([[[parts.get(name, 0.0) for name in odometry.NAMES]] * 2])


def named(motion: torch.Tensor, kind: str, shown: float = 1.0) -> str:
    label = labels(motion, torch.full((1, 5), shown))[kind].item()
    return MOTIONS[kind][label] if label != IGNORED else "ignored"


def test_labels_say_what_had_an_effect_and_could_be_seen():
    step = 3.2 * GAP / 24
    assert named(halves(ahead=step), "ahead") == "forward" and named(halves(ahead=step), "turn") == "none"
    assert named(halves(), "ahead") == "none"  # before a wall, whatever is pressed
    assert named(halves(ahead=step / 4), "ahead") == "ignored"
    assert named(halves(turn=-0.1), "turn") == "left" and named(halves(up=-0.3), "rise") == "falling"
    assert named(halves(ahead=step), "ahead", shown=VISIBLE / 2) == "ignored"
    changed = halves(ahead=step)
    changed[:, 1] = 0
    assert named(changed, "ahead") == "ignored"


def test_the_bundled_judge_of_motion_reads_turns_of_a_walk(court):
    judges, right = Judges.load(), []
    for number in range(2):
        facts, frames = court.truth.facts(walk_episode(number)), list(range(GAP, 85, GAP))
        order, seen = facts["frames"].tolist(), look(list(court.truth.play(walk_episode(number)).values()))
        windows = torch.stack([seen[[order.index(f + later) for f in frames]] for later in LOOKED], 1)
        wanted, claimed = labels_of(facts, frames)["turn"], judges.motions(windows)["turn"].argmax(1)
        right += (wanted == claimed)[wanted != IGNORED].tolist()
    assert len(right) > 8 and sum(right) / len(right) > 0.8, right


def test_a_mirror_exchanges_left_and_right_and_a_film_run_backward_all_motion(court):
    judges, facts = Judges.load(), court.truth.facts(walk_episode(0))
    order, seen = facts["frames"].tolist(), look(list(court.truth.play(walk_episode(0)).values()))
    window = torch.stack([seen[order.index(GAP + later)] for later in LOOKED])[None]
    read = judges.motions(window)
    mirrored, backward = judges.motions(window.flip(-1)), judges.motions(window.flip(1))
    for name, chances in read.items():
        sides = name in ("aside", "turn")
        assert torch.allclose(mirrored[name], chances.flip(1) if sides else chances, atol=1e-3), name
        assert torch.allclose(backward[name], chances.flip(1), atol=1e-3), name


def test_the_surer_half_of_a_window_decides_and_half_of_a_walks_speed_is_neither():
    half = torch.tensor(odometry.DECIDES) * torch.tensor([0.0, 0, 1, 0, 0])
    motion = torch.stack([1.2 * half, 0.4 * half])[None]
    aside = list(MOTIONS).index("aside")
    for sure, kind in (((9.0, 1.0), "right"), ((1.0, 1.0), "none")):
        logits = logits_of(motion, torch.tensor(sure)[None, :, None].expand(1, 2, 5)).unflatten(1, (-1, 3))
        assert MOTIONS["aside"][logits[0, aside].argmax()] == kind
        assert (logits[0].argmax(1)[[i for i in range(5) if i != aside]] == 1).all()


def test_the_same_pictures_are_read_once_whoever_shows_them(court, monkeypatch):
    read, judges = [], Judges.load()
    monkeypatch.setattr(judges, "motions", lambda windows: read.append(len(windows)) or Judges.motions(judges, windows))
    alone, shots = Court(court.truth, judges), court.truth.play(walk_episode(0))
    first = alone.motions(shots, [GAP, 2 * GAP])
    again = alone.motions({f: Picture(p.y.clone(), p.u, p.v) for f, p in shots.items()}, [2 * GAP, GAP])
    assert sum(read) == 2 and torch.equal(first["turn"], again["turn"].flip(0))


def test_a_coast_without_its_water_cannot_be_told_from_a_meadow():
    place = ATTRIBUTES["place"].index
    places = torch.tensor([place("coast"), place("coast"), place("meadow"), place("meadow"), place("desert")])
    assert told_apart(places, torch.tensor([0.2, 0.0, 0.0, 0.2, 0.0])).tolist() == [True, False, True, False, True]


def test_what_nobody_can_see_does_not_count():
    time, weather = (ATTRIBUTES[kind].index for kind in ("time", "weather"))
    seen = visible(
        torch.tensor([time("night"), time("dawn"), time("dusk")]),
        torch.tensor([weather("clear"), weather("fog"), weather("clear")]),
    )
    assert seen["weather"].tolist() == [False, True, True] and seen["time"].tolist() == [True, False, True]


def test_likeness_of_pictures_is_that_of_the_textbook():
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(16, 236, (288, 512), generator=generator, dtype=torch.uint8)
    half = torch.full((144, 256), 128, dtype=torch.uint8)
    picture, brighter = Picture(y, half, half), Picture((y.int() + 2).clamp(max=255).to(torch.uint8), half, half)
    assert psnr_db(picture, picture) == MOST_DB and ssim(picture, picture) == pytest.approx(1)
    assert psnr_db(picture, brighter) == pytest.approx(20 * torch.tensor(219 / 2).log10().item(), abs=0.1)
    assert ssim(picture, blur(picture, 3)) < 0.5
    with pytest.raises(ValueError, match="expected y, u, v"):
        Picture(y[:10], half, half)
