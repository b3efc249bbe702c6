"""The whole walk through every state, in worlds of the model: each fits its screen, and axe finds nothing wrong with
it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import at_a_screen, browsing, serving
from tests.browser.people import Walker
from tests.browser.walk import SCREENS, Walk, speech

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]

STATES = 30


@pytest.mark.soak
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen["name"])
async def test_every_state_fits_and_is_accessible(screen: dict[str, Any], tmp_path: Path) -> None:
    seen = []

    async def met(state: str, one: Walker) -> None:
        seen.append(state)
        await one.sound(state)

    speech(tmp_path / "spoken.wav")
    async with browsing(tmp_path / "spoken.wav") as browser, serving(tmp_path) as served:
        await Walk(partial(at_a_screen, browser, served), screen, met).whole()
    assert len(set(seen)) == len(seen) == STATES
