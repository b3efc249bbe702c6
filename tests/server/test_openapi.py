"""Every call of the OpenAPI with bodies and names that nobody meant: an answer of the catalogue, never a fault."""

from __future__ import annotations

import random
import re
import string
from typing import Any

import pytest

from configs.paths import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="session")  # one gateway serves them all
PLENTY = "100000/minute"
RATES = (
    "redeem_an_address", "redeem_total", "share_an_address", "sessions_a_device", "offers_a_device", "prompts_a_device",
    "shares_a_device", "worlds_a_device", "imports_a_device", "whep_an_address", "operator_an_address",
)  # fmt: skip
ROUNDS, SOAK_ROUNDS = 4, 400  # of about 30 calls with all kinds of people
TOKEN = "an operator's token, long enough"


def junk(dice: random.Random, depth: int = 0) -> Any:
    """Any JSON, often with the words that the calls know."""
    words = ("prompt", "template", "seed", "saved", "text", "role", "name", "code", "token", "expires_s", "uses", "x")
    match dice.randrange(9 if depth < 3 else 6):
        case 0:
            return dice.choice([None, True, False])
        case 1:
            return dice.choice([0, -1, 2**31, 2**63, 2**70, -(2**70), 1e308, 0.5])
        case 2:
            return "".join(dice.choices(string.printable + "\u00e9\u2028\U0001f3d4", k=dice.randrange(20)))
        case 3:
            return dice.choice(["viewer", "driver", "../../etc/passwd", "a" * 500, "\u202e", "DROP TABLE worlds"])
        case 4:
            return dice.choice(words)
        case 5:
            return []
        case 6:
            return [junk(dice, depth + 1) for _ in range(dice.randrange(4))]
        case _:
            return {dice.choice(words): junk(dice, depth + 1) for _ in range(dice.randrange(5))}


def body(dice: random.Random) -> dict[str, Any]:
    """What goes with a request."""
    kinds = ("application/json", "application/sdp", "application/vnd.mundo.world", "text/plain", "")
    match dice.randrange(4):
        case 0:
            return {"json": {dice.choice(("prompt", "text", "name", "code", "token")): junk(dice)}}
        case 1:
            return {"content": dice.randbytes(dice.randrange(200)), "headers": {"Content-Type": dice.choice(kinds)}}
        case 2:
            return {"json": junk(dice)}
        case _:
            return {}


async def storm(here: Any, rounds: int) -> None:
    dice = random.Random(8)
    owner, anonymous, operator = await here.invited(), await here.browser(), await here.browser()
    operator.http.headers["Authorization"] = f"Bearer {TOKEN}"
    session = await owner.start()
    world = here.gateway.sessions.get(session).world_id
    paths = (await owner.http.get("/api/v1/openapi.json")).json()["paths"]
    answers: dict[int, int] = {}
    names = [session, world, "x", "%00", "..%2f..%2fsecret", "a" * 300, "\u00e9"]
    for _ in range(rounds):
        for path, calls in paths.items():
            for method in calls:
                filled = re.sub(r"\{[^}]*\}", lambda _: dice.choice(names), path)
                if method == "delete" and filled.endswith((session, world)):
                    continue
                for browser in (owner, anonymous, operator):
                    answer = await browser.http.request(method, filled, **body(dice))
                    answers[answer.status_code] = answers.get(answer.status_code, 0) + 1
                    told = f"{method} {filled}: {answer.status_code} {answer.text[:200]}"
                    assert answer.status_code < 500 or answer.status_code == 503, told
                    if answer.status_code >= 400:
                        assert answer.headers["content-type"] == "application/problem+json", told
                        assert not re.search(
                            rf"Traceback|/home/|{re.escape(str(ROOT))}|site-packages|sqlalchemy", answer.text
                        ), told
    assert answers[422] > rounds and answers[404] > rounds and answers.get(200, 0) > rounds


async def test_a_storm_of_calls_that_nobody_meant_breaks_nothing(run: Any) -> None:
    here = await run(operator_token=TOKEN, rates=dict.fromkeys(RATES, PLENTY))
    await storm(here, ROUNDS)
    browser = await here.invited()
    await (await browser.connect(await browser.start())).frames(2)


@pytest.mark.soak
async def test_a_long_storm_breaks_nothing(run: Any) -> None:
    await storm(await run(operator_token=TOKEN, rates=dict.fromkeys(RATES, PLENTY)), SOAK_ROUNDS)
