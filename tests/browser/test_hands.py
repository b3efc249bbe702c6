"""What hands do in a painted world: keys that can be changed, gamepad, thumbs, moves of the camera, the line's history,
a role that changes; and how soon a key is on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from conftest import Walking

    from tests.browser.people import Walker

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCREEN: dict[str, Any] = {"name": "desktop", "width": 1024, "height": 640}
KEY_TO_CHANNEL_MS = 4.0

# A gamepad that a test can push.
PAD = """
window.pad = { connected: true, mapping: "standard", axes: [0, 0, 0, 0],
  buttons: Array.from({ length: 17 }, () => ({ pressed: false })) };
navigator.getGamepads = () => [window.pad];
"""


async def test_a_key_leaves_in_the_task_in_which_it_is_pressed(inside: Walker) -> None:
    left = await inside.page.evaluate(
        """() => ["keydown", "keyup"].map((type) => {
          const before = taps.sent.length;
          window.dispatchEvent(new KeyboardEvent(type, { code: "KeyW", key: "w", bubbles: true }));
          return [taps.sent.length - before, JSON.parse(taps.sent.at(-1)).buttons];
        })"""
    )
    assert left == [[1, 1], [1, 0]]


# How long each change of a button takes to the data channel: since the browser's own stamp on the key event, and since
# the page was told; milliseconds.
TIME_KEYS = """() => {
  window.waits = [];
  let stamp = 0, told = 0, held = JSON.parse(taps.sent.at(-1)).buttons;
  const hear = (event) => {
    if (event.isTrusted && !event.repeat) [stamp, told] = [event.timeStamp, performance.now()];
  };
  for (const type of ["keydown", "keyup"]) addEventListener(type, hear, true);
  const { control } = taps.channels;
  const send = control.send;
  control.send = (data) => {
    send(data);
    const { buttons } = JSON.parse(data), now = performance.now();
    if (buttons !== held) waits.push([now - stamp, now - told]);
    held = buttons;
  };
}"""


async def key_waits(walker: Walker, presses: int) -> Any:
    """[since the browser's stamp, since the page was told] in ms, of every change of so many presses."""
    keys = walker.page.keyboard
    await walker.page.evaluate(TIME_KEYS)
    for press in range(presses):
        key = "WASD"[press % 4]
        await keys.down(f"Key{key}")
        await walker.page.wait_for_timeout(press % 17)  # no beat with frames or with the rhythm of sending
        await keys.up(f"Key{key}")
    waits = np.array(await walker.page.evaluate("() => waits"))
    assert waits.shape == (2 * presses, 2) and waits.min() >= 0
    for name, column in zip(("browser's stamp", "page was told"), waits.T, strict=True):
        p50, p95 = np.quantile(column, (0.5, 0.95))
        print(f"a key, since the {name}, to the channel: p50 {p50:.2f}, p95 {p95:.2f} ms")
    return waits


@pytest.mark.soak
async def test_a_key_is_on_the_channel_within_milliseconds_of_its_event(inside: Walker) -> None:
    """On a machine that has nothing else to do."""
    waits = await key_waits(inside, presses=500)
    assert np.quantile(waits[:, 0], 0.95) < KEY_TO_CHANNEL_MS


async def test_keys_can_be_changed_and_stay_so(inside: Walker) -> None:
    page = inside.page
    await page.keyboard.press("?")
    await page.click("[data-action=forward]")
    await page.keyboard.press("KeyE")
    await page.wait_for_selector("[data-action=forward] >> text=E")
    await page.keyboard.press("Escape")
    await page.keyboard.down("KeyE")
    await inside.holds(1)
    await page.keyboard.up("KeyE")
    await page.reload()
    await inside.until("() => mundo.state.visible")
    await page.keyboard.down("KeyE")
    await inside.holds(1)
    await page.keyboard.up("KeyE")
    await page.keyboard.press("?")
    await page.get_by_role("button", name="Keys as they were").click()
    await page.keyboard.press("Escape")
    await page.keyboard.down("KeyW")
    await inside.holds(1)
    await page.keyboard.up("KeyW")


async def test_the_line_remembers_what_was_said_and_what_was_not_sent(inside: Walker) -> None:
    page = inside.page
    for text in ("fog rolls in", "night falls"):
        await page.keyboard.press("/")
        await page.keyboard.type(text)
        await page.keyboard.press("Enter")
    await page.keyboard.press("/")
    await page.keyboard.type("a dr")
    said = []
    for key in ("ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown"):
        await page.keyboard.press(key)
        said.append(await page.input_value(".say"))
    assert said == ["night falls", "fog rolls in", "fog rolls in", "night falls", "a dr"]
    assert await page.evaluate("() => JSON.parse(taps.sent.at(-1)).buttons") == 0


async def test_a_gamepad_walks_and_looks(walking: Walking) -> None:
    async with walking(SCREEN, PAD) as walker:
        await walker.come_in()
        await walker.open_world(template="meadow")
        await walker.page.evaluate("() => { pad.axes = [0, -0.6, 0.8, 0]; }")
        await walker.holds(1)
        await walker.until("() => JSON.parse(taps.sent.at(-1)).look_x > 0.1")
        await walker.page.evaluate("() => { pad.axes = [0, 0, 0, 0]; }")
        await walker.holds(0)


async def test_a_thumb_shows_its_ring_and_runs_when_far(walking: Walking) -> None:
    async with walking({"name": "phone", "width": 390, "height": 844, "touch": True}) as walker:
        await walker.come_in()
        await walker.open_world(template="meadow")
        finger = await walker.fingers()
        await finger("touchStart", (100, 500))
        await finger("touchMove", (100, 440))
        await walker.holds(1)
        assert await walker.page.is_visible(".thumb")
        await finger("touchMove", (100, 400))
        await walker.holds(1 + (1 << 9))
        await finger("touchEnd")
        await walker.holds(0)
        assert await walker.page.is_hidden(".thumb")
        await walker.page.tap("[aria-label=Jump]")
        await walker.until("() => taps.sent.some((one) => JSON.parse(one).buttons === 256)")
        await walker.holds(0)


async def test_a_move_of_the_camera_goes_on_until_another_is_chosen_or_somebody_walks(inside: Walker) -> None:
    page = inside.page
    pressed = ".moves [data-move][aria-pressed=true]"
    await page.keyboard.press("KeyX")
    await page.click("[data-move=truck_right]")
    await inside.holds(8)
    await page.click("[data-move=pan_left]")
    await inside.holds(0)
    await inside.until("() => JSON.parse(taps.sent.at(-1)).look_x < -0.05")
    assert await page.get_attribute(pressed, "data-move") == "pan_left"
    await page.evaluate("() => document.querySelector('video').focus()")
    await page.keyboard.down("KeyW")
    await inside.holds(1)
    assert await page.locator(pressed).count() == 0
    await page.keyboard.up("KeyW")
    await page.click("[data-move=dolly_out]")
    await inside.holds(2)
    await page.keyboard.press("Escape")
    await inside.holds(0)
    assert await page.is_hidden(".moves")


async def test_c_takes_the_next_camera_and_the_page_says_which(inside: Walker) -> None:
    page = inside.page
    await page.keyboard.press("KeyH")
    for name in ("Drone", "Orbit", "First person"):
        await page.keyboard.press("KeyC")
        await page.wait_for_selector(f".sign[role=status] >> text={name}")
        await page.wait_for_selector(f"[data-figure=camera] >> text={name}")
    await page.keyboard.down("ShiftLeft")
    await inside.holds(1 << 9)
    await page.keyboard.press("KeyC")
    await inside.holds(0)  # who ran does not sink
    await page.keyboard.up("ShiftLeft")
    await page.evaluate("() => mundo.steer({ camera: 'side' })")
    await page.wait_for_selector(".notice >> text=side")
    await inside.until("() => mundo.state.world.values.camera === 3")  # the drone's place in the vocabulary


async def test_a_move_that_a_camera_cannot_make_takes_one_that_can(inside: Walker) -> None:
    page = inside.page
    await page.keyboard.press("KeyX")
    for move, camera, held in (
        ("orbit_left", "orbit", 4),
        ("truck_right", "drone", 8),
        ("pedestal_down", "drone", 512),
    ):
        await page.click(f"[data-move={move}]")
        await page.wait_for_selector(f"[data-camera={camera}][aria-pressed=true]")
        await inside.holds(held)
    await page.click("[data-camera=first]")
    await page.wait_for_selector("[data-camera=first][aria-pressed=true]")
    await inside.holds(0)


async def test_a_gamepad_and_a_finger_take_the_next_camera_and_fly(walking: Walking) -> None:
    async with walking({"name": "phone", "width": 390, "height": 844, "touch": True}, PAD) as walker:
        await walker.come_in()
        await walker.open_world(template="meadow")
        assert await walker.page.is_hidden("[aria-label=Sink]")
        await walker.page.evaluate("() => { pad.buttons[3] = { pressed: true }; pad.axes = [0, -1, 0, 0]; }")
        await walker.until("() => mundo.stats().camera === 'drone'")
        await walker.holds(1)  # and does not sink, however far
        await walker.page.evaluate("() => { pad.buttons[3] = { pressed: false }; pad.axes = [0, 0, 0, 0]; }")
        for label, button in (("Rise", 1 << 8), ("Sink", 1 << 9)):
            await walker.page.tap(f"[aria-label={label}]")
            await walker.until(f"() => taps.sent.some((one) => JSON.parse(one).buttons === {button})")
            await walker.holds(0)
        await walker.page.tap("[aria-label='Next camera']")
        await walker.until("() => mundo.stats().camera === 'orbit'")


async def test_a_role_that_changes_changes_the_page(inside: Walker) -> None:
    await inside.page.keyboard.down("KeyW")
    await inside.holds(1)
    await inside.hear(type="role", role="viewer", owner=True, peer="me")
    assert await inside.page.locator(".say, .talk, .touch").count() == 0
    sent = await inside.page.evaluate("() => taps.sent.length")
    await inside.page.keyboard.press("KeyA")
    await inside.frames(6)
    assert await inside.page.evaluate("() => taps.sent.length") == sent
    await inside.page.keyboard.up("KeyW")
    await inside.hear(type="role", role="driver", owner=True, peer="me")
    await inside.page.keyboard.down("KeyA")
    await inside.holds(4)
