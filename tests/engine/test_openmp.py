"""Each command of the engine tells OpenMP how to wait before torch is loaded."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from configs.paths import ROOT

COMMANDS = ["worker", "render", "bench"]


@pytest.mark.parametrize("name", COMMANDS)
def test_openmp_is_the_first_import_of_every_command(name: str) -> None:
    tree = ast.parse((ROOT / "engine" / f"{name}.py").read_text("utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert isinstance(imports[0], ast.ImportFrom) and imports[0].module == "__future__"
    assert isinstance(imports[1], ast.Import) and imports[1].names[0].name == "engine.openmp"


def test_threads_sleep_unless_somebody_chose_otherwise_and_torch_is_not_loaded_by_it(tmp_path: Path) -> None:
    says = "import engine.openmp, os, sys; print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    others = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    for environment, wanted in ((others, "passive False"), ({**others, "OMP_WAIT_POLICY": "active"}, "active False")):
        run = subprocess.run([sys.executable, "-c", says], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert run.stdout.strip() == wanted
