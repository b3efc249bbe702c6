"""The table of permissions: everybody against every route and every message of the channels."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest
import pytest_asyncio
from starlette.routing import Mount, Route, WebSocketRoute
from websockets.exceptions import ConnectionClosed

from server.channels import Asked
from server.roles import Action, Role, may
from tests.server.test_socket import line

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
    ("GET", "/admin/admin.js", None, (OK,) * 7),
    ("GET", "/admin/x", None, (404,) * 7),
    ("GET", "/web/css/base.css", None, (OK,) * 7),
    ("GET", "/web/js/api.js", None, (OK,) * 7),
    ("GET", "/web/pictures/x", None, (404,) * 7),
    ("GET", "/web/docs/x", None, (404,) * 7),
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
    ("OPTIONS", "/whep/{session}", None, (OK,) * 7),
    ("OPTIONS", "/whep/{session}/x", None, (OK,) * 7),
    ("PATCH", "/whep/{session}/x", None, (405,) * 7),
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
    ({"type": "rung", "rung": "270p"}, "rung", ("owner",)),
    ({"type": "late_look", "on": True}, "pong", ("owner",)),
    ({"type": "camera", "camera": "drone"}, "pong", ("driver", "owner")),
    ({"type": "measured", "photon_ms": [80.0]}, "pong", ("driver", "owner")),
]

# the WebSocket: the code that it is closed with, or whether hands and voice reach the world
SOCKET: dict[str, int | bool] = {
    "anonymous": 4401, "stranger": 4404, "viewer": False, "suggester": False, "driver": True, "owner": True,
    "operator": 4401,
}  # fmt: skip


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
    served = list(_served(cast.here._app.routes))
    listed = [(method, path.replace("{", "").replace("}", "")) for method, path, _, _ in ROUTES]
    missing = [(m, path) for m, path, fits in served if not any(m == other and fits(one) for other, one in listed)]
    assert len(served) > 40 and not missing


def _served(routes: Any) -> Iterator[tuple[str, str, Callable[[str], object]]]:
    """Method, path, and what tells whether a path of the table is one of it."""
    for route in routes:
        if isinstance(route, Mount):
            yield "GET", route.path, re.compile(f"{re.escape(route.path)}/.+").fullmatch
        elif isinstance(route, Route):
            for method in route.methods - {"HEAD"} if route.methods else ():
                yield method, route.path, route.path_regex.fullmatch
        elif not isinstance(route, WebSocketRoute):
            yield from _served(route.original_router.routes)  # one that was included
        else:
            assert route.path == "/api/v1/sessions/{session_id}/socket", route  # has a table of its own


async def test_the_table_has_every_message() -> None:
    tags = {kind.__struct_config__.tag for kind in get_args(Asked)}
    assert len(tags) == 12 and tags == {message["type"] for message, _, _ in MESSAGES}


async def test_whose_hands_and_voice_reach_a_world_by_the_socket(here: Any) -> None:
    owner = await here.invited()
    session, address = await owner.start(), await here.listen()
    for number, (person, expected) in enumerate(SOCKET.items(), start=1):
        browser = owner if person == "owner" else await (here.invited() if person == "stranger" else here.browser())
        if person == "operator":
            browser.http.headers["Authorization"] = f"Bearer {TOKEN}"
        if person in tuple(Role):
            await browser.open_link((await owner.share(session, role=person))["url"])
        async with line(address, browser, session) as it:
            if not isinstance(expected, bool):
                with pytest.raises(ConnectionClosed) as closed:
                    await it.until("media")
                assert closed.value.rcvd is not None and closed.value.rcvd.code == expected, person
                continue
            before = (await it.until("state"))["values"]["samples"]
            await it.tell(type="control", seq=number, buttons=number, look_x=0.0, look_y=0.0, t=0.0)
            await it.socket.send(b"\x02" + bytes(480))
            await it.tell(type="ping", t=1.0)
            await it.until("pong")
            values = [(await it.until("state"))["values"] for _ in range(4)]
            steered = any(one["buttons"] == number for one in values)
            heard = any(one["samples"] == before + 240 for one in values)
            assert (steered, heard) == (expected, expected), person


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
            await asyncio.sleep(0.15)  # three messages each, of the twenty a second that a peer is heard
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
