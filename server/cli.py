"""The `mundo` command: serves, makes invites, and starts model and engine work as `python -m ...`.
Imports neither; their arguments pass through as they are."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from configs.paths import ROOT
from server.settings import BadSettings, Settings, load_settings

if TYPE_CHECKING:
    from server.invites import Invites, Listed

T = TypeVar("T")

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
    from server.moderation import HookMissing
    from server.serving import serve as run  # the other commands need no web server

    try:
        run(_settings(host, port), ready_file)
    except (HookMissing, OSError) as error:
        _stop(str(error))


@invite_app.command("create")
def invite_create(
    uses: Annotated[int, typer.Option(min=1, help="How many browsers may redeem it.")] = 1,
    expires: Annotated[str, typer.Option(help="For how long: 30m, 12h, 7d.")] = "7d",
    note: Annotated[str, typer.Option(help="For yourself: whom it is for.")] = "",
) -> None:
    """Print a fresh invite. A gateway that is running accepts it at once."""
    from server.durations import seconds

    async def create(invites: Invites) -> str:
        return await invites.create(uses, seconds(expires), note)

    print(_with_invites(create))


@invite_app.command("list")
def invite_list() -> None:
    """Print all invites: id, standing, uses, expiry, note. Codes are kept nowhere."""

    async def read(invites: Invites) -> list[Listed]:
        return await invites.listed()

    for line in _with_invites(read):
        until = time.strftime("%Y-%m-%d %H:%M", time.localtime(line.expires_at))
        print(f"{line.id}  {line.standing:<8}  {line.uses} of {line.max_uses}  until {until}  {line.note}".rstrip())


@invite_app.command("revoke")
def invite_revoke(invite: Annotated[str, typer.Argument(help="Its id, as `mundo invite list` prints it.")]) -> None:
    """Withdraw an invite at once, and with it what its browsers may start."""

    async def revoke(invites: Invites) -> bool:
        return await invites.revoke(invite)

    if not _with_invites(revoke):
        _stop(f"expected an invite that is not withdrawn yet, there is none of the id {invite!r}")


TRAININGS = {
    "tokenizer": ("model.training.tokenizer", "Frames to latents and back"),
    "dynamics": ("model.training.dynamics", "The next frame from those before it"),
    "sky": ("model.training.skies", "Where the sky moves when something is said"),
    "detail": ("model.training.detail", "Fine detail for invented pictures"),
    "specks": ("model.training.specks", "Drops, flakes and stars before a world"),
    "surfaces": ("model.training.surfaces", "Sharp surfaces out of soft depth"),
    "showing": ("model.training.showing", "What drafts of a first frame show"),
    "waters": ("model.training.waters", "Where water is, for those who walk"),
    "ladder": ("model.training.ladder", "The upper rungs from the lowest"),
    "sound": ("model.sound.training", "How a world sounds"),
    "voice": ("model.voice.training", "What is said to a world"),
    "names": ("model.voice.naming_training", "Which place, time and weather is said"),
    "text": ("model.training.text", "What typed prompts mean"),
    "judges": ("model.evaluation.judge_training", "What pictures show, for mundo eval"),
}


def _training_by(module: str) -> Callable[[typer.Context], None]:
    def train(context: typer.Context) -> None:
        _run_module(module, context.args)

    return train


for _name, (_module, _about) in TRAININGS.items():
    train_app.command(_name, help=f"{_about}: python -m {_module}.", context_settings=PASS_ON)(_training_by(_module))


@app.command(context_settings=PASS_ON)
def render(context: typer.Context) -> None:
    """A clip without a browser: python -m engine.render."""
    _run_module("engine.render", context.args)


@app.command(context_settings=PASS_ON)
def bench(context: typer.Context) -> None:
    """Frames a second, milliseconds a stage, memory: python -m engine.bench."""
    _run_module("engine.bench", context.args)


@app.command(context_settings=PASS_ON)
def doctor(context: typer.Context) -> None:
    """Which rungs this machine holds, and what it lacks: python -m engine.doctor."""
    _run_module("engine.doctor", context.args)


@app.command("eval", context_settings=PASS_ON)
def evaluate(context: typer.Context) -> None:
    """How good a world model is, beside the simulator's truth: python -m engine.evaluate."""
    _run_module("engine.evaluate", context.args)


def _settings(host: str, port: int) -> Settings:
    given: dict[str, object] = {}
    if host:
        given["host"] = host
    if port >= 0:
        given["port"] = port
    try:
        return load_settings(**given)
    except BadSettings as error:
        _stop(str(error))


def _with_invites(act: Callable[[Invites], Awaitable[T]]) -> T:
    """Do something with the store's invites. What is refused ends the command with its reason."""

    async def run() -> T:
        from server.invites import Invites
        from server.store.database import Database
        from server.tokens import Tokens, load_secret

        settings = _settings("", -1)
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = await Database.open(settings.database)
        try:
            return await act(Invites(database, Tokens(load_secret(settings.secret, settings.data_dir))))
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except ValueError as error:
        _stop(str(error))


def _stop(reason: str) -> NoReturn:
    print(f"mundo: {reason}", file=sys.stderr)
    raise typer.Exit(2)


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
