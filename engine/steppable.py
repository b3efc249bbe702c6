"""What a session needs of a world, and what some worlds can do besides. Knows frames and inputs by type alone."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from engine.world import Frame, Inputs


class Steppable(Protocol):
    """What a session needs of a world."""

    def say(self, text: str) -> None:
        """Replace the prompt. Raises PromptRefused."""

    def step(self, inputs: Inputs) -> Frame:
        """The next frame."""


@runtime_checkable
class Obedient(Steppable, Protocol):
    """A world that can be spoken to."""

    def obey(self, meaning: Tensor, words: str) -> None:
        """Features [N, 384] are in force from the next frame on."""


@runtime_checkable
class Savable(Steppable, Protocol):
    """A world that can be put away and taken out again."""

    index: int  # of the frame that is sampled next

    def saved(self) -> bytes:
        """All that it is."""


@runtime_checkable
class Dreaming(Steppable, Protocol):
    """A world that dreams of what lies around before its second frame."""

    patience_s: float  # with that

    def dream(self) -> None:
        """Do that, if it is time for it, for as long as there is patience."""
