"""The world's state as four tokens' input, and how a read-out moves it: body, sky, place and look, action.
Knows ranges and rates; nothing of pictures. Names are those of the vocabulary."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import atan2, cos, pi, sin
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from configs.paths import vocabulary

PLACES = tuple(vocabulary()["place"][i] for i in (0, 2, 3, 4))  # those of the nano profile
TIMES = tuple(vocabulary()["time"])
CAMERAS = tuple(vocabulary()["camera"])
WEATHERS = tuple(w for w in vocabulary()["weather"] if w != "storm")
SKY = ("tod", "cloud", "fog", "rain", "snow", "cover")
NOMINAL = torch.tensor([0.2, 0.6, 0.5, 0.6, 0.6, 0.4]) / 24  # how much of each moves in a frame while it moves
CREEP_M_S = 0.25  # a body slower than this stands
LEAP_M_S = 1.0  # who is on the ground and goes up or down as fast is about to leave it, or lands
STILL = 0.35  # a rate below this share of the nominal one is snapped to zero
TOKENS, WIDTH = 4, 8
SPEED_M_S = 6.4
MIST = 0.25  # of fog, as rain and snow dim what is far
FALLING = 0.05  # rain and snow that are seen to fall
PASSING = slice(3, 6)  # of a sky: rain, snow and cover, which rest at none or at all of them
NEAR = 0.2  # that far from where they rest they go on to it, if they are not taken away from it
EYE_M = 1.7  # above the ground
HIGH, SOUTH = 0.9, 0.42  # how high the sun's path rises, and leans to the south (z), beside 1 from east (x) to west
# where a world of that name begins: the sun in turns; cloud, fog, rain, snow, cover
TYPICAL_TIME = {"dawn": 0.01, "day": 0.22, "dusk": 0.482, "night": 0.73}
TYPICAL_WEATHER = {
    "clear": (0.27, 0.0, 0.0, 0.0, 0.0),
    "overcast": (0.92, 0.02, 0.0, 0.0, 0.0),
    "fog": (0.65, 0.93, 0.0, 0.0, 0.0),
    "rain": (0.95, 0.12, 1.0, 0.0, 0.0),
    "snow": (0.94, 0.12, 0.0, 1.0, 1.0),
}


def tokens(velocity: Tensor, ground: Tensor, sky: Tensor, place: Tensor, pitch: Tensor) -> Tensor:
    """velocity [..., 3] m/s in the body's frame (right, up, forward), ground [...] 0 or 1, sky [..., 6], place [..., 4]
    one-hot, pitch [...] rad -> [..., 4, 8]."""
    none = torch.zeros_like(pitch)
    speed = torch.hypot(velocity[..., 0], velocity[..., 2])
    walk, run = (speed > 0.4) & (speed <= 4.2), speed > 4.2
    grounded = ground > 0.5
    action = torch.stack([(speed <= 0.4) & grounded, walk & grounded, run & grounded, ~grounded], -1).to(sky.dtype)
    body = torch.stack([*torch.unbind(velocity / SPEED_M_S, -1), ground, none, none, none, none], -1)
    light_now = torch.cat([light(sky), none[..., None]], -1)
    where = torch.stack([*place.unbind(-1), pitch, none, none, none], -1)
    return torch.stack([body, light_now, where, torch.cat([action, torch.zeros_like(action)], -1)], -2)


def anywhere(known: Tensor) -> Tensor:
    """State tokens [..., 4, 8] -> the same of any place alike."""
    known = known.clone()
    known[..., 2, : len(PLACES)] = 1 / len(PLACES)
    return known


def light(sky: Tensor) -> Tensor:
    """What a sky [..., 6] means for how things look, without the jump at midnight -> [..., 7]."""
    turn = sky[..., :1] * (2 * pi)
    return torch.cat([turn.sin(), turn.cos(), sky[..., 1:]], -1)


def falls(sky: Tensor) -> Tensor:
    """Whether rain or snow falls under skies [..., 6] -> bool [...]."""
    return sky[..., 3:5].sum(-1) > FALLING


def fallen(sky: Tensor) -> Tensor:
    """The sky [..., 6] in which pictures are drawn under a sky: dim as rain and snow make it, but with none of them in
    the air, since what a picture shows of that would hang there; it falls before pictures."""
    dry = sky.clone()
    dry[..., 2] = torch.maximum(sky[..., 2], MIST * sky[..., 3:5].sum(-1))
    dry[..., 3:5] = 0
    return dry


def sun(turn: Tensor) -> Tensor:
    """Whence the sun shines at its turn [...]: unit vectors (east, up, south) [..., 3]. Below the horizon by night."""
    angle = turn * (2 * pi)
    return F.normalize(torch.stack([angle.cos(), HIGH * angle.sin(), torch.full_like(angle, SOUTH)], -1), dim=-1)


def moon(turn: Tensor) -> Tensor:
    """Where the moon stands when the sun is at its turn [...]: across from it, never below the horizon, [..., 3]."""
    across = sun(turn)
    up = 0.35 + 0.5 * across[..., 1].abs()
    return F.normalize(torch.stack([-across[..., 0], up, torch.full_like(up, -0.55)], -1), dim=-1)


def to_the_sun(time: str) -> float:
    """The yaw in radians of who looks to where the sun stands, or has set, at a time of that name."""
    return atan2(cos(2 * pi * TYPICAL_TIME[time]), SOUTH)


def snap(rates: Tensor, sky: Tensor) -> Tensor:
    """Rates [..., 6] in nominal units as a network read them out under skies [..., 6] -> what the state obeys: still,
    or up to nominal; the sun only moves forward. A network slows down before it arrives, so that what passes would
    rest a little beside its end: it goes on."""
    snapped = torch.where(rates.abs() < STILL, torch.zeros_like(rates), rates.clamp(-1, 1))
    at = sky[..., PASSING]
    onward = STILL * ((at > 1 - NEAR).to(rates) - (at < NEAR).to(rates))
    passing = torch.where(snapped[..., PASSING] == 0, onward, snapped[..., PASSING])
    return torch.cat([snapped[..., :1].clamp_min(0), snapped[..., 1 : PASSING.start], passing], -1)


def settle(velocity: Tensor, ground: float) -> Tensor:
    """Velocity [3] in the body's frame as a network read it out, and whether the feet are on the ground -> what the
    state obeys: who hardly moves stands, else a bias of centimetres would carry somebody who only looks around through
    the world, and sink who stands on the ground, a metre in half a minute."""
    creeping = torch.hypot(velocity[0], velocity[2]) < CREEP_M_S
    stands = creeping & (velocity[1].abs() < LEAP_M_S) & (ground > 0)
    return torch.where(creeping & (stands | (torch.arange(3) != 1)), torch.zeros_like(velocity), velocity)


def turned(velocity: Tensor, yaw: float) -> Tensor:
    """Velocity [3] in the body's frame -> the same motion in that of a body turned by so many radians to the right."""
    c, s = cos(yaw), sin(yaw)
    return torch.stack([velocity[0] * c - velocity[2] * s, velocity[1], velocity[0] * s + velocity[2] * c])


