"""What the gateway runs with: configs/serve.toml, then the file named by MUNDO_CONFIG, MUNDO_* variables, arguments.
Knows no other module of ours than configs.paths and the wire; nothing here changes after the start."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from limits import parse as parse_rate
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from configs.paths import CONFIGS
from engine.messages import MOST_WORKERS

MIN_TOKEN_CHARS = 24
SECRET_KEYS = frozenset({"secret", "turn.secret", "operator_token", "database_url"})


class BadSettings(ValueError):
    """The settings cannot be used; each line names a key."""


class WorkerSettings(BaseModel):
    """How worker processes are started and watched."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: list[str] = Field(default_factory=list)  # empty: this Python, -m engine.worker
    processes: int = Field(ge=0, le=MOST_WORKERS)
    threads: int = Field(ge=0)
    device: str = Field(default="cpu", pattern=r"^(cpu|cuda(:[0-9]+)?)$")
    asr: str = ""  # the folder of a faster-whisper model
    rung: Literal["", "270p", "540p", "1080p"]
    ready_timeout_s: float = Field(gt=0)
    open_timeout_s: float = Field(gt=0)
    frame_timeout_s: float = Field(gt=0)
    restart_after_s: float = Field(gt=0)


class LimitSettings(BaseModel):
    """Bounds on what people may do to a session."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: int = Field(gt=0)
    picture_bytes: int = Field(gt=0)
    peers_a_session: int = Field(gt=0)
    peers_a_device: int = Field(gt=0)
    idle_close_s: float = Field(gt=0)
    idle_yield_s: float = Field(ge=0)
    connect_timeout_s: float = Field(gt=0)
    heartbeat_s: float = Field(gt=0)
    silence_release_s: float = Field(gt=0)
    reopenings: int = Field(ge=0)
    queue_length: int = Field(ge=0)
    idle_pause_s: float = Field(gt=0)
    paused_end_s: float = Field(gt=0)
    session_max_s: float = Field(ge=0)
    sessions_a_device: int = Field(gt=0)
    worlds_a_device: int = Field(gt=0)
    microphone_s_an_hour: float = Field(ge=0)


class RateSettings(BaseModel):
    """Rates over HTTP, as the `limits` package writes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    redeem_an_address: str
    redeem_total: str
    share_an_address: str
    sessions_a_device: str
    offers_a_device: str
    prompts_a_device: str
    shares_a_device: str
    worlds_a_device: str
    imports_a_device: str
    whep_an_address: str
    operator_an_address: str

    @field_validator("*")
    @classmethod
    def is_a_rate(cls, rate: str) -> str:
        """Refuse at the start what would fail at the first request."""
        try:
            parse_rate(rate)
        except ValueError as error:
            raise ValueError(f"expected a rate such as 10/minute, got {rate!r}") from error
        return rate


class SaveSettings(BaseModel):
    """When worlds are saved by themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    every_s: float = Field(gt=0)
    timeout_s: float = Field(gt=0)


class TurnSettings(BaseModel):
    """A TURN server that shares a secret with us (coturn: use-auth-secret)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    urls: list[str]
    secret: str
    valid_s: float = Field(gt=0)

    @model_validator(mode="after")
    def is_whole(self) -> Self:
        """Addresses without a secret give credentials that nobody accepts."""
        if self.urls and not self.secret:
            raise ValueError("turn.urls needs turn.secret, which is empty")
        if wrong := [url for url in self.urls if not url.startswith(("turn:", "turns:"))]:
            raise ValueError(f"turn.urls expects addresses such as turn:host:3478, got {wrong[0]!r}")
        return self


class ModerationSettings(BaseModel):
    """Who is asked whether a text, and whether a picture may reach a world: package.module:function."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hook: str
    picture_hook: str
    timeout_s: float = Field(gt=0)


class Settings(BaseSettings):
    """Everything that configs/serve.toml may say, and where data is kept."""

    model_config = SettingsConfigDict(env_prefix="MUNDO_", env_nested_delimiter="__", frozen=True, extra="forbid")

    host: str
    port: int = Field(ge=0, le=65535)
    log_level: str
    origins: list[str]
    forwarded_from: list[str]
    open: bool
    log_prompts: bool
    drain_s: float = Field(gt=0)
    worker: WorkerSettings
    limits: LimitSettings
    rates: RateSettings
    saves: SaveSettings
    turn: TurnSettings
    moderation: ModerationSettings
    operator_token: str = ""  # empty: no admin page
    data_dir: Path = Field(default_factory=lambda: default_data_dir())
    database_url: str = ""  # empty: SQLite in data_dir
    secret: str = ""  # empty: made once, kept in data_dir

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        files = [CONFIGS / "serve.toml"]
        if own := os.environ.get("MUNDO_CONFIG"):
            files.append(Path(own))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, files, deep_merge=True)

    @model_validator(mode="after")
    def is_guarded(self) -> Self:
        """A token that can be guessed is none."""
        if self.operator_token and len(self.operator_token) < MIN_TOKEN_CHARS:
            raise ValueError(f"operator_token needs {MIN_TOKEN_CHARS} characters, this has {len(self.operator_token)}")
        return self

    @property
    def database(self) -> str:
        """The URL of the store."""
        for plain in ("postgresql://", "postgres://"):
            if self.database_url.startswith(plain):
                return f"postgresql+asyncpg://{self.database_url.removeprefix(plain)}"
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'mundo.sqlite3'}"


def default_data_dir() -> Path:
    """Where the store and the secret lie: $XDG_DATA_HOME/mundo, or ~/.local/share/mundo."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "mundo"


def load_settings(**overrides: Any) -> Settings:
    """Settings with `overrides` on top (nested dicts are merged). Raises BadSettings, a line a key."""
    own = os.environ.get("MUNDO_CONFIG")
    if own and not Path(own).is_file():
        raise BadSettings(f"MUNDO_CONFIG: expected a TOML file, there is none at {own}")
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise BadSettings("\n".join(map(_said, error.errors(include_url=False)))) from error
    except (SettingsError, tomllib.TOMLDecodeError) as error:
        raise BadSettings(str(error)) from error


def _said(error: ErrorDetails) -> str:
    key = ".".join(map(str, error["loc"]))
    reason = error["msg"].removeprefix("Value error, ")
    given = error.get("input")
    got = f", got {given!r}" if isinstance(given, str | int | float) and key not in SECRET_KEYS else ""
    return f"{key}: {reason}{got}" if key else reason
