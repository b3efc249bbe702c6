"""The package as `npm pack` makes it: the README's example fits its types, and runs with what is in it alone."""

from __future__ import annotations

import re
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Walking
    from playwright.async_api import Route

WEB = Path(__file__).resolve().parents[2] / "web"
SCREEN: dict[str, Any] = {"name": "desktop", "width": 640, "height": 360}
MOST_LINES = 20


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What somebody has who installed the package: a folder with node_modules/mundo-world in it."""
    folder = tmp_path_factory.mktemp("package")
    subprocess.run(
        ["npm", "pack", "--pack-destination", str(folder)], cwd=WEB, check=True, capture_output=True, timeout=120
    )
    (packed,) = folder.glob("mundo-world-*.tgz")
    with tarfile.open(packed) as file:
        file.extractall(folder, filter="data")
    (folder / "node_modules").mkdir()
    (folder / "package").rename(folder / "node_modules" / "mundo-world")
    return folder


def example() -> str:
    """The README's page."""
    found = re.search(r"```html\n(.*?)```", (WEB / "README.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_readmes_example_is_short_and_fits_the_packages_types(package: Path) -> None:
    page = example()
    assert len(page.splitlines()) <= MOST_LINES
    script = re.search(r'<script type="module">\n(.*?)</script>', page, re.DOTALL)
    assert script is not None
    typed = script[1].replace('import "mundo-world";', 'import { MundoWorld } from "mundo-world";')
    typed = typed.replace(
        'document.querySelector("mundo-world")', 'document.querySelector("mundo-world") as MundoWorld'
    )
    typed = typed.replace('document.querySelector("button")', 'document.querySelector("button")!')
    (package / "example.ts").write_text(typed)
    checked = subprocess.run(
        [str(WEB / "node_modules" / ".bin" / "tsc"), "--noEmit", "--strict", "--target", "es2022", "--module",
         "esnext", "--moduleResolution", "bundler", "--lib", "es2023,dom", "--skipLibCheck", "false", "--types", "",
         str(package / "example.ts")],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


@pytest.mark.asyncio(loop_scope="session")
async def test_the_readmes_example_runs_with_what_the_package_has(package: Path, walking: Walking) -> None:
    files = package / "node_modules"
    assert (files / "mundo-world" / "LICENSE").is_file()

    async def serve(route: Route) -> None:
        path = files / route.request.url.split("/node_modules/")[1]
        await (route.fulfill(path=path) if path.is_file() else route.abort())

    async with walking(SCREEN) as walker:
        page, names = walker.page, '{"imports": {"mundo-world": "/node_modules/mundo-world/js/mundo_world.js"}}'
        body = example().replace("<script type", f'<script type="importmap">{names}</script>\n<script type', 1)
        await page.route("**/node_modules/**", serve)
        await page.route("**/embedding", lambda route: route.fulfill(body=body, content_type="text/html"))
        page.once("dialog", lambda dialog: dialog.accept(walker.served.invite))
        await page.goto("/embedding")
        await page.wait_for_function("() => document.querySelector('mundo-world').state?.visible", timeout=60_000)
        await page.wait_for_function("() => document.title === 'Mundo: live'")
        await page.click("button")
        await page.wait_for_function(
            "() => document.querySelector('mundo-world').state.prompts.at(-1)?.stage === 'heard'", timeout=30_000
        )
        assert await page.evaluate("() => document.querySelector('mundo-world').stats().fps > 0")
