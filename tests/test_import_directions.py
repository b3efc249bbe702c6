"""Who may import whom: web ..wire.. server -> engine.messages, engine -> model, model -> nothing of ours."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("configs", "engine", "model", "server")
ALLOWED = {  # package -> prefixes of ours that it may import, besides configs.paths
    "configs": {"configs"},
    "model": {"model"},
    "engine": {"engine", "model"},
    "server": {"server", "engine.messages"},
}
NEVER = {  # module prefix -> what it must not import
    "server": {"torch", "model", "tokenizers", "safetensors"},
    "engine": {"server", "fastapi", "starlette", "uvicorn", "aiortc", "moderngl"},
    "engine.messages": {"torch", "numpy", "model"},
    "model": {"fastapi", "msgspec", "sqlalchemy", "av", "aiortc"},
    "configs": {"torch"},
}


def modules():
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@cache
def imported_by(path: Path, module: str) -> frozenset[str]:
    """Every name that a file imports, also inside functions; 'from a import b' counts as a and as a.b."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
                base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return frozenset(names)


def within(name: str, prefixes: set[str]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def reachable(start: str) -> set[str]:
    """Our modules that `start` imports, directly or through others, now or later."""
    files, seen, waiting = dict(modules()), set(), [start]
    while waiting:
        module = waiting.pop()
        if module in files and module not in seen:
            seen.add(module)
            waiting += imported_by(files[module], module)
    return seen


@pytest.mark.parametrize(("module", "path"), [pytest.param(*found, id=found[0]) for found in modules()])
def test_imports_follow_the_arrows(module, path):
    package = module.partition(".")[0]
    for name in imported_by(path, module):
        if within(name, set(PACKAGES)) and name not in {"engine", "configs"}:
            assert within(name, ALLOWED[package] | {"configs.paths"}), f"{module} imports {name}"
        for prefix, refused in NEVER.items():
            if within(module, {prefix}):
                assert not within(name, refused), f"{module} imports {name}"


def test_a_worker_can_never_reach_the_simulator_or_training():
    found = reachable("engine.worker")
    assert "engine.messages" in found and "model.geometry" in found
    assert not [
        name for name in found if within(name, {"model.worlds", "model.training", "model.evaluation", "server"})
    ]


def test_a_clip_without_a_browser_is_made_without_the_simulator():
    assert not [name for name in reachable("engine.render") if within(name, {"model.worlds", "model.training"})]


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("server.app", ["torch", "model", "engine.worker"]),
        ("server.cli", ["torch", "model", "engine.worker"]),
        ("engine.messages", ["torch", "model", "numpy"]),
        ("engine.worker", ["model.worlds", "model.training", "moderngl", "server", "fastapi"]),
    ],
)
def test_importing_leaves_out_of_the_process(module, absent):
    listed = f"import {module}, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", listed], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    loaded = set(run.stdout.split())
    assert module in loaded
    assert not loaded.intersection(absent)


def test_the_page_imports_only_its_own_modules():
    for path in (ROOT / "web").rglob("*.js"):
        if "node_modules" not in path.parts:
            for source in re.findall(r"""(?:from|import)\s*\(?\s*["']([^"'\n]+)["']""", path.read_text("utf-8")):
                assert source.startswith(("./", "../", "/web/")), f"{path.name} imports {source}"
