"""Templates and sessions over HTTP.
Thin: the rules are in server.sessions and server.session."""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from server.channels import PromptUnfit, fit_prompt
from server.gateway import TheEntry, TheGateway, TheVisitor
from server.problems import Problem, responses
from server.sessions import NoWorkerFree
from server.shares import Role
from server.templates import load_templates, picture_of

OPENING_WAIT_S = 5.0
MAX_SEED = 2**31 - 1

router = APIRouter(prefix="/api/v1", responses=responses(), tags=["worlds"])


class TemplateOut(BaseModel):
    """A place to begin from. `picture` is an address on this gateway."""

    id: str
    title: dict[str, str]
    picture: str | None = None


class NewSession(BaseModel):
    """What the world should be. Without a seed, one is drawn."""

    model_config = ConfigDict(extra="forbid")

    prompt: str = ""
    template: str = ""
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None


class SessionMade(BaseModel):
    """A session and its state: starting, live, resuming or ended."""

    id: str
    state: str


class SessionOut(SessionMade):
    """How a session stands. `driver`: whether somebody who may drive is connected."""

    rung: str
    frame: int
    viewers: int
    driver: bool


class Prompt(BaseModel):
    """A text that the world should obey."""

    model_config = ConfigDict(extra="forbid")

    text: str


class PromptTaken(BaseModel):
    """Receipts on the events channel carry this number once a frame obeys the text."""

    text_id: int


@router.get("/templates", response_model_exclude_none=True)
async def templates() -> list[TemplateOut]:
    """The places to begin from."""
    listed = load_templates().values()
    return [TemplateOut(id=t.id, title=t.title, picture=_picture_url(t.id) if picture_of(t) else None) for t in listed]


@router.get("/templates/{template_id}/picture", response_class=FileResponse)
async def template_picture(template_id: str) -> FileResponse:
    """A template's start picture."""
    template = load_templates().get(template_id)
    path = picture_of(template) if template else None
    if path is None:
        raise Problem("no-such-template", f"There is no picture of {template_id[:60]!r}.")
    return FileResponse(path, headers={"Cache-Control": "max-age=3600"})


@router.post("/sessions", status_code=201)
async def start(body: NewSession, gateway: TheGateway, visitor: TheVisitor) -> SessionMade:
    """Start a world. Answers when it lives, or after a few seconds with the state "starting"."""
    if not visitor.may_start:
        raise Problem("not-allowed", "A share link lets you watch; to start a world you need an invite.")
    gateway.rates.take(gateway.settings.rates.sessions_a_device, "sessions", visitor.device_id)
    prompt = _fit(body.prompt) if body.prompt.strip() else ""
    if body.template:
        template = load_templates().get(body.template)
        if template is None:
            raise Problem("no-such-template", f"{body.template[:60]!r} is not among the templates.")
        prompt = prompt or template.prompt
    seed = secrets.randbelow(MAX_SEED + 1) if body.seed is None else body.seed
    try:
        session = await gateway.sessions.create(visitor.device_id, seed, prompt, body.template)
    except NoWorkerFree as error:
        raise Problem("no-worker-free", str(error), {"Retry-After": str(error.retry_after_s)}) from error
    await asyncio.wait({session.opening}, timeout=OPENING_WAIT_S)
    if session.opening.done() and (refusal := session.opening.result()):
        await gateway.sessions.end(session, refusal)
        raise Problem("prompt-refused", refusal)
    return SessionMade(id=session.id, state=session.state.value)


@router.get("/sessions/{session_id}")
async def show(entry: TheEntry, gateway: TheGateway) -> SessionOut:
    """How the session stands."""
    session, ready = entry.session, gateway.sessions.ready
    return SessionOut(
        id=session.id,
        state=session.state.value,
        rung=f"{ready.width}x{ready.height}" if ready else "",
        frame=max(0, session.frame),
        viewers=session.viewers,
        driver=session.driven,
    )


@router.delete("/sessions/{session_id}", status_code=204)
async def end(entry: TheEntry, gateway: TheGateway) -> Response:
    """End the session for everybody; only who started it may."""
    entry.must_own()
    await gateway.sessions.end(entry.session, "the session was ended")
    return Response(status_code=204)


@router.post("/sessions/{session_id}/prompts", status_code=202)
async def prompt(body: Prompt, entry: TheEntry, gateway: TheGateway) -> PromptTaken:
    """A text for the world, for programs without a data channel; a refusal by the world shows on the channel alone."""
    gateway.rates.take(gateway.settings.rates.prompts_a_device, "prompts", entry.visitor.device_id)
    if entry.access.role is not Role.DRIVER:
        raise Problem("not-allowed", "Who watches cannot change the world.")
    try:
        return PromptTaken(text_id=entry.session.told(None, _fit(body.text), 0))
    except PromptUnfit as unfit:
        raise Problem(unfit.slug, unfit.reason) from unfit


def _fit(text: str) -> str:
    try:
        return fit_prompt(text)
    except PromptUnfit as unfit:
        raise Problem(unfit.slug, unfit.reason) from unfit


def _picture_url(template_id: str) -> str:
    return f"/api/v1/templates/{template_id}/picture"
