"""The page's modules by themselves: their types, and the pure ones under Node.
Needs node and typescript; starts no browser and no gateway."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
BUDGET_BYTES = 150_000

# Sentences of three words and more that are the same in both languages.
SAME_WORDS = """
import { WORDS as en } from "./web/js/words/en.js";
import { WORDS as pt } from "./web/js/words/pt.js";
import { SAID } from "./web/js/words/gateway.js";
const same = [];
const compare = (one, other) => {
  for (const [name, value] of Object.entries(one)) {
    if (value && typeof value === "object") compare(value, other[name]);
    else if (typeof value === "string" && value.split(" ").length > 2 && value === other[name]) same.push(name);
  }
};
compare(en, pt);
compare(SAID.en, SAID.pt);
console.log(JSON.stringify(same));
"""
ENDINGS = """
import { SAID } from "./web/js/words/gateway.js";
console.log(JSON.stringify(Object.keys(SAID.en.sayings)));
"""


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


def reached(module: Path, found: set[Path]) -> set[Path]:
    """A module and all that it imports before it runs; what it imports later is not part of the first load."""
    if module not in found:
        found.add(module)
        for name in re.findall(r'^(?:import|export)[^"(]*"(\.[^"]+)";', module.read_text(), re.MULTILINE):
            reached((module.parent / name).resolve(), found)
    return found


def test_the_first_load_is_small() -> None:
    """Everything that the arrival needs, its wall included, as it lies: before it is compressed on the way."""
    modules = reached(WEB / "js" / "main.js", set())
    kinds = ("css/fonts/*.woff2", "pictures/*", "pictures/wall/*.avif")
    styles = [WEB / name for name in re.findall(r'href="/web/(css/[^"]+\.css)"', (WEB / "index.html").read_text())]
    files = [
        WEB / "index.html",
        *styles,
        *modules,
        *(path for kind in kinds for path in WEB.glob(kind) if path.is_file()),
    ]
    sizes = {str(path.relative_to(WEB)): path.stat().st_size for path in files}
    assert len(modules) > 10, "expected to follow the imports"
    assert sum(sizes.values()) < BUDGET_BYTES, f"{sum(sizes.values())} bytes: {sizes}"


def test_every_template_has_its_picture_on_the_wall() -> None:
    listed = {one["id"] for one in json.loads((ROOT / "model/weights/templates.json").read_text())}
    pictures = {path.stem for path in (WEB / "pictures/wall").glob("*.avif")}
    assert pictures == listed, "expected a picture for each template: web/README.md says how they are made"


def test_languages_say_the_same_things() -> None:
    """The types hold the shapes together; this holds that nothing was left in English by mistake."""
    told = run("node", "--input-type=module", "--eval", SAME_WORDS)
    assert json.loads(told) == []


def test_the_gateways_endings_are_said_in_its_own_words() -> None:
    """What the page translates is what the gateway says, to the letter."""
    keys = run("node", "--input-type=module", "--eval", ENDINGS)
    said = "".join(path.read_text() for path in (ROOT / "server").rglob("*.py"))
    unknown = [key for key in json.loads(keys) if f'"{key}' not in said]
    assert json.loads(keys) and unknown == []


def test_every_module_opens_by_saying_what_it_knows() -> None:
    for path in sorted(path for path in (WEB / "js").rglob("*.js") if "vendor" not in path.parts):
        lines = path.read_text().splitlines()
        assert lines[0].startswith("// ") and lines[1].startswith("// "), path
        assert len(lines) <= 260, f"{path} has {len(lines)} lines"
