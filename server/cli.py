"""The `mundo` command: serves, makes invites, and starts model and engine work as `python -m ...`.
Imports neither; their arguments pass through as they are."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from configs.paths import ROOT
from server.settings import Settings, load_settings

app = typer.Typer(help="A world that a neural network generates frame by frame.", no_args_is_help=True)
invite_app = typer.Typer(help="Permissions to start worlds.", no_args_is_help=True)
train_app = typer.Typer(help="Train the networks; can be stopped and resumed at any moment.", no_args_is_help=True)
app.add_typer(invite_app, name="invite")
app.add_typer(train_app, name="train")

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; configs/serve.toml's by default.")] = "",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one, -1 is configs/serve.toml's.")] = -1,
    ready_file: Annotated[Path | None, typer.Option(help='Written once worlds can start: {"url", "invite"}.')] = None,
) -> None:
    """Serve worlds until Ctrl-C, and print the address with a fresh invite."""
    from server.serving import serve as run  # the other commands need no web server

    run(_settings(host, port), ready_file)


@invite_app.command("create")
def invite_create(
    uses: Annotated[int, typer.Option(min=1, help="How many browsers may redeem it.")] = 1,
    days: Annotated[float, typer.Option(min=0.0, help="For how long.")] = 7.0,
) -> None:
    """Print a fresh invite. A gateway that is running accepts it at once."""
    print(asyncio.run(_make_invite(_settings("", -1), uses, days)))


@train_app.command("tokenizer", context_settings=PASS_ON)
def train_tokenizer(context: typer.Context) -> None:
    """Frames to latents and back: python -m model.training.tokenizer."""
    _run_module("model.training.tokenizer", context.args)


@train_app.command("dynamics", context_settings=PASS_ON)
def train_dynamics(context: typer.Context) -> None:
    """The next frame from those before it: python -m model.training.dynamics."""
    _run_module("model.training.dynamics", context.args)


@app.command(context_settings=PASS_ON)
def render(context: typer.Context) -> None:
    """A clip without a browser: python -m engine.render."""
    _run_module("engine.render", context.args)


@app.command(context_settings=PASS_ON)
def bench(context: typer.Context) -> None:
    """Frames a second, milliseconds a stage, memory: python -m engine.bench."""
    _run_module("engine.bench", context.args)


def _settings(host: str, port: int) -> Settings:
    given: dict[str, object] = {}
    if host:
        given["host"] = host
    if port >= 0:
        given["port"] = port
    return load_settings(**given)


async def _make_invite(settings: Settings, uses: int, days: float) -> str:
    from server.invites import Invites
    from server.store.database import Database
    from server.tokens import Tokens, load_secret

    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = await Database.open(settings.database)
    try:
        tokens = Tokens(load_secret(settings.secret, settings.data_dir))
        return await Invites(database, tokens).create(uses, days * 86_400)
    finally:
        await database.close()


def _run_module(module: str, arguments: list[str]) -> None:
    """Run `python -m module` with these arguments; its exit code is ours. Ctrl-C reaches it as it reaches us."""
    with subprocess.Popen([sys.executable, "-m", module, *arguments], env=_environment()) as process:
        while True:
            try:
                raise typer.Exit(process.wait())
            except KeyboardInterrupt:
                continue  # the module ends in its own way


def _environment() -> dict[str, str]:
    import os

    inherited = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{inherited}" if inherited else str(ROOT)}


if __name__ == "__main__":
    app()
