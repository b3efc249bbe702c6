"""Reads and writes checkpoints: tensors in safetensors, a typed config as JSON in the file's metadata.
Knows formats and hashes; never what a network means, and never leaves a half-written file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_origin, get_type_hints

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes

from configs.paths import cache_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch

FORMAT = "mundo-checkpoint"
VERSION = 1
C = TypeVar("C")
M = TypeVar("M", bound="torch.nn.Module")


class CheckpointError(Exception):
    """A checkpoint is not what was asked for; the message names what was expected and what was found."""


def save(
    path: str | Path,
    state_dict: Mapping[str, torch.Tensor],
    config: Any,
    kind: str,
    extra: Mapping[str, Any] | None = None,
) -> str:
    """Writes tensors, the frozen dataclass `config` and JSON-able `extra` facts whole or not at all; returns the
    file's sha256. Tied tensors are written once each, so what is loaded equals the state dict by name."""
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        raise TypeError(f"expected a config dataclass, got {type(config).__name__}")
    facts = {"format": FORMAT, "version": str(VERSION), "kind": kind}
    facts |= {"config": json.dumps(dataclasses.asdict(config)), "extra": json.dumps(dict(extra or {}))}
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state_dict.items()}
    data = to_bytes(tensors, metadata=facts)
    write_atomically(Path(path), data)
    return hashlib.sha256(data).hexdigest()


def load(path: str | Path, kind: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """The config as a dict and the tensors on the CPU, in the types they were saved in. Raises CheckpointError."""
    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            facts = _checked(path, file.metadata() or {}, kind)
            return json.loads(facts["config"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise CheckpointError(f"expected a {kind} checkpoint at {path}, found no file") from None
    except SafetensorError as error:
        raise CheckpointError(f"expected a {kind} checkpoint at {path}, found a damaged file: {error}") from error


def load_extra(path: str | Path, kind: str) -> dict[str, Any]:
    """The facts that were saved beside the tensors (steps, losses, hashes), without reading the tensors."""
    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            return dict(json.loads(_checked(path, file.metadata() or {}, kind)["extra"]))
    except FileNotFoundError:
        raise CheckpointError(f"expected a {kind} checkpoint at {path}, found no file") from None
    except SafetensorError as error:
        raise CheckpointError(f"expected a {kind} checkpoint at {path}, found a damaged file: {error}") from error


def as_config(config_type: type[C], values: Mapping[str, Any]) -> C:
    """The dataclass from a loaded config: lists become tuples where it says so, and every name must fit exactly."""
    fields = {field.name for field in dataclasses.fields(config_type)}  # type: ignore[arg-type]
    if fields != set(values):
        raise CheckpointError(f"{config_type.__name__}: {_difference(fields, set(values))}")
    hints = get_type_hints(config_type)
    as_tuple = {name for name in fields if (get_origin(hints[name]) or hints[name]) is tuple}
    return config_type(**{name: tuple(value) if name in as_tuple else value for name, value in values.items()})


def load_into(module: torch.nn.Module, tensors: Mapping[str, torch.Tensor], name: str) -> None:
    """Copies tensors into a module (its own types and device stay), after comparing names and shapes."""
    own = module.state_dict()
    if set(own) != set(tensors):
        raise CheckpointError(f"tensors of {name}: {_difference(set(own), set(tensors))}")
    for key, tensor in own.items():
        if tensor.shape != tensors[key].shape:
            expected, found = list(tensor.shape), list(tensors[key].shape)
            raise CheckpointError(f"tensor {key} of {name}: expected shape {expected}, found {found}")
    module.load_state_dict(dict(tensors))


def restored(path: str | Path, kind: str, config_type: type[C], build: Callable[[C], M]) -> M:
    """The network of a file, built from its config, in its own types and not trainable. Raises CheckpointError."""
    values, tensors = load(path, kind)
    network = build(as_config(config_type, values))
    load_into(network, tensors, kind)
    return network.eval().requires_grad_(False)


def sha256(path: str | Path) -> str:
    """The hexadecimal sha256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: str | Path, expected: str) -> None:
    """Raises CheckpointError unless the file has this sha256. A file that passed is not read again while its size
    and modification time stay as they were; the note of it lies in the cache folder."""
    path = Path(path).resolve()
    if not path.is_file():
        raise CheckpointError(f"expected {path} with sha256 {expected}, found no file")
    stat = path.stat()
    seen = f"{path} {stat.st_size} {stat.st_mtime_ns} {expected}"
    note = cache_dir() / "verified" / hashlib.sha256(seen.encode()).hexdigest()[:32]
    if note.is_file():
        return
    found = sha256(path)
    if found != expected:
        raise CheckpointError(f"{path}: expected sha256 {expected}, found {found} ({stat.st_size} bytes)")
    try:
        write_atomically(note, seen.encode())
    except OSError:
        return  # a read-only cache costs only the next start's quarter of a second


def write_atomically(path: Path, data: bytes) -> None:
    """A temporary file beside `path`, fsync, rename: a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _checked(path: Path, facts: dict[str, str], kind: str) -> dict[str, str]:
    if facts.get("format") != FORMAT:
        raise CheckpointError(f"{path}: expected format {FORMAT!r}, found {facts.get('format')!r}")
    if facts["version"] != str(VERSION):
        raise CheckpointError(f"{path}: expected format version {VERSION}, found {facts['version']}")
    if facts["kind"] != kind:
        raise CheckpointError(f"{path}: expected kind {kind!r}, found {facts['kind']!r}")
    return facts


def _difference(expected: set[str], found: set[str]) -> str:
    missing, extra = sorted(expected - found), sorted(found - expected)
    return f"missing {_few(missing)}; not expected {_few(extra)}"


def _few(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") or "none"
