"""Compiles the C++ kernels that lie beside this file, once per machine and source, and loads them.
Knows the compiler and the cache; refuses to know what a kernel computes."""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from configs.paths import cache_dir

FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-std=c++17", "-shared", "-fPIC", "-pthread")
MOST_THREADS = 4  # unless told otherwise: the work of a frame is too small for more
log = logging.getLogger(__name__)
_threads = 0
_share: Callable[[int], int] | None = None


class _Here(threading.local):
    share: Callable[[], int] | None = None


_here = _Here()


class Unsupported(Exception):
    """This machine or this configuration has no such fast path; the message says why."""


def require(name: str) -> ctypes.CDLL:
    """The library of `name`.cpp, whose `name`_supported() says that this processor can run it. Raises Unsupported."""
    library = require_compiled(name)
    if not library[f"{name}_supported"]():
        raise Unsupported("expected a processor with AVX-512 VNNI")
    return library


def require_compiled(name: str) -> ctypes.CDLL:
    """The library of `name`.cpp, whatever the processor. Raises Unsupported."""
    library = load(name)
    if library is None:
        raise Unsupported("expected a C++ compiler that works")
    return library


class Copies:
    """A network of a library that can serve one call at a time: as many copies as there are calls at once."""

    def __init__(self, create: Callable[[], int], destroy: Callable[[ctypes.c_void_p], object]):
        self._create, self._destroy = create, destroy
        self._idle = [ctypes.c_void_p(create())]

    @contextmanager
    def one(self) -> Iterator[ctypes.c_void_p]:
        """A copy that nobody else has meanwhile."""
        try:
            network = self._idle.pop()
        except IndexError:
            network = ctypes.c_void_p(self._create())
        try:
            yield network
        finally:
            self._idle.append(network)

    def __del__(self) -> None:
        for network in getattr(self, "_idle", []):
            self._destroy(network)


@contextmanager
def sharing(share: Callable[[], int]) -> Iterator[None]:
    """As many threads as `share` says for the kernels that this thread calls meanwhile."""
    before, _here.share = _here.share, share
    try:
        yield
    finally:
        _here.share = before


def use_threads(count: int) -> None:
    """How many threads a kernel shares its work among from now on; 0: all cores that this process may use, up to 4."""
    global _threads
    if count < 0:
        raise ValueError(f"threads is 0 (all cores) or more, not {count}")
    _threads = count


def beside_others(share: Callable[[int], int] | None) -> None:
    """From now on `share` says how many of the cores that we may use others leave us; None: all. Asked before each
    kernel."""
    global _share
    _share = share


def allowed() -> int:
    """The cores that this process may use: as `use_threads` said, or the machine."""
    return _threads or len(os.sched_getaffinity(0))


def most_cores() -> int:
    """Of them, those that kernels share their work among at most."""
    return _threads or min(MOST_THREADS, allowed())


def cores() -> int:
    """Of those, what others leave us now."""
    return most_cores() if _share is None else min(most_cores(), _share(allowed()))


def threads() -> int:
    """What a kernel may use that this thread calls now: all, or its share of them."""
    return _here.share() if _here.share is not None else cores()


def available() -> bool:
    """Whether kernels compile and run here."""
    try:
        return bool(require("omni"))
    except Unsupported:
        return False


@cache
def load(name: str) -> ctypes.CDLL | None:
    """The library of `name`.cpp, compiled on first use. None, with one warning, where it cannot be."""
    source = Path(__file__).with_name(f"{name}.cpp")
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        log.warning("no C++ compiler ($CXX, g++ or c++): %s runs in torch, much slower", name)
        return None
    texts = (part.read_text("utf-8") for part in (source, *sorted(source.parent.glob("*.h"))))
    identity = "\0".join((*texts, compiler, *FLAGS, processor()))
    library = cache_dir() / "native" / f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.so"
    try:
        if not library.exists():
            _compile(compiler, source, library)
        return ctypes.CDLL(str(library))
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        log.warning("%s does not compile here and runs in torch, much slower: %s", name, said.strip()[-500:])
        return None


def _compile(compiler: str, source: Path, library: Path) -> None:
    """Whole or not at all: two processes may do it at the same time."""
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        built = Path(folder) / library.name
        command = [compiler, *FLAGS, str(source), "-o", str(built)]
        subprocess.run(command, check=True, capture_output=True, text=True)
        built.replace(library)


def has_fast_bf16() -> bool:
    """Whether this processor multiplies bf16 faster than fp32; others only imitate it, slower."""
    flags = Path("/proc/cpuinfo")
    return flags.is_file() and bool({"avx512_bf16", "amx_bf16"} & set(flags.read_text().split()))


def processor() -> str:
    """What -march=native depends on, so that a cache on a shared disk never serves another processor's code."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.platform() + platform.processor()
    return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))
