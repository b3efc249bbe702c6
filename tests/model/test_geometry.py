"""Geometry against a small ray caster of its own: a textured ground, a wall standing on it, and a sky."""

import math

import numpy as np
import pytest
import torch

from model import geometry, native, planes, resampling
from model.camera import corner_rays, motion, rays
from model.reprojection import warp

EYE = (0.0, 1.7, 0.0, 0.0, 0.0)
WALL_Z, WALL_X, WALL_TOP = 9.0, 2.5, 3.0  # the wall spans -WALL_X..WALL_X, from the ground to its top


def directions(pose: tuple[float, ...], height: int, width: int) -> np.ndarray:
    """Written from the contract's text and not from model.geometry: [height, width, 3] unit vectors in the world."""
    px, py = np.meshgrid(np.arange(width), np.arange(height))
    r = np.stack([(px + 0.5 - 0.5 * width) / height * 1.2, (0.5 * height - py - 0.5) / height * 1.2, 0 * px + 1.0], -1)
    r /= np.linalg.norm(r, axis=-1, keepdims=True)
    yaw, pitch = pose[3:]
    x, y, z = r[..., 0], r[..., 1], r[..., 2]
    y, z = y * math.cos(pitch) + z * math.sin(pitch), z * math.cos(pitch) - y * math.sin(pitch)
    return np.stack([x * math.cos(yaw) + z * math.sin(yaw), y, -x * math.sin(yaw) + z * math.cos(yaw)], -1)


