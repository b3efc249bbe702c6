"""A folder that nobody else may enter, for as long as its gateway lives: the kernel lets go of a dead one's lock.
Knows files; neither sockets nor workers."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX, LOCK = "mundo-", "held"


class Folder:
    """A new folder of mode 700 among the temporary ones. Raises OSError when none can be made."""

    def __init__(self) -> None:
        _remove_those_of_the_dead()
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        unheld = self.path / f"un{LOCK}"
        self._lock = os.open(unheld, os.O_CREAT | os.O_WRONLY, 0o600)  # closed in our workers
        with contextlib.suppress(OSError):  # a file system without locks: it stays if we are killed
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            unheld.rename(self.path / LOCK)  # the name comes last: who finds it finds it locked while we live

    def remove(self) -> None:
        """Remove it, with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _remove_those_of_the_dead() -> None:
    """What is left of gateways of this user that could not remove their own."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            lock = os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:  # none, or another user's
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock).st_uid == os.geteuid():
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # its gateway lives
            continue
        finally:
            os.close(lock)
