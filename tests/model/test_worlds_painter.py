"""Paintings of the full worlds: their truth, their crops, their determinism."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from model.worlds import uniforms
from model.worlds.film_files import read, record, write
from model.worlds.films import shoot
from model.worlds.lands import land
from model.worlds.painter import Painter
from model.worlds.profiles import profile
from model.worlds.scenery import spot
from model.worlds.seen import Seen, rays, visible, world_points
from model.worlds.shots import Camera, Frame, Heaven, Shot
from model.worlds.solids import ELLIPSOID, MATERIALS, SKY_MATERIAL, Body
from model.worlds.stage import Stage, Wish
from model.worlds.walker import Controls
from model.worlds.weather import settled


@cache
def of(place):
    return land(place, 3)


@pytest.fixture(scope="module")
def painter() -> Painter:
    made = Painter(Frame(256, 144))
    made.enter(of("meadow"))
    return made


def standing(turn=0.0, place="meadow"):
    at = spot(of(place), np.random.default_rng(1))
    return Camera(at.x, of(place).height(at.x, at.z) + 1.7, at.z, at.yaw + turn)


def test_a_painting_twice_is_the_same_and_a_full_turn_returns(painter):
    a, b = (painter.paint(Shot(standing(), Heaven())) for _ in range(2))
    c = painter.paint(Shot(standing(2 * np.pi), Heaven()))
    assert np.array_equal(a.rgb, b.rgb) and np.array_equal(a.distance_m, b.distance_m)
    assert np.abs(a.rgb.astype(int) - c.rgb).mean() < 0.5


def test_a_land_that_is_entered_again_is_painted_as_before(painter):
    def painted():
        found = painter.paint(Shot(standing(), Heaven()))
        return np.concatenate([found.rgb, found.facing.view(np.uint8), found.materials[..., None]], -1)

    meadow = painted()
    painter.enter(of("desert"))
    desert = painted()
    painter.enter(of("meadow"))
    assert (painted() == meadow).all() and (desert != meadow).mean() > 0.1


def test_normals_are_as_long_as_one_and_point_either_way(painter):
    painting = painter.paint(Shot(replace(standing(), pitch=-0.1), Heaven()))
    sky, long = painting.materials == SKY_MATERIAL, np.linalg.norm(painting.normals, axis=-1)
    assert sky.any() and painting.facing.dtype == np.int8 and (painting.facing[~sky] < 0).any()
    assert (np.abs(long[~sky] - 1) < 0.01).mean() > 0.99


def test_distance_normals_and_materials_agree_with_the_ground(painter):
    shot = Shot(replace(standing(), pitch=-0.4), Heaven())
    painting = painter.paint(shot)
    stage = Stage(of("meadow"), "none", 1)
    moment = replace(
        stage.reset(
            spot(of("meadow"), np.random.default_rng(1)), Wish(settled("day", "clear", np.random.default_rng(0)))
        ),
        shot=shot,
    )
    points = world_points(moment, painting.distance_m)
    ground = (painting.materials == MATERIALS.index("ground")) & (painting.distance_m < 40)
    assert ground.sum() > 1000
    for row, column in np.argwhere(ground)[::400]:
        x, y, z = points[row, column]
        assert y == pytest.approx(of("meadow").height(x, z), abs=0.06)
        assert painting.normals[row, column, 1] > 0.5
    sky = painting.materials == SKY_MATERIAL
    assert not sky.any() or painting.distance_m[sky].min() >= 299


def test_a_solid_is_where_it_was_put(painter):
    camera = standing()
    ahead = rays(
        Stage(of("meadow"), "none", 1).reset(
            spot(of("meadow"), np.random.default_rng(1)), Wish(settled("day", "clear", np.random.default_rng(0)))
        ),
        144,
        256,
    )
    body = Body()
    place = np.array([camera.x, camera.y, camera.z]) + ahead[72, 128] * 3.0
    body.add(ELLIPSOID, place, (0.5, 0.5, 0.5), (1.0, 0.0, 0.0))
    painting = painter.paint(Shot(camera, Heaven(), solids=body.rows))
    assert painting.distance_m[72, 128] == pytest.approx(2.5, abs=0.02)
    assert painting.materials[72, 128] == MATERIALS.index("figure")
    assert painting.normals[72, 128] @ ahead[72, 128] < -0.98


def test_a_crop_is_a_part_of_the_whole():
    crop = Painter(Frame(128, 96, 64, 32, 256, 144))
    whole = Painter(Frame(256, 144))
    for each in (crop, whole):
        each.enter(of("meadow"))
    shot = Shot(standing(), Heaven())
    part = whole.paint(shot).rgb[144 - 32 - 96 : 144 - 32, 64:192]
    assert np.abs(part.astype(int) - crop.paint(shot).rgb)[2:-2, 2:-2].mean() < 1.0
    with pytest.raises(ValueError, match="within its whole of 256 x 144"):
        Frame(128, 96, 200, 0, 256, 144)


def test_bad_sizes_and_drawing_nowhere_are_refused():
    with pytest.raises(ValueError, match="multiples of 16; got 0 x 144"):
        Frame(0, 144)
    with pytest.raises(RuntimeError, match="enter"):
        Painter(Frame(64, 48)).paint(Shot(Camera(0, 5, 0, 0), Heaven()))


def test_looks_change_colours_and_nothing_of_the_truth(painter):
    painter.enter(of("meadow"))
    seen = [painter.paint(Shot(standing(), Heaven(), look=look)) for look in ("natural", "neon", "ink", "pastel")]
    for other in seen[1:]:
        assert np.array_equal(other.distance_m, seen[0].distance_m)
        assert np.abs(other.rgb.astype(int) - seen[0].rgb).mean() > 8


def test_planes_are_those_of_the_picture(painter):
    painter.enter(of("meadow"))
    shot = Shot(standing(), Heaven())
    rgb, planes = painter.paint(shot).rgb / 255.0, painter.planes(shot)
    assert np.abs(16 + 219 * (rgb @ np.array([0.2126, 0.7152, 0.0722])) - planes.y).max() <= 1.01
    assert planes.u.shape == planes.depth.shape == (72, 128)


@pytest.mark.parametrize(
    "heaven",
    [
        Heaven(tod=0.12),
        Heaven(tod=0.02, cloud=0.6, fog=0.2),
        Heaven(tod=0.25, snow=0.005, cover=0.4),
        Heaven(tod=0.6, aurora=1.0, pulse=0.5),
        Heaven(tod=0.3, rain=0.8, cloud=1.0, storm=0.7, bolt=0.5, bolt_azimuth=0.4),
        Heaven(tod=0.09, rainbow=1.0, snow=0.7),
    ],
)
def test_what_is_left_out_of_a_program_would_not_have_been_seen(painter, monkeypatch, heaven):
    shot = Shot(replace(standing(), pitch=0.15), heaven)
    lean = painter.paint(shot)
    names = uniforms.shown(shot)
    assert not all(names.values())
    monkeypatch.setattr(uniforms, "shown", lambda shot: dict.fromkeys(names, True))
    whole = painter.paint(shot)
    assert np.abs(lean.rgb.astype(int) - whole.rgb).max() <= 1  # compilers round differently
    assert np.array_equal(lean.distance_m, whole.distance_m)


def test_windows_are_lit_at_night_only(painter):
    painter.enter(of("town"))
    at = replace(standing(place="town"), pitch=0.1)
    day, night = (painter.paint(Shot(at, Heaven(tod=tod, cloud=0.9))) for tod in (0.2, 0.75))
    panes = day.materials == MATERIALS.index("window")
    assert panes.sum() > 100
    warm = night.rgb[panes].astype(int)
    assert (warm[:, 0] - warm[:, 2] > 80).mean() > 0.2
    assert (day.rgb[panes].astype(int)[:, 0] - day.rgb[panes][:, 2] > 80).mean() < 0.02


def test_what_was_seen_is_known_and_what_was_not_is_not(painter):
    painter.enter(of("meadow"))
    stage, seen = Stage(of("meadow"), "none", 1), Seen()
    wish = Wish(settled("day", "clear", np.random.default_rng(0)))
    first = stage.reset(spot(of("meadow"), np.random.default_rng(1)), wish)
    painting = painter.paint(first.shot)
    assert not seen.mask(first, painting).any()
    seen.add(first, painting)
    assert seen.mask(first, painting).mean() > 0.97
    for _ in range(20):
        turned = stage.step(Controls(look_x=0.08), wish)
    assert seen.mask(turned, painter.paint(turned.shot)).mean() < 0.25


def test_what_was_seen_is_what_any_kept_frame_showed(painter):
    painter.enter(of("meadow"))
    stage, seen, shown = Stage(of("meadow"), "none", 1), Seen(), []
    wish = Wish(settled("day", "clear", np.random.default_rng(0)))
    moment = stage.reset(spot(of("meadow"), np.random.default_rng(1)), wish)
    for _ in range(2):
        shown.append((moment, painter.paint(moment.shot)))
        seen.add(*shown[-1])
        for _ in range(4):
            moment = stage.step(Controls(look_x=0.08), wish)
    painting = painter.paint(moment.shot)
    points = world_points(moment, painting.distance_m)
    each = [visible(points, earlier, before.distance_m) for earlier, before in shown]
    mask = seen.mask(moment, painting)
    assert (mask == (each[0] | each[1])).mean() > 0.9999  # fewer points at once may be summed in another order
    assert all((mask != one).any() and one.any() for one in each)


def test_a_film_has_its_truth_and_is_the_same_again(painter):
    runs = []
    for _ in range(2):
        runs.append(list(shoot(4, profile("full"), painter, 3)))
    for a, b in zip(*runs, strict=True):
        assert np.array_equal(a.painting.rgb, b.painting.rgb) and a.caption == b.caption and a.labels == b.labels
        assert a.moment.ambience == b.moment.ambience and a.seen_before.shape == (144, 256)


def test_a_film_survives_its_file_with_its_truth_and_physics(painter, tmp_path):
    fresh, also = record(7, profile("full"), painter, 3)
    write(tmp_path / "film", fresh, also)
    arrays, said = read(tmp_path / "film")
    assert set(arrays) == set(fresh) and all(np.array_equal(arrays[name], fresh[name]) for name in fresh)
    assert said == json.loads(json.dumps(also)) and len(said["frames"]) == len(arrays["rgb"]) == 3
    assert said["physics"]["gravity_m_s2"] == 1.62  # seed 7 is on the moon
    assert arrays["camera"].shape == (3, 7) and arrays["heaven"].shape == (3, 13)
    assert arrays["sound"].shape == arrays["music"].shape == (3000,)