def cast(pose: tuple[float, ...], height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Colours [height, width, 3] in 0..1 and distances [height, width] in metres."""
    d, eye = directions(pose, height, width), np.array(pose[:3])
    ground = np.where(d[..., 1] < -1e-6, -eye[1] / np.minimum(d[..., 1], -1e-6), np.inf)
    wall = np.where(d[..., 2] > 1e-6, (WALL_Z - eye[2]) / np.maximum(d[..., 2], 1e-6), np.inf)
    at = eye + d * np.where(np.isfinite(wall) & (wall > 0), wall, 0)[..., None]
    wall = np.where(
        (np.abs(at[..., 0]) < WALL_X) & (at[..., 1] < WALL_TOP) & (at[..., 1] > 0) & (wall > 0), wall, np.inf
    )
    far = np.minimum(np.minimum(ground, wall), 300.0)
    p = eye + d * far[..., None]
    fade = np.exp(-far / 20)  # as a mip map would: no detail below a pixel
    on_ground = 0.45 + 0.3 * fade * np.sin(2.1 * p[..., 0] + 1.0) * np.sin(1.7 * p[..., 2])
    on_wall = 0.5 + 0.35 * np.sin(3.3 * p[..., 0]) * np.sin(4.1 * p[..., 1])
    on_sky = 0.6 + 0.2 * np.sin(9 * d[..., 0]) * np.sin(11 * d[..., 1] + 5 * d[..., 2])
    value = np.where(far == 300.0, on_sky, np.where(wall < ground, on_wall, on_ground))
    tint = np.where((wall < ground)[..., None], (1.0, 0.55, 0.4), (0.7, 1.0, 0.8))
    return np.where((far == 300.0)[..., None], (0.7, 0.9, 1.0), tint) * value[..., None], far


def view(*poses: tuple[float, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Planes [B, 7, 144, 256] and poses [B, 5] of the scene."""
    frames = []
    for pose in poses:
        rgb = torch.from_numpy((cast(pose, 288, 512)[0].clip(0, 1) * 255).round().astype(np.uint8))
        frames.append(planes.from_rgb(rgb[None], torch.from_numpy(cast(pose, 144, 256)[1]).float()[None]))
    return torch.cat(frames), torch.tensor(poses, dtype=torch.float32)


def psnr(a: torch.Tensor, b: torch.Tensor, mask: torch.Tensor) -> float:
    error = ((a[:, :6] - b[:, :6]) / 2).square() * mask
    return float(-10 * torch.log10(error.sum() / (6 * mask.sum())))


def test_rays_are_those_of_the_contract():
    torch.testing.assert_close(
        geometry.rays(144, 256), torch.from_numpy(directions((0, 0, 0, 0, 0), 144, 256)).float().permute(2, 0, 1)
    )
    pose = (0.0, 0.0, 0.0, 0.7, -0.3)
    world = geometry.unproject(torch.ones(1, 144, 256), torch.tensor([pose]))
    torch.testing.assert_close(world[0], torch.from_numpy(directions(pose, 144, 256)).float().permute(2, 0, 1))


def test_corners_of_blocks_lie_between_pixels_and_at_the_frames_edges():
    corners = corner_rays(16, 32, 8)
    assert corners.shape == (3, 3, 5)
    assert corners[:, 1, 2].tolist() == [0, 0, 1]
    right, up, ahead = corners[:, 0, 0]
    assert float(up / ahead) == pytest.approx(0.6) and float(right / ahead) == pytest.approx(-1.2)
    pixels = rays(16, 32)
    around = pixels[:, 7:9, 7:9].mean((1, 2))
    assert torch.allclose(around / around.norm(), corners[:, 1, 1], atol=1e-3)


def test_projecting_what_was_unprojected_gives_the_pixels_back():
    pose = torch.tensor([[3.0, 1.7, -4.0, 2.4, 0.3]])
    metres = 1 + 200 * torch.rand(1, 144, 256, generator=torch.Generator().manual_seed(0))
    column, row, far = geometry.project(geometry.unproject(metres, pose), pose, 144, 256)
    torch.testing.assert_close(column, torch.arange(256.0).expand(1, 144, 256), atol=2e-3, rtol=0)
    torch.testing.assert_close(row, torch.arange(144.0)[:, None].expand(1, 144, 256), atol=2e-3, rtol=0)
    torch.testing.assert_close(far, metres, atol=1e-3, rtol=1e-5)


@pytest.mark.parametrize(
    ("pose", "point", "where"),
    [
        ((0, 0, 0, 0, 0), (1, 0, 5), "right"),
        ((0, 0, 0, 0, 0), (0, 1, 5), "up"),
        ((0, 0, 0, 0.2, 0), (0, 0, 5), "left"),  # turning right moves what was ahead to the left
        ((0, 0, 0, 0, 0.2), (0, 0, 5), "down"),  # looking up moves it down
        ((0, 0, 0, math.pi / 2, 0), (5, 0, 0), "ahead"),  # yaw of a quarter turn looks along +x
        ((0, 0, 0, 0, 0), (0, 0, -5), "behind"),
    ],
)
def test_yaw_turns_right_and_pitch_looks_up(pose, point, where):
    points = torch.tensor(point, dtype=torch.float32).reshape(1, 3, 1)
    column, row, far = (float(v) for v in geometry.project(points, torch.tensor([pose], dtype=torch.float32), 144, 256))
    horizontal, vertical = column - 127.5, row - 71.5
    assert {
        "right": horizontal > 9 and abs(vertical) < 1e-3,
        "left": horizontal < -9 and abs(vertical) < 1e-3,
        "up": vertical < -9 and abs(horizontal) < 1e-3,
        "down": vertical > 9 and abs(horizontal) < 1e-3,
        "ahead": abs(horizontal) < 1e-3 and abs(vertical) < 1e-3 and far > 0,
        "behind": far < 0,
    }[where]


def test_the_same_pose_gives_the_frame_back():
    source, pose = view((1.0, 1.7, -2.0, 0.4, -0.1))
    out, mask = geometry.reproject(source, pose, pose)
    assert mask.min() == 1
    assert (out - source).abs().max() < 2e-3
    for before, after in zip(planes.unpack(source), planes.unpack(out), strict=True):
        assert (before.int() - after.int()).abs().max() <= 1


@pytest.mark.parametrize(
    "move",
    [(0, 0, 0.19, 0, 0), (0, 0, -0.19, 0, 0), (0.15, 0, 0, 0, 0), (0, 0.2, 0, 0, 0), (0, 0, 0, 0.067, 0),
     (0, 0, 0, -0.067, 0.05), (0.3, 0, 1.0, -0.05, 0.02)],
)  # fmt: skip
def test_a_known_scene_looks_as_it_does_from_the_other_pose(move):
    target = tuple(a + b for a, b in zip(EYE, move, strict=True))
    frames, poses = view(EYE, target)
    out, mask = geometry.reproject(frames[:1], poses[:1], poses[1:])
    assert psnr(out, frames[1:], mask) >= 35
    assert mask.mean() > 0.85
    seen = planes.distance((out[:, 6] + 1) / 2)[mask[:, 0] > 0]
    truth = planes.distance((frames[1:, 6] + 1) / 2)[mask[:, 0] > 0]
    assert ((seen - truth).abs() < 0.03 * truth)[truth < 40].float().mean() > 0.99


def test_the_sky_turns_and_never_shifts():
    source, pose = view((0.0, 1.7, 0.0, math.pi, 0.45))
    out, mask = geometry.reproject(source, pose, pose + torch.tensor([[4.0, 0.0, 3.0, 0.0, 0.0]]))
    sky = torch.zeros(1, 1, 144, 256)
    sky[:, :, :100] = 1
    assert (mask * sky).sum() == sky.sum()
    assert psnr(out, source, sky) > 55
    assert (planes.distance((out[:, 6] + 1) / 2)[:, :100] > 295).all()


def test_the_nearer_surface_hides_the_farther():
    left = (-3.0, 1.7, 0.0, 0.0, 0.0)
    frames, poses = view(EYE, left)
    out, mask = geometry.reproject(frames[:1], poses[:1], poses[1:])
    wall = torch.from_numpy(np.abs(cast(left, 144, 256)[1] * directions(left, 144, 256)[..., 2] - WALL_Z) < 1e-3)
    seen = planes.distance((out[0, 6] + 1) / 2)
    inner = wall & (torch.nn.functional.avg_pool2d(wall[None, None].float(), 5, 1, 2)[0, 0] == 1)
    assert mask[0, 0][inner].mean() > 0.97
    depth = cast(left, 144, 256)[1]
    agree = (seen - torch.from_numpy(depth).float()).abs() < 0.1 * torch.from_numpy(depth).float()
    assert agree[inner & (mask[0, 0] > 0)].float().mean() > 0.98


def test_what_the_source_never_saw_is_masked():
    left = (-4.0, 1.7, 0.0, 0.0, 0.0)
    frames, poses = view(EYE, left)
    out, mask = geometry.reproject(frames[:1], poses[:1], poses[1:])
    world = geometry.unproject(planes.distance((frames[1:, 6] + 1) / 2), poses[1:])
    column, row, far = geometry.project(world, poses[:1], 144, 256)
    inside = (far > 0) & (column > 1) & (column < 254) & (row > 1) & (row < 142)
    assert mask[:, 0][~inside & (far > 0) & (far < 200)].mean() < 0.05
    lit = planes.distance((frames[:1, 6] + 1) / 2)[0][
        row.round().long().clamp(0, 143), column.round().long().clamp(0, 255)
    ]
    hidden = inside & (far < 200) & (lit < 0.7 * far)  # behind the wall, as the source sees it
    assert hidden.sum() > 100
    assert mask[:, 0][hidden].mean() < 0.05
    assert (out * (1 - mask) == 0).all()
    turned = poses[:1] + torch.tensor([[0, 0, 0, math.pi, 0.0]])
    assert geometry.reproject(frames[:1], poses[:1], turned)[1].sum() == 0


def before_the_sky() -> torch.Tensor:
    """A dark grey wall 4 m away in the left half of a picture, and a bright blue sky."""
    frame = torch.zeros(1, 7, 144, 256)
    near, far = (2 * planes.depth_code(torch.tensor([metres])) - 1 for metres in (4.0, 60.0))
    frame[:, :4], frame[:, 4], frame[:, 6] = 0.6, 0.3, far
    frame[:, :4, :, :128], frame[:, 4, :, :128], frame[:, 6, :, :128] = -0.6, 0.0, near
    return frame


def test_what_a_step_aside_reveals_is_seen_without_an_outline_of_what_hid_it():
    frame, here = before_the_sky(), torch.tensor([EYE])
    seen, mask = geometry.reproject(frame, here, here + torch.tensor([[0.37, 0.0, 0.0, 0.0, 0.0]]))
    far = (mask > 0) & (seen[:, 6:7] < -0.4)
    assert far.sum() > 15_000 and (mask == 0).sum() > 1_000
    assert (seen[:, :5] * far - frame[..., 200:201].expand(-1, -1, -1, 256)[:, :5] * far).abs().max() < 1e-5


def test_an_outline_that_hides_as_much_as_before_stays_mixed():
    frame, here = before_the_sky(), torch.tensor([EYE])
    seen, mask = geometry.reproject(frame, here, here + torch.tensor([[0.0, 0.0, 0.0, 0.0013, 0.0]]))
    assert mask[..., 4:-4].all()
    luma = planes.unfold(seen[:, :4])[0, 144]
    assert ((luma > -0.55) & (luma < 0.55)).sum() >= 1


def test_a_batch_gives_what_each_frame_gives_alone():
    frames, poses = view(EYE, (0.5, 1.7, 0.3, 0.1, -0.1), (-1.0, 2.0, 1.0, -0.3, 0.1))
    together = geometry.reproject(frames, poses, poses.roll(1, 0))
    for i in range(3):
        alone = geometry.reproject(frames[i : i + 1], poses[i : i + 1], poses.roll(1, 0)[i : i + 1])
        torch.testing.assert_close(together[0][i : i + 1], alone[0], atol=1e-5, rtol=0)
        assert torch.equal(together[1][i : i + 1], alone[1])


def test_the_kernel_of_the_processor_gives_what_torch_gives():
    assert native.load("reprojection") is not None, (
        "expected a C++ compiler ($CXX, g++ or c++) and found none that works"
    )
    frames, poses = view(EYE, (0.5, 1.7, 1.3, 0.2, -0.1), (-1.0, 2.0, 2.0, -0.3, 0.1), (0.0, 1.7, 4.0, 3.0, 0.0))
    noise = 0.02 * torch.randn(frames.shape, generator=torch.Generator().manual_seed(0))  # as a decoder's depth has
    there = poses.roll(1, 0)
    out, mask = geometry.reproject(frames + noise, poses, there)
    expected, expected_mask = warp(frames + noise, motion(poses, there), motion(there, poses))
    assert (mask != expected_mask).float().mean() < 1e-4  # cells that land on a rounding
    differs = ((out - expected).abs() > 1e-3) & (mask == expected_mask)
    assert differs.float().mean() < 1e-3
    assert 0.05 < mask.mean() < 0.95


def test_reprojection_compiles_whole_and_gives_the_same():
    frames, poses = view(EYE, (0.5, 1.7, 0.3, 0.1, -0.1))
    compiled = torch.compile(geometry.reproject, fullgraph=True, backend="aot_eager")
    expected = geometry.reproject(frames, poses, poses.flip(0))
    assert all(map(torch.equal, compiled(frames, poses, poses.flip(0)), expected))
    nowhere = torch.full_like(poses, float("nan"))
    assert compiled(frames, poses, nowhere)[1].sum() == 0  # checked by the caller, and harmless if not


def test_half_precision_pictures_keep_their_places():
    frames, poses = view(EYE, (0.3, 1.7, 0.2, 0.05, 0.0))
    with torch.autocast("cpu", torch.bfloat16):
        out, mask = geometry.reproject(frames[:1], poses[:1], poses[1:])
    expected, expected_mask = geometry.reproject(frames[:1], poses[:1], poses[1:])
    assert torch.equal(out, expected) and torch.equal(mask, expected_mask) and out.dtype == torch.float32
    assert geometry.reproject(frames[:1].bfloat16(), poses[:1], poses[1:])[0].dtype == torch.float32


def test_bad_poses_and_shapes_are_refused_by_name():
    source, pose = view(EYE)
    bad = pose.clone()
    bad[0, 3] = float("nan")
    with pytest.raises(ValueError, match="target pose: yaw of row 0 is nan"):
        geometry.reproject(source, pose, bad)
    with pytest.raises(ValueError, match="source pose: yaw of row 0 is nan"):
        geometry.reproject(source, bad, pose)
    with pytest.raises(ValueError, match=r"expected \[B, 5\] \(x, y, z, yaw, pitch\), got \(1, 4\)"):
        geometry.reproject(source, pose, pose[:, :4])
    with pytest.raises(ValueError, match="expected planes"):
        geometry.reproject(source[:, :6], pose, pose)


def view_of(value: float, metres: float, mask: torch.Tensor) -> geometry.View:
    planes_ = torch.full((1, 7, 4, 4), value)
    planes_[:, 6] = 2 * planes.depth_code(torch.tensor(metres)) - 1
    return planes_ * mask, mask


def test_composing_takes_the_keyframe_where_it_agrees_and_the_last_frame_elsewhere():
    left, right, everywhere = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
    left[..., :2], right[..., 2:] = 1, 1
    keyframe, last = view_of(0.5, 10.0, left), view_of(-0.5, 10.5, everywhere)
    out, taken = geometry.compose([keyframe, last])
    assert (out[:, 0, :, :2] == 0.5).all() and (out[:, 0, :, 2:] == -0.5).all()
    assert torch.equal(taken, torch.cat([left, right], 1))
    elsewhere = view_of(0.5, 20.0, left)  # another surface, farther away
    out, taken = geometry.compose([elsewhere, last])
    assert (out[:, 0] == -0.5).all() and torch.equal(taken, torch.cat([0 * left, everywhere], 1))
    out, taken = geometry.compose([view_of(0.5, 4.0, left), last])  # and a nearer one
    assert (out[:, 0, :, :2] == 0.5).all() and torch.equal(taken, torch.cat([left, right], 1))
    out, taken = geometry.compose([elsewhere, view_of(-0.5, 10.5, right)])
    assert (out[:, 0, :, :2] == 0.5).all() and torch.equal(taken, torch.cat([left, right], 1))
    out, taken = geometry.compose([elsewhere, view_of(0.7, 5.0, left), view_of(0.0, 5.0, 0 * left)])
    assert (out[:, 0, :, :2] == 0.7).all()  # the nearer of two hides the other
    assert torch.equal(taken, torch.cat([0 * left, left, 0 * left], 1))
    assert (out[..., 2:] == 0).all()
    with pytest.raises(ValueError, match="at least one view"):
        geometry.compose([])


def test_what_was_drawn_from_afar_is_known_to_be_enlarged_nearby():
    flat = torch.zeros(1, 7, 144, 256)
    flat[:, 6] = 2 * planes.depth_code(torch.tensor(20.0)) - 1
    there = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0]])
    near = torch.tensor([[0.0, 0.0, 10.0, 0.0, 0.0]])
    source = geometry.drawn_here(flat)
    assert geometry.grain(source).max() == 0
    seen, mask = geometry.reproject(source, there, near)
    middle = geometry.grain(seen)[0, 0, 68:76, 120:136]
    assert mask[0, 0, 68:76, 120:136].all() and 0.44 < middle.mean() < 0.54
    back, _ = geometry.reproject(geometry.drawn_here(flat), near, there)
    assert geometry.grain(back)[0, 0, 68:76, 120:136].max() == 0


@pytest.mark.parametrize("walked_m", [1.0, 3.0, 6.0])
def test_what_comes_nearer_has_no_holes(walked_m: float):
    frames, poses = view(EYE, (0.0, 1.7, walked_m, 0.0, 0.0))
    out, mask = geometry.reproject(frames[:1], poses[:1], poses[1:])
    assert mask.mean() > 0.97
    off = ((out - frames[1:])[:, 6:7].abs() > 0.03) & (mask > 0)
    assert off.float().mean() < 0.03  # an edge that is enlarged is as uncertain as a pixel of its source was wide


def test_a_slope_seen_at_a_low_angle_is_one_surface_and_an_edge_is_not():
    rows = torch.linspace(0.01, 0.4, 40)[None, :, None].expand(1, 40, 8)  # inverse depth of a plane, row by row
    assert resampling.surfaces(rows).all()
    edge = torch.where(torch.arange(8) < 4, 0.02, 0.2).expand(1, 40, 8)
    whole = resampling.surfaces(edge)
    assert not whole[:, :, 3].any() and whole[:, :, :3].all() and whole[:, :, 4:].all()
