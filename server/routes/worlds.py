"""Templates and sessions over HTTP.
Thin: the rules are in server.sessions and server.session."""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from server.channels import PromptUnfit, fit_prompt
from server.gateway import Gateway, PerhapsVisitor, TheEntry, TheGateway, Visitor, address_of
from server.phases import SessionState
from server.pictures import PictureUnfit
from server.problems import Problem, responses
from server.roles import Action, Role, may
from server.routes.cookies import set_device
from server.session import Session, Wish
from server.sessions import Draining, NoWorkerFree
from server.templates import load_templates, loop_of, picture_of
from server.worlds import TooManyWorlds

OPENING_WAIT_S = 5.0
MAX_SEED = 2**31 - 1
SESSIONS_PATH = "/api/v1/sessions"

router = APIRouter(prefix="/api/v1", responses=responses(), tags=["worlds"])


class TemplateOut(BaseModel):
    """A place to begin from. `picture`, and `loop`, a film of a few seconds, are addresses on this gateway."""

    id: str
    title: dict[str, str]
    picture: str | None = None
    loop: str | None = None


class NewSession(BaseModel):
    """What the world should be. Without a seed, one is drawn. `picture`: PNG, JPEG or WebP of any size, in base64; its
    middle becomes the first frame."""

    model_config = ConfigDict(extra="forbid")

    prompt: str = ""
    template: str = ""
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None
    picture: Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})] = ""
    saved: Annotated[str, Field(max_length=64)] = ""  # a kept world; nothing else may be wished for then


class SessionMade(BaseModel):
    """A session, its state, its world among the kept ones, and its place if it waits (`wait_s`: null is not known)."""

    id: str
    state: str
    world: str
    queue_position: int | None = None
    wait_s: float | None = None


class SessionOut(SessionMade):
    """How a session stands. `driver`: whether somebody who may drive is connected; `role`, `owner`: the caller's."""

    rung: str
    frame: int
    viewers: int
    driver: bool
    role: Role
    owner: bool


class Prompt(BaseModel):
    """A text that the world should obey."""

    model_config = ConfigDict(extra="forbid")

    text: str


class PromptTaken(BaseModel):
    """Receipts on the events channel carry `text_id` once a frame obeys the text; a suggester's text becomes a
    suggestion instead."""

    text_id: int | None = None
    suggestion: int | None = None


@router.get("/templates", response_model_exclude_none=True)
async def templates() -> list[TemplateOut]:
    """The places to begin from."""
    return [
        TemplateOut(
            id=template.id,
            title=template.title,
            picture=_picture_url(template.id) if picture_of(template) else None,
            loop=f"/web/pictures/wall/{loop.name}" if (loop := loop_of(template)) else None,
        )
        for template in load_templates().values()
    ]


@router.get("/templates/{template_id}/picture", response_class=FileResponse)
async def template_picture(template_id: str) -> FileResponse:
    """A template's start picture."""
    template = load_templates().get(template_id)
    path = picture_of(template) if template else None
    if path is None:
        raise Problem("no-such-template", f"There is no picture of {template_id[:60]!r}.")
    return FileResponse(path, headers={"Cache-Control": "max-age=3600"})


@router.post("/sessions", status_code=201, response_model_exclude_unset=True)
async def start(
    body: NewSession, request: Request, response: Response, gateway: TheGateway, visitor: PerhapsVisitor
) -> SessionMade:
    """Start a world, or go on in a kept one. Answers when it lives, when it has to wait, or after a few seconds."""
    if visitor is None and gateway.settings.open:
        gateway.rates.take(gateway.settings.rates.redeem_an_address, "redeem", address_of(request))
        visitor = Visitor((await gateway.invites.new_device()).device_id, True)
        set_device(request, response, gateway.tokens, visitor.device_id)
    if visitor is None:
        raise Problem("sign-in-needed", "Redeem an invite or open a share link first.")
    if not visitor.may_start:
        raise Problem("not-allowed", "A share link lets you watch; to start a world you need an invite.")
    gateway.rates.take(gateway.settings.rates.sessions_a_device, "sessions", visitor.device_id)
    try:
        session = await _session_for(body, gateway, visitor)
    except NoWorkerFree as error:
        raise Problem("no-worker-free", str(error), {"Retry-After": str(error.retry_after_s)}) from error
    except Draining as error:
        raise Problem("draining", "Try again in half a minute.", {"Retry-After": "30"}) from error
    except TooManyWorlds as error:
        raise Problem("too-many-worlds", str(error)) from error
    except PromptUnfit as unfit:
        raise Problem(unfit.slug, unfit.reason) from unfit
    except PictureUnfit as unfit:
        raise Problem("picture-refused", str(unfit)) from unfit
    if session.state is not SessionState.QUEUED or gateway.sessions.places.making_room:
        await asyncio.wait({session.standing.opening}, timeout=OPENING_WAIT_S)
    if session.standing.opening.done() and (refusal := session.standing.opening.result()):
        raise Problem("prompt-refused", refusal)
    return SessionMade(**_standing(session))


