"""What the gateway runs with: configs/serve.toml, overridden by MUNDO_* variables and by arguments.
Knows no other module of ours than configs.paths; nothing here changes after the start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from configs.paths import CONFIGS


class WorkerSettings(BaseModel):
    """How a worker process is started and watched."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: list[str] = Field(default_factory=list)  # empty: this Python, -m engine.worker
    threads: int = Field(ge=0)
    ready_timeout_s: float = Field(gt=0)
    open_timeout_s: float = Field(gt=0)
    frame_timeout_s: float = Field(gt=0)
    restart_after_s: float = Field(gt=0)


class LimitSettings(BaseModel):
    """Bounds on what people may do to a session."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: int = Field(gt=0)
    peers_a_session: int = Field(gt=0)
    peers_a_device: int = Field(gt=0)
    idle_close_s: float = Field(gt=0)
    idle_yield_s: float = Field(ge=0)
    connect_timeout_s: float = Field(gt=0)
    heartbeat_s: float = Field(gt=0)
    silence_release_s: float = Field(gt=0)
    reopenings: int = Field(ge=0)


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


class Settings(BaseSettings):
    """Everything that configs/serve.toml may say, and where data is kept."""

    model_config = SettingsConfigDict(
        env_prefix="MUNDO_", env_nested_delimiter="__", toml_file=CONFIGS / "serve.toml", frozen=True, extra="forbid"
    )

    host: str
    port: int = Field(ge=0, le=65535)
    log_level: str
    origins: list[str]
    forwarded_from: list[str]
    worker: WorkerSettings
    limits: LimitSettings
    rates: RateSettings
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
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def database(self) -> str:
        """The URL of the store."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'mundo.sqlite3'}"


def default_data_dir() -> Path:
    """Where the store and the secret lie: $XDG_DATA_HOME/mundo, or ~/.local/share/mundo."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "mundo"


def load_settings(**overrides: Any) -> Settings:
    """Settings with `overrides` on top (nested dicts are merged). Raises pydantic.ValidationError naming the field."""
    return Settings(**overrides)