def advance(sky: Tensor, rates: Tensor) -> Tensor:
    """The sky one frame later, within its range: sky [..., 6], snapped rates [..., 6]."""
    moved = sky + rates * NOMINAL.to(sky)
    return torch.cat([moved[..., :1] % 1.0, moved[..., 1:].clamp(0, 1)], -1)


@dataclass
class WorldState:
    """The state of one world between two frames. Position is gauge: where the world began is the origin. Yaw is not:
    0 is south, pi / 2 east, and the sun rises there."""

    place: int
    sky: Tensor  # [6]
    pose: list[float] = field(default_factory=lambda: [0.0, EYE_M, 0.0, 0.0, 0.0])  # x, y, z metres; yaw, pitch radians
    velocity: Tensor = field(default_factory=lambda: torch.zeros(3))
    ground: float = 1.0
    camera: str = "first"  # of the vocabulary's
    floor_m: float = 0.0  # height of the ground below a camera that flies

    def tokens(self) -> Tensor:
        """[4, 8], the input of the state tokens."""
        one_hot = torch.zeros(len(PLACES))
        one_hot[self.place] = 1
        return tokens(self.velocity, torch.tensor(self.ground), self.sky, one_hot, torch.tensor(self.pose[4]))

    def heavens(self) -> tuple[Tensor, Tensor]:
        """The sun's turn [1], and who looks, yaw and pitch in radians [1, 2]."""
        return self.sky[None, 0], torch.tensor([self.pose[3:]])

    def values(self) -> dict[str, float]:
        """By name, for people: place and camera as indices of PLACES and CAMERAS, sky, pose, speed."""
        names = ("x", "y", "z", "yaw", "pitch")
        out = {"place": float(self.place)} | {n: round(float(v), 4) for n, v in zip(SKY, self.sky, strict=True)}
        out |= {n: round(float(v), 4) for n, v in zip(names, self.pose, strict=True)}
        speed = round(float(torch.hypot(self.velocity[0], self.velocity[2])), 3)
        return out | {"speed": speed, "ground": self.ground, "camera": float(CAMERAS.index(self.camera))}


class Named(NamedTuple):
    """What a state is called: numbers of PLACES, TIMES and WEATHERS."""

    place: int
    time: int
    weather: int


def named(now: WorldState) -> Named:
    """The names of which the typical sky is nearest."""
    turn, air = float(now.sky[0]), now.sky[1:]
    away = [abs((turn - typical + 0.5) % 1 - 0.5) for typical in TYPICAL_TIME.values()]
    apart = [float((air - torch.tensor(typical)).norm()) for typical in TYPICAL_WEATHER.values()]
    return Named(now.place, away.index(min(away)), apart.index(min(apart)))


def beginning(place: str, time: str, weather: str, yaw: float = 0.0) -> WorldState:
    """The state in which a world of these names begins, for who looks along `yaw` radians. Raises ValueError on names
    that are not of the profile."""
    for name, known in ((place, PLACES), (time, TIMES), (weather, WEATHERS)):
        if name not in known:
            raise ValueError(f"expected one of {', '.join(known)}; got {name!r}")
    sky = torch.tensor([TYPICAL_TIME[time], *TYPICAL_WEATHER[weather]])
    return WorldState(PLACES.index(place), sky, [0.0, EYE_M, 0.0, yaw, 0.0])
