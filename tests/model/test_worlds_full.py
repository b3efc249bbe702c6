"""The full worlds: physics that can be measured, nobody in a wall, labels that the frames show, refusals by name."""

from dataclasses import replace
from functools import cache
from math import atan2, cos, hypot, pi, sin

import numpy as np
import pytest

from configs.paths import vocabulary
from model.worlds.acts import Scene
from model.worlds.bodies import roll_down, throw
from model.worlds.cameras import Filmed, film
from model.worlds.events import LASTS_S, begin
from model.worlds.films import clear_line, event_seen, play, script
from model.worlds.happenings import Event, Heard
from model.worlds.lands import Land
from model.worlds.lands import land as bake_land
from model.worlds.physics import BALL_RADIUS_M, BALL_RESTITUTION, FRAME_S, SOUND_M_S, constants
from model.worlds.profiles import UnknownProfile, profile
from model.worlds.scenery import Spot, spot
from model.worlds.shots import SPAN, Camera, Heaven, Shot
from model.worlds.shows import show
from model.worlds.solids import Body
from model.worlds.stage import Stage, Wish
from model.worlds.subjects import STANCE, Pose, foot
from model.worlds.walker import Controls
from model.worlds.weather import settled

land = cache(bake_land)
SKY = settled("day", "clear", np.random.default_rng(0))


@pytest.fixture(scope="module")
def town() -> Land:
    return land("town", 3)


@pytest.fixture(scope="module")
def moon() -> Land:
    return land("moon", 3)


def walked(world, controls, frames, subject="explorer", **wished):
    stage = Stage(world, subject, 1)
    moments = [stage.reset(spot(world, np.random.default_rng(1)), Wish(SKY, **wished))]
    return moments + [stage.step(controls, Wish(SKY, **wished)) for _ in range(frames)]


def test_a_thrown_ball_falls_with_the_gravity_of_its_place(town, moon):
    for world in (town, moon):
        at = spot(world, np.random.default_rng(0))
        ground = world.height(at.x, at.z)
        path = throw(world, np.array([at.x, ground + 3.0, at.z]), np.array([0.0, 4.0, 0.0]), 18)
        flight = path.at[: int(path.bounces[0].at_s / FRAME_S) if path.bounces else 19, 1]
        times = np.arange(len(flight)) * FRAME_S
        recovered = -2 * np.polyfit(times, flight, 2)[0]
        assert recovered == pytest.approx(constants(world.place)["gravity_m_s2"], rel=0.01)


def test_a_ball_keeps_its_restitution_and_comes_to_rest_on_the_ground(town):
    at = spot(town, np.random.default_rng(0))
    path = throw(town, np.array([at.x, town.height(at.x, at.z) + 4.0, at.z]), np.zeros(3), 24 * 12)
    first, second = path.bounces[:2]
    flight_s = second.at_s - first.at_s
    assert 9.81 * flight_s / 2 / first.speed_m_s == pytest.approx(BALL_RESTITUTION, rel=0.03)
    end = path.at[-1]
    assert end[1] == pytest.approx(town.height(end[0], end[2]) + BALL_RADIUS_M, abs=0.02)
    assert np.abs(path.at[-1] - path.at[-2]).max() < 1e-6


def test_a_boulder_rolls_downhill_and_stays_on_the_ground():
    world = land("mountains", 3)
    steep = np.unravel_index(np.argmax(np.hypot(world.ground[..., 1], world.ground[..., 2])), world.ground.shape[:2])
    x, z = steep[1] / 2, steep[0] / 2
    path = roll_down(world, (x, z), (0.0, 0.0), 72)
    assert path.at[-1, 1] < path.at[0, 1] - 1
    assert path.rolled_m[-1] > 2


def test_thunder_is_heard_when_sound_has_come_that_far():
    strike = Heard("thunder", 2.0, 1029.0)
    assert strike.heard_s - strike.at_s == pytest.approx(1029.0 / SOUND_M_S) == pytest.approx(3.0)


def test_a_storm_strikes_and_every_strike_is_seen_and_has_its_thunder():
    stage = Stage(land("meadow", 1), "none", 4)
    wish = Wish(settled("night", "rain", np.random.default_rng(0)), storm=1.0)
    stage.reset(spot(stage.land, np.random.default_rng(0)), wish)
    moments = [stage.step(Controls(), wish) for _ in range(24 * 20)]
    strikes = [m for m in moments if any(h.kind == "thunder" for h in m.heard)]
    assert len(strikes) >= 2
    assert all(m.shot.heaven.bolt > 0.1 for m in strikes)


def spot_near(world, rng):
    while True:
        x, z = rng.uniform(190, 320, 2)
        if not world.blocked(x, z, 0.36) and (world.dry or world.height(x, z) > 0):
            return float(x), float(z)


def test_a_full_turn_comes_back_to_the_same_pose(town):
    turning = Controls(look_x=2 * pi / 60)
    moments = walked(town, turning, 60)
    a, b = moments[0].shot.camera, moments[-1].shot.camera
    assert (a.x, a.z) == pytest.approx((b.x, b.z))
    assert np.allclose(a.gaze, b.gaze, atol=1e-9)


