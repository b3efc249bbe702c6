"""What a world remembers, and which keyframe it looks at."""

import pytest
import torch

from engine.memory import DREAM_NEAR_M, LEADS, NEW, NOT_OWN, Keyframe, Memory, nearest_m

FLAT_M = torch.full((18, 32), 20.0)
DAY, NIGHT = torch.tensor([1.0, 0, 0.2, 0, 0, 0, 0]), torch.tensor([-1.0, 0, 0.2, 0, 0, 0, 0])


def pose(x: float = 0.0, z: float = 0.0, yaw: float = 0.0) -> torch.Tensor:
    return torch.tensor([x, 1.7, z, yaw, 0.0])


def keyframe(at: torch.Tensor, light: torch.Tensor = DAY, index: int = 0, dreamed: bool = False) -> Keyframe:
    return Keyframe(torch.zeros(16, 18, 32), at, light, index, FLAT_M, torch.zeros(18, 32), dreamed)


def a_memory(*poses: torch.Tensor) -> Memory:
    memory = Memory()
    for i, at in enumerate(poses):
        memory.keep(keyframe(at, index=i))
    return memory


def test_a_keyframe_is_worth_everything_where_it_was_made_and_nothing_behind():
    memory = a_memory(pose())
    assert memory.worth(pose(), DAY)[0] > 0.97
    assert memory.worth(pose(yaw=3.1), DAY)[0] == 0
    assert memory.worth(pose(x=500.0), DAY)[0] == 0


def test_it_is_worth_less_the_more_one_turns_comes_near_or_changes_the_light():
    memory = a_memory(pose())
    turned = [float(memory.worth(pose(yaw=yaw), DAY)[0]) for yaw in (0.0, 0.2, 0.5, 0.9)]
    nearer = [float(memory.worth(pose(z=z), DAY)[0]) for z in (0.0, 4.0, 10.0)]
    assert turned == sorted(turned, reverse=True) and turned[2] < NEW
    assert nearer == sorted(nearer, reverse=True) and nearer[2] < NEW
    assert memory.worth(pose(), NIGHT)[0] < NEW < memory.worth(pose(), DAY)[0]


def test_coming_back_finds_the_first_keyframe_again():
    memory = a_memory(pose(), pose(yaw=1.0), pose(yaw=2.0))
    first, second, third = memory.keyframes
    assert memory.choose(pose(yaw=2.05), DAY, [])[:2] == ([third], False)
    assert memory.choose(pose(yaw=0.05), DAY, [third])[:2] == ([first], False)
    assert memory.choose(pose(yaw=-2.0), DAY, [first]).new
    assert memory.choose(pose(yaw=0.5), DAY, [])[:2] == ([first, second], False)  # together they show it


def test_a_keyframe_in_use_stays_unless_another_is_clearly_better():
    memory = a_memory(pose(), pose(yaw=0.06))
    for used in memory.keyframes:
        assert memory.choose(pose(yaw=0.03), DAY, [used]).keyframes == [used]


def test_the_whole_keyframe_that_shows_most_goes_before_all_others():
    memory = Memory()
    memory.keep(keyframe(pose(), index=1))
    part = keyframe(pose(z=2.0), index=2)
    part.drawn[:9] = NOT_OWN
    memory.keep(part)
    memory.keep(keyframe(pose(z=2.5), index=3))
    first, _, third = memory.keyframes
    assert [first.whole, part.whole, third.whole] == [True, False, True]
    chosen = memory.choose(pose(z=3.0), DAY, [])
    assert chosen.keyframes[0] is third and chosen.led > 0.9
    assert memory.choose(pose(z=0.3), DAY, [third]).keyframes[0] is first
    assert memory.choose(pose(yaw=3.1), DAY, [third]).led == 0


def test_a_picture_that_was_given_leads_longer():
    memory = a_memory(pose(), pose(z=4.0))
    first, second = memory.keyframes
    assert memory.choose(pose(z=4.0), DAY, [second]).keyframes[0] is second
    memory.given = True
    assert memory.choose(pose(z=4.0), DAY, [second]).keyframes[0] is first
    assert memory.choose(pose(z=16.0), DAY, [first]).keyframes[0] is second


def test_what_was_only_dreamed_comes_after_what_was_shown_and_is_still_new():
    memory = Memory()
    memory.keep(keyframe(pose(yaw=0.6), index=3, dreamed=True))
    memory.keep(keyframe(pose(), index=8))
    dream, real = memory.keyframes
    assert memory.choose(pose(yaw=0.3), DAY, []).keyframes == [real, dream]
    assert not memory.choose(pose(yaw=0.6), DAY, []).new
    assert memory.unseen(pose(yaw=0.6)) < 0.05 and memory.unseen(pose(yaw=3.1)) > 0.95
    assert Memory().unseen(pose()) == 1


