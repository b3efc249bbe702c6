"""A real gateway with its real worker, and real Chromium in front of it: what the browser tests stand on.
Knows the page by its face (`window.mundo`, labels, roles); nothing of how server or worker are made."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright

from tests.browser.people import Person, Served, Walker

ROOT = Path(__file__).resolve().parents[2]
READY_S = 120.0
TONE_HZ, TONE_RATE, TONE_S = 440.0, 48_000, 1.0
SIZE = {"width": 640, "height": 360}
UNHINDERED = ("REDEEM_AN_ADDRESS", "SESSIONS_A_DEVICE", "OFFERS_A_DEVICE", "SHARES_A_DEVICE")

# What a page does with its connections, kept where a test can see it and speak on them.
WATCH_CONNECTIONS = """
window.taps = { peers: [], channels: {}, sent: [] };
const Native = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Native {
  constructor(...given) { super(...given); window.taps.peers.push(this); }
  createDataChannel(label, options) {
    const channel = super.createDataChannel(label, options);
    const send = channel.send.bind(channel);
    channel.send = (data) => {
      if (label === "control") window.taps.sent.push(data);
      if (window.taps.sent.length > 500) window.taps.sent.shift();
      send(data);
    };
    return (window.taps.channels[label] = channel);
  }
};
"""


@asynccontextmanager
async def serving(folder: Path, **environment: str) -> AsyncIterator[Served]:
    """`mundo serve` from this checkout, with data of its own."""
    ready, log = folder / "ready.json", folder / "log.txt"
    limits = {f"MUNDO_RATES__{name}": "10000/minute" for name in UNHINDERED}
    limits["MUNDO_WORKER__RUNG"] = "270p"  # what is seen shall not depend on how busy the machine was at the start
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("mundo")), "serve", "--port", "0", "--ready-file", str(ready),
            cwd=ROOT, env={**os.environ, **limits, **environment, "MUNDO_DATA_DIR": str(folder / "data")},
            stdout=out, stderr=out,
        )  # fmt: skip
    try:
        try:
            async with asyncio.timeout(READY_S):
                while not ready.exists():
                    assert process.returncode is None, f"the gateway ended: {log.read_text()[-4000:]}"
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"not ready within {READY_S} s: {log.read_text()[-4000:]}") from None
        yield Served(**json.loads(ready.read_text()), pid=process.pid)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """The gateway with its real worker."""
    async with serving(tmp_path_factory.mktemp("served")) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def painted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """The gateway with the worker of the server's tests: for what the page does, whatever the picture is."""
    command = json.dumps([sys.executable, str(ROOT / "tests" / "server" / "painted_worker.py"), "--capacity", "8"])
    room = {f"MUNDO_LIMITS__PEERS_A_{who}": "500" for who in ("DEVICE", "SESSION")}
    room["MUNDO_WORKER__RUNG"] = ""  # it paints one size, whatever it says
    async with serving(tmp_path_factory.mktemp("painted"), MUNDO_WORKER__COMMAND=command, **room) as made:
        yield made


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loud tone for a second, silence for a second; Chromium plays it again and again."""
    path = tmp_path_factory.mktemp("tone") / "tone.wav"
    times = np.arange(int(TONE_RATE * TONE_S)) / TONE_RATE
    loud = (0.8 * 32767 * np.sin(2 * np.pi * TONE_HZ * times)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(TONE_RATE)
        file.writeframes(np.concatenate([loud, np.zeros_like(loud)]).tobytes())
    return path


@asynccontextmanager
async def browsing(sound: Path, untouched: bool = True) -> AsyncIterator[Browser]:
    """Debian's Chromium, whose microphone plays a file, and which plays sound `untouched`, as people's does not. Its
    absence is a failure: this is what people have."""
    path = shutil.which("chromium") or "/usr/bin/chromium"
    assert Path(path).exists(), "Chromium is missing, and the page cannot be judged without it (apt install chromium)"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox",
                *(["--autoplay-policy=no-user-gesture-required"] if untouched else []),
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={sound}",
            ],
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(tone: Path) -> AsyncIterator[Browser]:
    """A browser whose microphone hears the tone."""
    async with browsing(tone) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def asking(tone: Path) -> AsyncIterator[Browser]:
    """A browser that plays no sound before somebody has touched the page, as people's do."""
    async with browsing(tone, untouched=False) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def context(chromium: Browser, served: Served) -> AsyncIterator[BrowserContext]:
    """A browser profile of its own: cookies, permissions, storage."""
    made = await chromium.new_context(viewport=SIZE, base_url=served.url)
    await made.add_init_script(WATCH_CONNECTIONS)
    yield made
    await made.close()


