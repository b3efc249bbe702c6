"""What holds in every world: lengths, speeds, gravity, restitution, drag; the one place where such numbers stand.
Knows numbers and their units; refuses to know how anything is simulated or drawn."""

from __future__ import annotations

FRAME_S = 1 / 24
EYE_M = 1.7
BODY_M = 0.35
WALK_M_S = 3.2
RUN_M_S = 6.4
INERTIA_S = 0.12
GRAVITY_M_S2 = 9.81
MOON_GRAVITY_M_S2 = 1.62
JUMP_M_S = 4.6
ARROW_RAD_S = 1.6
PITCH_LIMIT = 1.2
WADE_M = 0.6  # the deepest water that is walked through
STEEP = 1.3  # the steepest slope that is climbed
SOUND_M_S = 343.0
WALK_STRIDE_M = 0.78  # from one foot's fall to the other's
RUN_STRIDE_M = 1.35
TURN_S = 0.22  # the time constant with which a body turns to where it goes
BALL_RADIUS_M = 0.22
BALL_RESTITUTION = 0.72
BALL_FRICTION = 0.85  # of the speed along the ground that is left after a bounce
BOULDER_RADIUS_M = 1.1
ROLLING_SHARE = 5 / 7  # of a slope's pull that moves a solid sphere which rolls
ROLLING_DRAG_1_S = 0.12
BALLOON_RISE_M_S = 1.5  # where buoyancy and drag are in balance
BALLOON_BUOYANCY_S = 2.0  # the time constant with which that speed is reached
WIND_M_S = (1.1, 0.4)  # along x and z
BOAT_SPEED_M_S = 4.0
LIGHTHOUSE_TURN_S = 8.0
SPARK_DRAG_1_S = 1.1


def gravity_m_s2(place: str) -> float:
    """The acceleration of a free fall at a place, in m/s^2."""
    return MOON_GRAVITY_M_S2 if place == "moon" else GRAVITY_M_S2


def constants(place: str) -> dict[str, float]:
    """Every number above by its name, with the place's own gravity: what is exported with a film."""
    plain = {name.lower(): float(value) for name, value in globals().items() if isinstance(value, int | float)}
    wind = {"wind_x_m_s": WIND_M_S[0], "wind_z_m_s": WIND_M_S[1]}
    return plain | wind | {"gravity_m_s2": gravity_m_s2(place)}
