"""The page's modules by themselves: their types, and the pure ones under Node.
Needs node and typescript; starts no browser and no gateway."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
BUDGET_BYTES = 150_000


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-6000:]}{done.stderr[-2000:]}"
    return done.stdout


def test_types_hold() -> None:
    run(str(WEB / "node_modules" / ".bin" / "tsc"), "--project", str(WEB / "tsconfig.json"))


def test_pure_modules_behave() -> None:
    files = sorted(str(path) for path in (ROOT / "tests/browser/modules").glob("*.test.js"))
    assert files, "expected unit tests of the modules"
    assert re.search(r"^# fail 0$", run("node", "--test", "--test-reporter=tap", *files), re.MULTILINE)


def test_the_first_load_is_small() -> None:
    files = [WEB / "index.html", *(WEB / "pictures").iterdir(), *(WEB / "css").iterdir(), *(WEB / "js").rglob("*.js")]
    sizes = {str(path.relative_to(WEB)): path.stat().st_size for path in files}
    assert sum(sizes.values()) < BUDGET_BYTES, sizes


def test_every_module_opens_by_saying_what_it_knows() -> None:
    for path in sorted((WEB / "js").rglob("*.js")):
        lines = path.read_text().splitlines()
        assert lines[0].startswith("// ") and lines[1].startswith("// "), path
        assert len(lines) <= 260, f"{path} has {len(lines)} lines"
