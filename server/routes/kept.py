"""Kept worlds over HTTP: listed, named, deleted, exported, imported; and a copy of a living one.
Thin: the rules are in server.worlds."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.channels import PromptUnfit, fit_prompt
from server.gateway import Gateway, TheEntry, TheGateway, TheVisitor
from server.pictures import PictureUnfit
from server.problems import Problem, responses
from server.roles import Action
from server.saves import MAX_NAME_CHARS, About, NotASave, NotSaved, unpack
from server.store.models import KeptWorld
from server.worlds import TooManyWorlds

WORLD = "application/vnd.mundo.world"
IMPORT_PATH = "/api/v1/worlds/import"

router = APIRouter(prefix="/api/v1", responses=responses(), tags=["kept worlds"])


class World(BaseModel):
    """A kept world; times are seconds since 1970, `bytes` what its newest save takes."""

    id: str
    name: str
    prompt: str
    template: str
    thumbnail: str | None
    created_at: float
    visited_at: float
    frame: int
    bytes: int
    session: str | None


class Name(BaseModel):
    """What a world is called."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=MAX_NAME_CHARS)] = ""


async def own_world(world_id: str, gateway: TheGateway, visitor: TheVisitor) -> KeptWorld:
    """The world of the path, if it is the visitor's."""
    gateway.rates.take(gateway.settings.rates.worlds_a_device, "worlds", visitor.device_id)
    world = await gateway.worlds.get(world_id, visitor.device_id)
    if world is None:
        raise Problem("no-such-world", "It was deleted, or it is not yours.")
    return world


OwnWorld = Annotated[KeptWorld, Depends(own_world)]


@router.get("/worlds")
async def listed(gateway: TheGateway, visitor: TheVisitor) -> list[World]:
    """The caller's worlds, last visited first."""
    gateway.rates.take(gateway.settings.rates.worlds_a_device, "worlds", visitor.device_id)
    return [_shown(world, gateway) for world in await gateway.worlds.listed(visitor.device_id)]


@router.patch("/worlds/{world_id}")
async def rename(body: Name, world: OwnWorld, gateway: TheGateway) -> World:
    """Give a world another name."""
    world.name = await _fit_name(body.name, gateway)
    await gateway.worlds.change(world.id, name=world.name)
    return _shown(world, gateway)


@router.delete("/worlds/{world_id}", status_code=204)
async def delete(world: OwnWorld, gateway: TheGateway) -> Response:
    """Remove a world for good."""
    await gateway.sessions.delete_world(world)
    return Response(status_code=204)


@router.get(
    "/worlds/{world_id}/thumbnail",
    response_class=Response,
    responses={200: {"description": "Its last picture", "content": {"image/jpeg": {}}}},
)
async def thumbnail(world: OwnWorld, gateway: TheGateway) -> Response:
    """The picture that the world was last saved with."""
    picture = await asyncio.to_thread(gateway.worlds.folder(world.id).still)
    if picture is None:
        raise Problem("no-such-world", "There is no picture of it yet.")
    return Response(picture, media_type="image/jpeg")


@router.get(
    "/worlds/{world_id}/export",
    response_class=Response,
    responses={200: {"description": "The world as one file", "content": {WORLD: {}}}},
)
async def export(world: OwnWorld, gateway: TheGateway) -> Response:
    """The newest save as a file that any Mundo with the same model imports."""
    await gateway.sessions.closed(world.id)
    try:
        file = await gateway.worlds.export_file(world)
    except NotASave as error:
        raise Problem("world-refused", f"The world cannot be read: {error}.") from error
    if file is None:
        raise Problem("no-such-world", "It was not saved yet.")
    name = re.sub(r"[^A-Za-z0-9]+", "-", world.name).strip("-") or "world"
    return Response(file, media_type=WORLD, headers={"Content-Disposition": f'attachment; filename="{name}.mundo"'})


@router.post(
    "/worlds/import",
    status_code=201,
    openapi_extra={
        "requestBody": {"required": True, "content": {WORLD: {"schema": {"type": "string", "format": "binary"}}}}
    },
)
async def import_(request: Request, gateway: TheGateway, visitor: TheVisitor) -> World:
    """A world out of an exported file."""
    if not visitor.may_start:
        raise Problem("not-allowed", "A share link lets you watch; to keep worlds you need an invite.")
    gateway.rates.take(gateway.settings.rates.imports_a_device, "imports", visitor.device_id)
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != WORLD:
        raise Problem("wrong-media-type", f"Expected {WORLD}.")
    try:
        saved = await asyncio.to_thread(unpack, await request.body())
        await _check(saved.about, gateway)
        world = await gateway.worlds.copy_in(visitor.device_id, saved)
    except NotASave as error:
        raise Problem("world-refused", f"{str(error)[:300]}.") from error
    except PromptUnfit as unfit:
        raise Problem(unfit.slug, unfit.reason) from unfit
    except (TooManyWorlds, NotSaved) as error:
        raise _problem(error) from error
    return _shown(world, gateway)


@router.post("/sessions/{session_id}/saves", status_code=201)
async def save(entry: TheEntry, gateway: TheGateway, body: Name | None = None) -> World:
    """Keep this very moment as a world of its own."""
    entry.must(Action.SAVE)
    gateway.rates.take(gateway.settings.rates.worlds_a_device, "worlds", entry.visitor.device_id)
    name = await _fit_name(body.name if body else "", gateway)
    try:
        return _shown(await gateway.sessions.save_copy(entry.session, name), gateway)
    except (TooManyWorlds, NotSaved, NotASave) as error:
        raise _problem(error) from error


def _problem(error: Exception) -> Problem:
    if isinstance(error, TooManyWorlds):
        return Problem("too-many-worlds", str(error))
    return Problem("not-saved", f"{str(error)[:1].upper()}{str(error)[1:]}.", {"Retry-After": "10"})


async def _check(about: About, gateway: Gateway) -> None:
    """Let the operator's hooks see what an imported world brings: its words and its picture."""
    scrutiny = gateway.sessions.scrutiny
    for text in (about.name, about.prompt):
        await scrutiny.check(text)
    if scrutiny.moderation.checks_pictures:
        try:
            picture = await gateway.pictures.fit_file(about.still)
        except PictureUnfit as unfit:
            raise NotASave(f"its picture cannot be checked: {unfit}") from unfit
        await scrutiny.check_picture(picture)


async def _fit_name(name: str, gateway: Gateway) -> str:
    if not name.strip():
        return ""
    try:
        fit = fit_prompt(name)
        await gateway.sessions.scrutiny.check(fit)
    except PromptUnfit as unfit:
        raise Problem(unfit.slug, unfit.reason) from unfit
    return fit


def _shown(world: KeptWorld, gateway: Gateway) -> World:
    session = gateway.sessions.of_world(world.id)
    return World(
        id=world.id,
        name=world.name,
        prompt=world.prompt,
        template=world.template,
        thumbnail=f"/api/v1/worlds/{world.id}/thumbnail" if world.size else None,
        created_at=world.created_at,
        visited_at=world.visited_at,
        frame=world.frame,
        bytes=world.size,
        session=session.id if session else None,
    )