def test_footfalls_come_when_a_foot_comes_down():
    world = land("meadow", 2)
    moments = walked(world, Controls(forward=True), 70, camera="third")
    falls = [(m, h) for m in moments for h in m.heard if h.kind == "footfall"]
    assert len(falls) > 6
    for moment, heard in falls:
        late_s = moment.at_s - heard.at_s
        assert 0 <= late_s <= FRAME_S + 1e-9
        early = replace(moment.pose, gait=moment.pose.gait - 0.5 * (1 - STANCE) * 0.2 - late_s * 2.5)
        down = [side for side in (-1, 1) if foot(moment.pose, side)[1] == 0.0 and foot(early, side)[1] > 0.0]
        assert down, "no foot came down where a step is heard"


def test_a_foot_that_stands_does_not_slide():
    pose = Pose(0, 0, 0, 0, "walk", gait=0.05, speed_m_s=3.2)
    gaits = np.linspace(0.02, STANCE - 0.02, 12)
    places = [2 * 0.78 * g + foot(replace(pose, gait=float(g)), -1)[0] for g in gaits]
    assert np.ptp(places) < 1e-9


def test_a_body_turns_with_inertia_and_arrives():
    world = land("desert", 2)
    stage = Stage(world, "fox", 1)
    stage.reset(spot(world, np.random.default_rng(3)), Wish(SKY))
    right = [stage.step(Controls(right=True), Wish(SKY, camera="third")) for _ in range(40)]
    first, last = right[3], right[-1]
    goal = atan2(last.walk.vx, last.walk.vz)
    assert abs((first.pose.heading - goal + pi) % (2 * pi) - pi) > 0.4
    assert abs((last.pose.heading - goal + pi) % (2 * pi) - pi) < 0.05


@pytest.mark.parametrize("action", vocabulary()["action"])
def test_every_action_is_done_by_explorer_and_fox(action):
    world = land("desert", 2)
    controls = Controls(forward=action in ("walk", "run", "jump"), run=action == "run", jump=action == "jump")
    for subject in ("explorer", "fox"):
        wished = action if action in ("wave", "dance", "sit") else "idle"
        moments = walked(world, controls, 14, subject, act=wished, camera="third")
        assert action in {m.action for m in moments[4:]}
        assert len(moments[-1].shot.solids) > 12


def test_every_event_begins_shows_something_and_ends(town):
    for name in LASTS_S:
        act = begin(name, town, (228.0, 230.0), 0.0, 1.0, 5)
        counts = []
        for at_s in (0.5, 4.0, 1.0 + LASTS_S[name] + 0.1):
            scene = Scene(Body())
            show(act, at_s, scene)
            counts.append(len(scene.body.rows) + len(scene.sparks) + len(scene.saplings) + (scene.rainbow > 0))
        assert counts[0] == counts[2] == 0 < counts[1], name


def test_cameras_stay_above_ground_and_out_of_walls(town):
    rng = np.random.default_rng(2)
    for name in ("third", "orbit", "side", "drone"):
        for _ in range(12):
            x, z = spot_near(town, rng)
            rig = film(town, None, Filmed(x, town.height(x, z), z, float(rng.uniform(-pi, pi)), 0.0), name)
            camera = rig.camera
            assert camera.y > town.height(camera.x, camera.z) + 0.5
            away = hypot(camera.x - x, camera.z - z)
            assert atan2(x - camera.x, z - camera.z) == pytest.approx(camera.yaw) or away < 1e-6


def test_cameras_on_an_arm_stay_out_of_crowns():
    wood, rng = land("forest", 3), np.random.default_rng(4)
    feet, size, kind, _ = wood.plants
    for k in rng.choice(len(feet), 60, replace=False):
        x, z, yaw = feet[k, 0] + 3.0, feet[k, 2], float(rng.uniform(-pi, pi))
        if wood.in_crown(x, wood.height(x, z) + 1.0, z):
            continue  # who stands among branches is filmed from among them
        camera = film(wood, None, Filmed(x, wood.height(x, z), z, yaw, 0.0), "orbit").camera
        assert not wood.in_crown(camera.x, camera.y, camera.z) or hypot(camera.x - x, camera.z - z) < 1.3
    top = wood.height(*feet[0, (0, 2)]) + 0.6 * size[0]
    assert kind[0] in (1, 2) and wood.in_crown(feet[0, 0], top, feet[0, 2])
    assert not wood.in_crown(feet[0, 0], top + size[0], feet[0, 2])


