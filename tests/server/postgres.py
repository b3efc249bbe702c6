"""A PostgreSQL of the tests' own, on a free port, that can be stopped and started.
Knows Debian's paths; as root it steps down to nobody, since PostgreSQL refuses root."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path


class Postgres:
    """One server."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._data = programs, folder / "data"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._as = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        folder.chmod(0o755)
        self._data.mkdir()
        if self._as:
            os.chown(self._data, 65534, 65534)
        self._do("initdb", "-D", str(self._data), "-U", "mundo", "-A", "trust", "--no-sync", "-E", "UTF8")

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://mundo@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self._do("pg_ctl", "-D", str(self._data), "-w", "-o", options, "-l", str(self._data / "log"), "start")

    def stop(self) -> None:
        self._do("pg_ctl", "-D", str(self._data), "-w", "-m", "immediate", "stop")

    def _do(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._programs / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")


def programs_of_postgres() -> Path | None:
    """Where initdb and pg_ctl lie; Debian keeps them out of the path."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)
