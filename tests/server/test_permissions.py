"""The table of permissions: everybody against every route and every message of the channels."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
import pytest_asyncio

from server.roles import Action, Role, may

pytestmark = pytest.mark.asyncio(loop_scope="session")  # one gateway serves them all

PEOPLE = ("anonymous", "stranger", "viewer", "suggester", "driver", "owner", "operator")
TOKEN = "an operator's token, long enough"
OK, NO, HIDDEN, SIGN_IN = "ok", 403, 404, 401

# what is asked: method, path, body; then what each of PEOPLE gets
ROUTES: list[tuple[str, str, Any, tuple[Any, ...]]] = [
    ("GET", "/healthz", None, (OK,) * 7),
    ("GET", "/readyz", None, (OK,) * 7),
    ("GET", "/metrics", None, (OK,) * 7),
    ("GET", "/", None, (OK,) * 7),
    ("GET", "/watch", None, (OK,) * 7),
    ("GET", "/admin", None, (OK,) * 7),
    ("GET", "/api/v1/openapi.json", None, (OK,) * 7),
    ("GET", "/api/v1/me", None, (OK,) * 7),
    ("GET", "/api/v1/templates", None, (OK,) * 7),
    ("GET", "/api/v1/templates/nothing/picture", None, (422,) * 7),
    ("POST", "/api/v1/invites/redeem", {"code": "x"}, (NO,) * 7),
    ("POST", "/api/v1/shares/redeem", {"token": "x"}, (NO,) * 7),
    ("GET", "/api/v1/shares/{share}/still", None, (HIDDEN,) * 7),
    ("GET", "/api/v1/ice", None, (SIGN_IN, OK, OK, OK, OK, OK, SIGN_IN)),
    ("POST", "/api/v1/sessions", {"seed": -1}, (422,) * 7),
    ("POST", "/api/v1/sessions", {"saved": "x"}, (SIGN_IN, HIDDEN, NO, NO, NO, HIDDEN, SIGN_IN)),
    ("POST", "/api/v1/sessions", {"picture": "x"}, (SIGN_IN, 422, NO, NO, NO, 422, SIGN_IN)),
    ("GET", "/api/v1/sessions/{session}", None, (SIGN_IN, HIDDEN, OK, OK, OK, OK, SIGN_IN)),
    ("POST", "/api/v1/sessions/{session}/offer", None, (SIGN_IN, HIDDEN, 415, 415, 415, 415, SIGN_IN)),
    ("DELETE", "/api/v1/sessions/{session}/peers/x", None, (SIGN_IN, 404, 404, 404, 404, 404, SIGN_IN)),
    ("POST", "/api/v1/sessions/{session}/prompts", {"text": "x"}, (SIGN_IN, HIDDEN, NO, OK, OK, OK, SIGN_IN)),
    ("POST", "/api/v1/sessions/{session}/saves", {}, (SIGN_IN, HIDDEN, NO, NO, NO, OK, SIGN_IN)),
    ("GET", "/api/v1/sessions/{session}/shares", None, (SIGN_IN, HIDDEN, NO, NO, NO, OK, SIGN_IN)),
    ("POST", "/api/v1/sessions/{session}/shares", {"role": "viewer"}, (SIGN_IN, HIDDEN, NO, NO, NO, OK, SIGN_IN)),
    ("DELETE", "/api/v1/sessions/{session}/shares/x", None, (SIGN_IN, HIDDEN, NO, NO, NO, 404, SIGN_IN)),
    ("POST", "/whep/{session}", None, (415,) * 7),
    ("DELETE", "/whep/{session}/x", None, (404,) * 7),
    ("GET", "/api/v1/worlds", None, (SIGN_IN, OK, OK, OK, OK, OK, SIGN_IN)),
    ("POST", "/api/v1/worlds/import", None, (SIGN_IN, 415, NO, NO, NO, 415, SIGN_IN)),
    ("PATCH", "/api/v1/worlds/{world}", {"name": "x"}, (SIGN_IN, 404, 404, 404, 404, OK, SIGN_IN)),
    ("GET", "/api/v1/worlds/{world}/thumbnail", None, (SIGN_IN, 404, 404, 404, 404, OK, SIGN_IN)),
    ("GET", "/api/v1/worlds/{world}/export", None, (SIGN_IN, 404, 404, 404, 404, OK, SIGN_IN)),
    ("GET", "/api/v1/admin/overview", None, (SIGN_IN,) * 6 + (OK,)),
    ("GET", "/api/v1/admin/invites", None, (SIGN_IN,) * 6 + (OK,)),
    ("POST", "/api/v1/admin/invites", {}, (SIGN_IN,) * 6 + (OK,)),
    ("DELETE", "/api/v1/admin/invites/x", None, (SIGN_IN,) * 6 + (404,)),
    ("DELETE", "/api/v1/admin/sessions/x", None, (SIGN_IN,) * 6 + (404,)),
    ("DELETE", "/api/v1/sessions/{session}", None, (SIGN_IN, HIDDEN, NO, NO, NO, OK, SIGN_IN)),  # the owner ends it
    ("DELETE", "/api/v1/worlds/{world}", None, (SIGN_IN, 404, 404, 404, 404, OK, SIGN_IN)),
]

# what is said on the channels, and who is heard; the others are refused
MESSAGES: list[tuple[dict[str, Any], str, tuple[str, ...]]] = [
    ({"type": "ping", "t": 1.0}, "pong", ("viewer", "suggester", "driver", "owner")),
    ({"type": "text", "text": "rain", "ref": 1}, "text|suggested", ("suggester", "driver", "owner")),
    ({"type": "vote", "suggestion": 1}, "suggestions", ("suggester", "driver", "owner")),
    ({"type": "voting", "every_s": 60}, "suggestions", ("owner",)),
    ({"type": "dismiss", "suggestion": 1}, "dismissed", ("driver", "owner")),
    ({"type": "accept", "suggestion": 1}, "accepted", ("driver", "owner")),
    ({"type": "take_back"}, "pong", ("owner",)),
    ({"type": "hand_over", "to": "x"}, "refused", ("owner",)),
]


class Cast:
    """One of each, before one session."""

    def __init__(self, here: Any, browsers: dict[str, Any], names: dict[str, str]) -> None:
        self.here, self.browsers, self.names = here, browsers, names


@pytest_asyncio.fixture(loop_scope="session")
async def cast(run: Any) -> Cast:
    rates = {"redeem_an_address": "1000/minute", "redeem_total": "1000/minute", "whep_an_address": "1000/minute"}
    here = await run(operator_token=TOKEN, rates=rates)
    owner = await here.invited()
    browsers = {name: await here.browser() for name in PEOPLE} | {"owner": owner, "stranger": await here.invited()}
    browsers["operator"].http.headers["Authorization"] = f"Bearer {TOKEN}"
    session = await owner.start()
    for role in Role:
        await browsers[role.value].open_link((await owner.share(session, role=role.value))["url"])
    share = await owner.share(session)
    living = here.gateway.sessions.get(session)
    await (await owner.connect(session)).frames(2)
    await here.gateway.sessions._keeping.save(living)
    return Cast(here, browsers, {"session": session, "share": share["id"], "world": living.world_id})


async def test_every_route_answers_everybody_as_the_table_says(cast: Cast) -> None:
    wrong = []
    for method, path, body, expected in ROUTES:
        for person, right in zip(PEOPLE, expected, strict=True):
            http = cast.browsers[person].http
            answer = await http.request(method, path.format(**cast.names), json=body)
            got = OK if answer.is_success else answer.status_code
            if got != right:
                wrong.append(
                    f"{person}: {method} {path}: expected {right}, got {answer.status_code} {answer.text[:80]}"
                )
    assert not wrong, "\n".join(wrong)


async def test_the_table_has_every_route(cast: Cast) -> None:
    documented = (await cast.browsers["owner"].http.get("/api/v1/openapi.json")).json()["paths"]
    listed = {(method, _shape(path)) for method, path, _, _ in ROUTES}
    missing = {(m.upper(), _shape(path)) for path, calls in documented.items() for m in calls} - listed
    assert len(documented) > 20 and not missing


def _shape(path: str) -> str:
    """A path with its names and examples alike."""
    return re.sub(r"\{[^}]*\}|/(x|nothing)(?=/|$)", lambda m: "/*" if m[0].startswith("/") else "*", path)


async def test_every_message_of_the_channels_is_heard_from_whom_the_table_says(here: Any) -> None:
    owner = await here.invited()
    session = await owner.start()
    suggestions = here.gateway.sessions.get(session).audience.suggestions
    wrong = []
    for role in ("viewer", "suggester", "driver", "owner"):
        browser = owner if role == "owner" else await here.browser()
        if role != "owner":
            await browser.open_link((await owner.share(session, role=role))["url"])
        connection = await browser.connect(session)
        await connection.frames(1)
        for number, (message, answer, heard) in enumerate(MESSAGES):
            connection.tell(type="ping", t=100.0 + number)
            await connection.until("pong", lambda event, t=100.0 + number: event["t"] == t)  # what was before is over
            suggestions._open.clear()
            suggestion = suggestions.add("somebody", "fog").id
            connection.heard.clear()
            connection.tell(**({**message, "suggestion": suggestion} if "suggestion" in message else message))
            if answer in ("pong", "refused"):  # whose answer is none, or the same as a refusal's
                connection.tell(type="ping", t=2.0)
            said = await first_of(connection, {*answer.split("|"), "refused", "pong"})
            reason = said.get("reason", "")
            if role not in heard:
                right = said["type"] == "refused" and ("not allowed" in reason or "cannot" in reason)
            elif answer == "refused":
                right = "Nobody of that name" in reason
            else:
                right = said["type"] in answer.split("|")
            if not right:
                wrong.append(f"{role}: {message}: {said}")
    assert not wrong, "\n".join(wrong)


async def first_of(connection: Any, kinds: set[str]) -> dict[str, Any]:
    """The first event of these kinds."""
    async with asyncio.timeout(15):
        while True:
            for event in connection.heard:
                if event["type"] in kinds:
                    return dict(event)
            await asyncio.sleep(0.01)


def allowed(role: Role, owner: bool) -> set[Action]:
    return {action for action in Action if may(role, owner, action)}


async def test_a_role_may_what_lesser_roles_may_and_suggesting_is_for_who_cannot_say() -> None:
    viewer, suggester, driver = (allowed(role, False) for role in Role)
    assert viewer == {Action.WATCH} and viewer < suggester
    assert suggester - driver == {Action.SUGGEST}
    assert allowed(Role.DRIVER, True) == set(Action) - {Action.SUGGEST}
    assert not allowed(Role.VIEWER, True) & {Action.STEER, Action.PROMPT, Action.SPEAK}