def test_of_dreams_the_newest_comes_first_though_it_shows_less():
    memory = Memory()
    for yaw, dreamed in ((0.4, True), (-0.5, True), (1.1, False)):
        memory.keep(keyframe(pose(yaw=yaw), index=3, dreamed=dreamed))
    chosen = memory.choose(pose(yaw=0.2), DAY, []).keyframes
    assert [round(float(k.pose[3]), 1) for k in chosen] == [1.1, -0.5, 0.4]


def test_who_turns_is_shown_what_was_dreamed_before_a_cell_at_the_edge_is_empty():
    memory = Memory()
    memory.keep(keyframe(pose(), index=1))
    memory.keep(keyframe(pose(yaw=0.9), index=3, dreamed=True))
    real, dream = memory.keyframes
    assert memory.choose(pose(yaw=0.03), DAY, [real]).keyframes == [real]
    assert memory.choose(pose(yaw=0.03), DAY, [real], 0.03).keyframes == [real, dream]
    assert memory.choose(pose(yaw=0.03), DAY, [real], -0.03).keyframes == [real]


@pytest.mark.parametrize(("lit", "beside"), [(DAY, True), (DAY.lerp(NIGHT, 0.2), False)])
def test_a_dream_in_old_light_is_seen_beside_a_keyframe_in_the_same_and_not_beside_one_in_new_light(
    lit: torch.Tensor, beside: bool
):
    memory = Memory()
    memory.keep(keyframe(pose(), lit, index=1))
    memory.keep(keyframe(pose(yaw=0.9), DAY, index=3, dreamed=True))
    real, dream = memory.keyframes
    choice = memory.choose(pose(yaw=0.03), DAY.lerp(NIGHT, 0.2), [real], 0.03)
    assert choice.led > LEADS
    assert choice.keyframes == ([real, dream] if beside else [real])


def test_what_nobody_else_shows_counts_for_more_than_what_one_in_use_shows_a_little_better(
    monkeypatch: pytest.MonkeyPatch,
):
    memory = a_memory(pose(z=-3.0), pose(z=-2.2))
    memory.keep(keyframe(pose(yaw=0.95), index=9, dreamed=True))
    leads, nearer, dream = memory.keyframes
    monkeypatch.setattr("engine.memory.LOOKED_AT", 2)
    chosen = memory.choose(pose(yaw=0.2), DAY, [leads, nearer]).keyframes
    assert [each is which for each, which in zip(chosen, (leads, dream), strict=True)] == [True, True]


def test_an_invented_dream_is_not_seen_from_afar_and_one_of_a_given_world_is():
    memory = Memory()
    memory.keep(keyframe(pose(), index=0))
    memory.keep(keyframe(pose(yaw=0.6), index=3, dreamed=True))
    aside = pose(z=-DREAM_NEAR_M - 0.1, yaw=0.6)
    assert memory.worth(pose(z=0.1 - DREAM_NEAR_M, yaw=0.6), DAY)[1] > 0.3
    assert memory.worth(aside, DAY)[1] == 0 and memory.worth(aside, DAY)[0] > 0
    memory.given = True
    assert memory.worth(aside, DAY)[1] > 0.3


def test_the_unseen_is_unseen_in_whatever_light():
    memory = Memory()
    memory.keep(keyframe(pose(), NIGHT))
    assert memory.unseen(pose()) < 0.05 and memory.worth(pose(), DAY)[0] < 0.2


def test_an_empty_memory_knows_nothing():
    assert Memory().choose(pose(), DAY, []) == ([], True, 0)


def test_the_farthest_is_forgotten_when_there_is_no_room():
    memory = Memory(most=3)
    for i, x in enumerate((0.0, 30.0, 2.0, 1.0)):
        memory.keep(keyframe(pose(x=x), index=i))
    assert [k.index for k in memory.keyframes] == [0, 2, 3]
    assert len(memory.worth(pose(), DAY)) == 3
    with pytest.raises(ValueError, match="at least 2"):
        Memory(most=1)


def test_the_first_is_never_forgotten_however_far_away():
    memory = Memory(most=3)
    for i, x in enumerate((30.0, 1.0, 2.0, 0.0)):
        memory.keep(keyframe(pose(x=x), index=i))
    assert [k.index for k in memory.keyframes] == [0, 1, 3]


def test_a_dream_is_forgotten_before_what_was_shown_far_away():
    memory = Memory(most=3)
    for i, x in enumerate((30.0, 1.0, 2.0, 0.0)):
        memory.keep(keyframe(pose(x=x), index=i, dreamed=i == 1))
    assert [k.index for k in memory.keyframes] == [0, 2, 3]


def test_a_cell_is_as_near_as_its_nearest_pixel():
    distance_m = torch.full((144, 256), 50.0)
    distance_m[10, 17] = 3.0
    near = nearest_m(distance_m)
    assert near.shape == (18, 32) and near[1, 2] == 3 and (near == 50).sum() == 18 * 32 - 1