def test_birds_are_seen_where_they_fly_and_not_where_they_were_called():
    world = land("meadow", 3)
    stage, wish = Stage(world, "none", 1), Wish(SKY)
    stage.reset(spot(world, np.random.default_rng(1)), wish)
    moments = [stage.step(Controls(), replace(wish, event="birds"))]
    moments += [stage.step(Controls(), wish) for _ in range(96)]
    called = moments[0].events[0]
    assert all(event_seen(world, moment, called) for moment in moments[60:90])  # 3 s after the call they pass
    away = moments[72].shot.solids.copy()
    away[:, :3] += 200.0
    gone = replace(moments[72], shot=replace(moments[72].shot, solids=away))
    assert not event_seen(world, gone, called)


def test_a_dolly_zoom_keeps_the_size_of_what_is_filmed():
    world = land("desert", 2)
    at = spot(world, np.random.default_rng(0))
    filmed, rig, sizes, spans = Filmed(at.x, world.height(at.x, at.z), at.z, at.yaw, 0.0), None, [], []
    for _ in range(96):
        rig = film(world, rig, filmed, "side", "dolly_zoom")
        ahead = (filmed.x - rig.camera.x) * sin(rig.camera.yaw) + (filmed.z - rig.camera.z) * cos(rig.camera.yaw)
        sizes.append(1 / (max(ahead, 0.1) * rig.camera.span))
        spans.append(rig.camera.span)
    assert max(spans) / min(spans) > 1.5
    assert max(sizes) / min(sizes) < 1.25


def test_what_is_said_of_a_film_is_what_it_shows():
    full, seen = profile("full"), 0
    for seed in range(8):
        for plan, world, moment, said, _ in play(seed, full, 40):
            names = {event.name for event in moment.events}
            assert said.event is None or said.event in names
            assert said.action is None or said.action == moment.action
            filmed = plan.subject != "none" and plan.camera != "first"
            assert said.subject is None or (filmed and said.subject == plan.subject)
            assert said.subject is not None or not filmed or plan.move != "none"
            assert plan.place != "moon" or said.weather is None
            seen += said.event is not None
            assert moment.shot.look == plan.look
            assert world.place == plan.place
    assert seen > 10


def test_scripts_join_only_what_can_be_seen_together():
    full = profile("full")
    plans = [script(seed, full) for seed in range(1000)]
    for plan in plans:
        assert plan.place != "moon" or plan.weather == "clear"
        assert plan.subject != "boat" or plan.place == "coast"
        assert plan.subject != "none" or plan.camera == "first"
        assert plan.event != "fireworks" or plan.time != "day"
        assert plan.event != "rainbow" or (plan.time, plan.weather) == ("day", "clear")
    for kind in ("place", "time", "weather", "look", "subject", "event", "camera", "move"):
        assert {getattr(p, kind) for p in plans} == set(vocabulary()[kind])


def test_a_hill_hides_what_lies_behind_it():
    world = land("mountains", 3)
    moment = walked(world, Controls(), 0, "none")[0]
    camera = moment.shot.camera
    assert clear_line(world, moment, (camera.x, camera.y + 30, camera.z + 1))
    assert not clear_line(world, moment, (camera.x + 40, world.height(camera.x + 40, camera.z) - 5, camera.z))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: land("volcano", 1), "volcano"),
        (lambda: land("town", -1), "-1"),
        (lambda: Camera(0, float("nan"), 0, 0), "y must be finite"),
        (lambda: Camera(0, 0, 0, 0, span=0.0), "span"),
        (lambda: Heaven(storm=1.5), "storm"),
        (lambda: Shot(Camera(0, 0, 0, 0), Heaven(), clock=-1.0), "clock"),
        (lambda: Shot(Camera(0, 0, 0, 0), Heaven(), look="oil"), "oil"),
        (lambda: Heard("bang", 0, 0), "bang"),
        (lambda: Event("volcano", 0, 1, 0, 0, 0), "volcano"),
        (lambda: Event("ball", 2, 1, 0, 0, 0), "2 to 1"),
        (lambda: script(-1, profile("full")), "-1"),
        (lambda: next(play(1, profile("full"), 0)), "one frame at least; got 0"),
        (lambda: Spot(0.0, float("inf"), 0.0), "z must be finite"),
        (lambda: Wish(SKY, pulse=float("nan")), "pulse"),
        (lambda: Wish(SKY, act="fly"), "'fly'"),
        (lambda: Wish(SKY, event="flood"), "'flood'"),
        (lambda: Wish(SKY, camera="upside-down"), "'upside-down'"),
    ],
)
def test_bad_parameters_are_refused_by_name(make, named):
    with pytest.raises(ValueError, match=named):
        make()


def test_profiles_hold_the_vocabulary_and_unknown_ones_are_refused():
    full = profile("full")
    assert set(full.places) == set(vocabulary()["place"]) and set(full.events) == set(vocabulary()["event"])
    assert profile("walks").places == profile("nano").places == ("meadow", "desert", "mountains", "coast")
    nano = profile("nano")
    assert nano.weathers == full.weathers and "explorer" in nano.subjects
    assert len(nano.actions) == 5 and len(set(nano.events) - {"none"}) == 5
    with pytest.raises(UnknownProfile, match="gigantic"):
        profile("gigantic")
    assert SPAN == 1.2