async def _session_for(body: NewSession, gateway: Gateway, visitor: Visitor) -> Session:
    if body.saved:
        if body.prompt or body.template or body.picture or body.seed is not None:
            raise Problem("invalid-request", "A kept world has its prompt, template, picture and seed already.")
        await gateway.sessions.closed(body.saved)  # who comes back at once finds it as it was left
        world = await gateway.worlds.get(body.saved, visitor.device_id)
        if world is None:
            raise Problem("no-such-world", "It was deleted, or it is not yours.")
        return await gateway.sessions.visit(world)
    prompt = fit_prompt(body.prompt) if body.prompt.strip() else ""
    if body.template and body.picture:
        raise Problem("invalid-request", "A world begins from a template or from a picture, not from both.")
    if body.template:
        template = load_templates().get(body.template)
        if template is None:
            raise Problem("no-such-template", f"{body.template[:60]!r} is not among the templates.")
        prompt = prompt or template.prompt
    seed = secrets.randbelow(MAX_SEED + 1) if body.seed is None else body.seed
    picture = await gateway.pictures.fit(body.picture) if body.picture else b""
    return await gateway.sessions.create(visitor.device_id, Wish(seed, prompt, body.template, picture))


def _standing(session: Session) -> dict[str, Any]:
    standing: dict[str, Any] = {"id": session.id, "state": session.state.value, "world": session.world_id}
    if session.state is SessionState.QUEUED:
        standing |= {"queue_position": session.standing.queue_position, "wait_s": session.standing.wait_s}
    return standing


@router.get("/sessions/{session_id}", response_model_exclude_unset=True)
async def show(entry: TheEntry, gateway: TheGateway) -> SessionOut:
    """How the session stands."""
    session = entry.session
    if session.state is SessionState.QUEUED:
        session.touch()  # who asks waits
    return SessionOut(
        **_standing(session),
        rung=session.rung.size,
        frame=max(0, session.frame),
        viewers=session.audience.viewers,
        driver=session.audience.driven,
        role=entry.role,
        owner=entry.access.owner,
    )


@router.delete("/sessions/{session_id}", status_code=204)
async def end(entry: TheEntry, gateway: TheGateway) -> Response:
    """End the session for everybody; only who started it may."""
    entry.must(Action.END)
    await gateway.sessions.end(entry.session, "the session was ended")
    return Response(status_code=204)


@router.post("/sessions/{session_id}/prompts", status_code=202, response_model_exclude_unset=True)
async def prompt(body: Prompt, entry: TheEntry, gateway: TheGateway) -> PromptTaken:
    """A text for the world, for programs without a data channel; a refusal by the world shows on the channel alone."""
    gateway.rates.take(gateway.settings.rates.prompts_a_device, "prompts", entry.visitor.device_id)
    try:
        if may(entry.role, entry.access.owner, Action.SUGGEST):
            made = await entry.session.prompts.suggest(entry.visitor.device_id, fit_prompt(body.text))
            return PromptTaken(suggestion=made)
        entry.must(Action.PROMPT)
        return PromptTaken(text_id=await entry.session.prompts.tell(None, fit_prompt(body.text), 0))
    except PromptUnfit as unfit:
        raise Problem(unfit.slug, unfit.reason) from unfit


def _picture_url(template_id: str) -> str:
    return f"/api/v1/templates/{template_id}/picture"
