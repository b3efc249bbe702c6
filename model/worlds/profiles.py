"""What a set of worlds may contain, read from configs/worlds-*.toml and held against the vocabulary.
Knows names and picture sizes; refuses to know what any name means."""

from __future__ import annotations

from dataclasses import dataclass, fields

from configs.paths import load_toml, vocabulary

LISTS = {
    "places": "place", "times": "time", "weathers": "weather", "looks": "look", "subjects": "subject",
    "actions": "action", "events": "event", "cameras": "camera", "moves": "move",
}  # fmt: skip


class UnknownProfile(ValueError):
    """There is no such profile, or it says what the vocabulary does not have."""


@dataclass(frozen=True)
class Profile:
    """The names that worlds are drawn from, and the size of their pictures in pixels."""

    width: int
    height: int
    places: tuple[str, ...]
    times: tuple[str, ...]
    weathers: tuple[str, ...]
    looks: tuple[str, ...]
    subjects: tuple[str, ...]
    actions: tuple[str, ...]
    events: tuple[str, ...]
    cameras: tuple[str, ...]
    moves: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            if getattr(self, name) <= 0 or getattr(self, name) % 16:
                raise UnknownProfile(f"{name} must be a positive multiple of 16; got {getattr(self, name)}")
        for name, kind in LISTS.items():
            listed, known = getattr(self, name), vocabulary()[kind]
            unknown = [entry for entry in listed if entry not in known]
            if unknown or not listed:
                raise UnknownProfile(f"{name} must be some of {', '.join(known)}; got {', '.join(unknown) or 'none'}")


def profile(name: str) -> Profile:
    """The profile of configs/worlds-<name>.toml. Raises UnknownProfile with what is wrong."""
    try:
        read = load_toml(f"worlds-{name}.toml")
    except FileNotFoundError as missing:
        raise UnknownProfile(f"no profile of worlds {name!r}: {missing}") from missing
    expected = {field.name for field in fields(Profile)}
    if set(read) != expected:
        raise UnknownProfile(f"profile {name!r} must say {', '.join(sorted(expected))}; got {', '.join(sorted(read))}")
    lists = {key: tuple(read[key]) for key in LISTS}
    return Profile(width=int(read["width"]), height=int(read["height"]), **lists)
