"""Checkpoints: what is saved comes back, and what does not fit is refused by name."""

import json
import os
from dataclasses import dataclass

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from model import checkpoint
from model.checkpoint import CheckpointError, as_config, load, load_extra, load_into, save, sha256, verify


@dataclass(frozen=True)
class Sizes:
    width: int = 4
    strides: tuple[int, ...] = (2, 2)
    name: str = "nano"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNDO_CACHE", str(tmp_path / "cache"))


def test_round_trip_keeps_types_values_and_config(tmp_path):
    tensors = {"a": torch.randn(3, 2).to(torch.bfloat16), "b": torch.arange(4), "c": torch.randn(2, 5).T}
    digest = save(tmp_path / "deep" / "x.safetensors", tensors, Sizes(width=8), "frame-tokenizer", {"step": 12})
    config, loaded = load(tmp_path / "deep" / "x.safetensors", "frame-tokenizer")
    assert as_config(Sizes, config) == Sizes(width=8)
    assert loaded["a"].dtype == torch.bfloat16
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)
    assert digest == sha256(tmp_path / "deep" / "x.safetensors")
    assert load_extra(tmp_path / "deep" / "x.safetensors", "frame-tokenizer") == {"step": 12}


def test_tied_tensors_can_be_saved(tmp_path):
    shared = torch.randn(2, 2)
    save(tmp_path / "x", {"a": shared, "b": shared}, Sizes(), "omni")
    _, loaded = load(tmp_path / "x", "omni")
    assert torch.equal(loaded["a"], loaded["b"])


def test_wrong_kind_version_and_format_name_expected_and_found(tmp_path):
    path = tmp_path / "x.safetensors"
    save(path, {}, Sizes(), "omni")
    with pytest.raises(CheckpointError, match="expected kind 'frame-tokenizer', found 'omni'"):
        load(path, "frame-tokenizer")
    save_file({}, path, {"format": checkpoint.FORMAT, "version": "7", "kind": "omni", "config": "{}"})
    with pytest.raises(CheckpointError, match="expected format version 1, found 7"):
        load(path, "omni")
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="expected format 'mundo-checkpoint', found None"):
        load(path, "omni")


def test_missing_and_damaged_files_are_checkpoint_errors(tmp_path):
    with pytest.raises(CheckpointError, match="found no file"):
        load(tmp_path / "none", "omni")
    save(tmp_path / "x", {"a": torch.zeros(1000)}, Sizes(), "omni")
    (tmp_path / "x").write_bytes((tmp_path / "x").read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="found a damaged file"):
        load(tmp_path / "x", "omni")


def test_a_module_takes_only_its_own_tensors(tmp_path):
    module = nn.Linear(3, 2).to(torch.float32)
    good = {"weight": torch.ones(2, 3, dtype=torch.bfloat16), "bias": torch.zeros(2)}
    load_into(module, good, "head")
    assert module.weight.dtype == torch.float32 and module.weight.eq(1).all()
    with pytest.raises(CheckpointError, match="missing bias; not expected gain"):
        load_into(module, {"weight": torch.ones(2, 3), "gain": torch.ones(1)}, "head")
    with pytest.raises(CheckpointError, match=r"weight of head: expected shape \[2, 3\], found \[3, 2\]"):
        load_into(module, {"weight": torch.ones(3, 2), "bias": torch.zeros(2)}, "head")


def test_a_config_takes_only_its_own_names():
    with pytest.raises(CheckpointError, match="Sizes: missing name; not expected depth"):
        as_config(Sizes, {"width": 4, "strides": [2], "depth": 1})
    with pytest.raises(TypeError, match="expected a config dataclass, got dict"):
        save("never-written", {}, {"width": 4}, "omni")


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "x"
    save(path, {"a": torch.zeros(2)}, Sizes(), "omni")
    before = path.read_bytes()

    def no_space(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        save(path, {"a": torch.ones(2)}, Sizes(), "omni")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_a_verified_file_is_not_read_twice_until_it_changes(tmp_path, monkeypatch):
    path = tmp_path / "w"
    path.write_bytes(b"weights")
    expected, reads = sha256(path), []
    monkeypatch.setattr(checkpoint, "sha256", lambda file: reads.append(file) or expected)
    verify(path, expected)
    verify(path, expected)
    assert len(reads) == 1
    path.write_bytes(b"other weights")
    verify(path, expected)
    assert len(reads) == 2
    with pytest.raises(CheckpointError, match="expected sha256 0000, found"):
        verify(path, "0000")
    with pytest.raises(CheckpointError, match="found no file"):
        verify(tmp_path / "none", expected)


def test_metadata_is_plain_json_that_other_programs_can_read(tmp_path):
    save(tmp_path / "x", {}, Sizes(), "omni", {"loss": 0.5})
    data = (tmp_path / "x").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert json.loads(header["__metadata__"]["config"]) == {"width": 4, "strides": [2, 2], "name": "nano"}
