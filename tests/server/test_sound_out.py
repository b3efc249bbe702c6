"""The world's sound on its way to people: a track of its own, dropped rather than late, and captions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from aiortc.sdp import SessionDescription

from server.outlet import OutletClosed
from server.sound_out import DEPTH, SoundOutlet, SoundPacket, of_its_own_stream

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_who_does_not_take_sound_in_time_hears_the_newest() -> None:
    outlet = SoundOutlet()
    outlet.put(SoundPacket(0, b"before anybody listens"))
    outlet._reading = True
    for number in range(DEPTH + 5):
        outlet.put(SoundPacket(900 * number, b"x"))
    assert (await outlet.get()).pts == 900 * 5
    outlet.close()
    with pytest.raises(OutletClosed):
        await outlet.get()


async def test_sound_is_of_another_stream_than_the_pictures() -> None:
    video = "m=video 9 UDP 96\r\na=msid:one v\r\n"
    sound = "m=audio 9 UDP 111\r\na=mid:1\r\na=msid:one a\r\n"
    assert of_its_own_stream("v=0\r\n" + video + sound) == "v=0\r\n" + video + sound.replace("one a", "sound a")
    assert of_its_own_stream("v=0\r\n" + video) == "v=0\r\n" + video


async def test_a_viewer_hears_the_tone_that_the_world_makes_and_reads_what_sounds(here: Any) -> None:
    browser = await here.invited()
    connection = await browser.connect(await browser.start(), listens=True)
    assert (await connection.until("sounds"))["heard"] == ["wind", "rain"]
    connection.steer(1, buttons=1)
    await connection.until("receipt", lambda event: event["control_seq"] == 1)
    loud = 0
    for _ in range(400):
        frame = await connection.sound.track.recv()
        samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0].astype(np.float64) / 32768
        loud = loud + 1 if np.sqrt(np.mean(samples**2)) > 0.25 else 0
        if loud == 10:
            break
    assert loud == 10, "the tone did not come"
    crossings = np.count_nonzero(np.diff(np.sign(samples))) / (len(samples) / frame.sample_rate)
    assert crossings == pytest.approx(2000, rel=0.1)


async def test_who_does_not_drive_is_heard_by_nobody_but_hears(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    link = (await browser.http.post(f"/api/v1/sessions/{session}/shares", json={"role": "viewer"})).json()["url"]
    guest = await here.browser()
    await guest.http.post("/api/v1/shares/redeem", json={"token": link.partition("#")[2]})
    connection = await guest.connect(session, listens=True)
    sections = SessionDescription.parse(connection.pc.remoteDescription.sdp).media
    assert [media.direction for media in sections if media.kind == "audio"] == ["sendonly"]
    assert (await connection.sound.track.recv()).sample_rate == 48_000