Walking = Callable[..., AbstractAsyncContextManager[Walker]]


@asynccontextmanager
async def at_a_screen(browser: Browser, served: Served, screen: dict[str, Any], *scripts: str) -> AsyncIterator[Walker]:
    """Somebody at a screen, with the scripts given and nothing on it yet; nothing that the page throws is lost."""
    touch = screen.get("touch", False)
    context = await browser.new_context(
        viewport={"width": screen["width"], "height": screen["height"]},
        base_url=served.url,
        locale=screen.get("locale", "en-US"),
        has_touch=touch,
        is_mobile=touch,
    )
    try:
        for script in (WATCH_CONNECTIONS, *scripts):
            await context.add_init_script(script)
        walker = Walker(await context.new_page(), served, screen)
        yield walker
        assert not walker.thrown, f"the page threw {walker.thrown}"
    finally:
        await context.close()


@pytest.fixture
def walking(chromium: Browser, painted: Served) -> Walking:
    """Somebody at a screen, before the painted world."""
    return partial(at_a_screen, chromium, painted)


@pytest_asyncio.fixture(loop_scope="session")
async def lit(chromium: Browser, tmp_path: Path) -> AsyncIterator[Walking]:
    """Somebody at a screen, before a world of the bundled networks whose pictures are lit and whose sound is a tone."""
    command = json.dumps([sys.executable, "-m", "tests.browser.lit_worker"])
    async with serving(tmp_path, MUNDO_WORKER__COMMAND=command) as served:
        yield partial(at_a_screen, chromium, served)


@pytest_asyncio.fixture(loop_scope="session")
async def inside(walking: Walking) -> AsyncIterator[Walker]:
    """Somebody at a desk, in a painted world."""
    async with walking({"name": "desktop", "width": 1024, "height": 640}) as walker:
        await walker.come_in()
        await walker.open_world(template="meadow")
        yield walker


@pytest_asyncio.fixture(loop_scope="session")
async def person(context: BrowserContext, served: Served) -> Person:
    """Somebody with an empty page. Nothing that the page throws goes unseen."""
    page = await context.new_page()
    return Person(page, served)


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(chromium: Browser, served: Served) -> AsyncIterator[Person]:
    """Somebody else's browser, without any cookie of the first one's."""
    made = await chromium.new_context(viewport=SIZE, base_url=served.url)
    await made.add_init_script(WATCH_CONNECTIONS)
    yield Person(await made.new_page(), served)
    await made.close()


@asynccontextmanager
async def living(person: Person, **wish: Any) -> AsyncIterator[Person]:
    """The same person, in a world of their own meanwhile."""
    thrown: list[str] = []
    person.page.on("pageerror", lambda error: thrown.append(str(error)))
    await person.come_in()
    await person.open_world(**wish)
    yield person
    await person.leave()
    assert not thrown, f"the page threw {thrown}"


@pytest_asyncio.fixture(loop_scope="session")
async def driver(person: Person) -> AsyncIterator[Person]:
    """Somebody in a world of their own, from words."""
    async with living(person, prompt="a green meadow with trees on a clear day", seed=7):
        yield person


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(person: Person) -> AsyncIterator[Person]:
    """Somebody in a world of their own that begins with a picture: for what holds whatever the networks draw, since
    this one is drawn sooner."""
    async with living(person, template="meadow", seed=7):
        yield person
