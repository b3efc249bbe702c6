"""What a browser gets of a session over real WebRTC on this machine: video, steering, text, sound."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack

from server.routes import worlds as routes
from server.templates import loop_of

pytestmark = pytest.mark.asyncio(loop_scope="session")  # one gateway serves them all


class Tone(MediaStreamTrack):
    """440 Hz at half scale, 48 kHz stereo as a browser's microphone sends it."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.at, self.loud = 0, True

    async def recv(self) -> av.AudioFrame:
        await asyncio.sleep(0.018)
        wave = (16384 * self.loud * np.sin(2 * np.pi * 440 * (self.at + np.arange(960)) / 48_000)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None], format="s16", layout="stereo")
        frame.pts, frame.sample_rate, frame.time_base = self.at, 48_000, Fraction(1, 48_000)
        self.at += 960
        return frame


async def test_an_invited_browser_receives_new_frames(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start(prompt="a meadow", seed=7)
    connection = await browser.connect(session)
    frames = await connection.frames(12)
    assert {(frame.width, frame.height) for frame in frames} == {(480, 270)}
    assert len({frame.pts for frame in frames}) == 12
    assert (await connection.until("state"))["values"]["seed"] == 7
    shown = (await browser.http.get(f"/api/v1/sessions/{session}")).json()
    assert shown | {"frame": 0, "world": ""} == {
        "id": session, "state": "live", "rung": "480x270", "frame": 0, "viewers": 0, "driver": True,
        "role": "driver", "owner": True, "world": "",
    }  # fmt: skip
    assert shown["frame"] > 0


async def test_the_owner_chooses_the_size_of_the_picture_and_everybody_is_told(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    connection = await browser.connect(session)
    assert (await connection.until("rung"))["rung"] == "270p"
    connection.tell(type="rung", rung="540p")
    told = await connection.until("rung", lambda event: event["pinned"])
    assert (told["rung"], told["width"], told["height"]) == ("540p", 960, 540)
    assert (await browser.http.get(f"/api/v1/sessions/{session}")).json()["rung"] == "960x540"
    late = await browser.connect(session)
    assert (await late.until("rung"))["rung"] == "540p"
    connection.tell(type="rung", rung="4k")
    assert "'4k'" in (await connection.until("refused"))["reason"]


async def test_steering_reaches_the_world_and_its_receipt_comes_back(here: Any) -> None:
    browser = await here.invited()
    connection = await browser.connect(await browser.start())
    for seq, look_x in enumerate((0.0, 0.4, 0.9), start=5):
        connection.steer(seq, buttons=1 | 4, look_x=look_x)
    state = await connection.until("state", lambda event: event["values"]["look_x"] > 0.8)
    assert state["values"]["buttons"] == 5
    assert (await connection.until("receipt", lambda event: event["control_seq"] == 7))["text_id"] == 0


async def test_buttons_are_let_go_when_the_driver_falls_silent(here: Any) -> None:
    browser = await here.invited()
    connection = await browser.connect(await browser.start())
    connection.steer(1, buttons=9)
    await connection.until("state", lambda event: event["values"]["buttons"] == 9)
    await connection.until("state", lambda event: event["values"]["buttons"] == 0)


async def test_receipts_name_the_timestamp_under_which_the_frame_was_sent(here: Any) -> None:
    browser = await here.invited()
    connection = await browser.connect(await browser.start())
    await connection.frames(5)
    first = await connection.until("receipt", lambda event: "rtp" in event)
    second = await connection.until("receipt", lambda event: "rtp" in event)
    assert (second["rtp"] - first["rtp"]) % 2**32 == second["pts"] - first["pts"]
    sent = {s._RTCRtpSender__rtp_timestamp for p in _peers(here) for s in p._connection.getSenders()}
    assert any((timestamp - second["rtp"]) % 3750 == 0 for timestamp in sent)


async def test_a_text_is_accepted_and_obeyed(here: Any) -> None:
    browser = await here.invited()
    connection = await browser.connect(await browser.start())
    connection.tell(type="text", text="  let it snow ", ref=4)
    accepted = await connection.until("text")
    assert accepted == {"type": "text", "ref": 4, "text_id": 1}
    await connection.until("receipt", lambda event: event["text_id"] == 1)
    assert (await connection.until("state", lambda event: event["values"]["letters"]))["values"]["letters"] == 11


async def test_a_refused_text_says_why_and_the_world_goes_on(here: Any) -> None:
    browser = await here.invited()
    connection = await browser.connect(await browser.start())
    connection.tell(type="text", text="refuse me", ref=9)
    assert (await connection.until("refused")) == {"type": "refused", "reason": "I will not.", "ref": 9}
    connection.tell(type="text", text="x" * 401, ref=10)
    refused = await connection.until("refused")
    assert refused["ref"] == 10 and "400" in refused["reason"] and "401" in refused["reason"]
    await connection.until("receipt")


async def test_a_refusal_is_of_the_text_that_was_refused(here: Any) -> None:
    browser = await here.invited()
    connection = await browser.connect(await browser.start())
    for ref, text in ((1, "snow"), (2, "refuse me"), (3, "night")):  # the refusal overtakes the first one's receipt
        connection.tell(type="text", text=text, ref=ref)
    assert (await connection.until("refused"))["ref"] == 2
    assert (await connection.until("receipt", lambda event: event["text_id"] == 3))["text_id"] == 3
    assert not any(event["type"] == "refused" for event in connection.heard)


async def test_a_prompt_may_come_by_http(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    taken = await browser.http.post(f"/api/v1/sessions/{session}/prompts", json={"text": "night falls"})
    assert taken.status_code == 202
    connection = await browser.connect(session)
    await connection.until("receipt", lambda event: event["text_id"] == taken.json()["text_id"])


async def test_the_microphone_reaches_the_world_as_24_khz_mono(here: Any) -> None:
    browser = await here.invited()
    tone = Tone()
    connection = await browser.connect(await browser.start(), sound=tone)
    loud = await connection.until("state", lambda event: event["audio"][0] > 0.85)
    assert loud["audio"][0] < 0.95  # half scale, -6 of 60 dB
    later = await connection.until("state", lambda event: event["frame"] >= loud["frame"] + 24)
    assert tone.at / 4 < later["values"]["samples"] <= tone.at / 2


async def test_the_worlds_ear_follows_a_tone_within_two_frames(here: Any) -> None:
    browser = await here.invited()
    tone = Tone()
    connection = await browser.connect(await browser.start(), sound=tone)
    await connection.until("state", lambda event: event["audio"][0] > 0.85)
    lags: dict[bool, list[int]] = {False: [], True: []}
    for number in range(40):
        tone.loud = bool(number % 2)
        connection.heard.clear()
        before = (await connection.until("state"))["frame"]
        after = await connection.until("state", lambda event: (event["audio"][0] > 0.5) is tone.loud)
        lags[tone.loud].append(after["frame"] - before)
        if all(min(some, default=99) <= 2 for some in lags.values()):
            break  # a busy machine is late at times, a buffer always
        await asyncio.sleep(0.1)
    else:
        raise AssertionError(f"frames until silence and until sound were heard: {lags}")


async def test_what_the_next_message_replaces_is_left_out_where_much_waits(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    connection = await browser.connect(session)
    (peer,) = here.gateway.sessions.get(session).peers.values()
    await connection.until("state")
    peer._events._RTCDataChannel__bufferedAmount += 32 << 10
    connection.heard.clear()
    connection.tell(type="text", text="rain", ref=1)
    assert (await connection.until("text"))["ref"] == 1  # that is said all the same
    await connection.frames(12)
    since = {event["type"] for event in connection.heard}  # the channel keeps the order
    assert not {"state", "receipt"} & since, since
    peer._events._RTCDataChannel__bufferedAmount -= 32 << 10
    await connection.until("state")
    await connection.until("receipt")


async def test_pings_are_answered_with_the_servers_clock(here: Any) -> None:
    browser = await here.invited()
    connection = await browser.connect(await browser.start())
    connection.tell(type="ping", t=12.5)
    pong = await connection.until("pong")
    assert pong["t"] == 12.5 and pong["server_ms"] > 1.6e12


async def test_a_peer_without_heartbeat_is_closed_and_the_session_stays(run: Any) -> None:
    here = await run(limits={"heartbeat_s": 0.5})
    browser = await here.invited()
    session = await browser.start()
    connection = await browser.connect(session)
    assert (await connection.until("ended"))["reason"] == "no heartbeat"
    assert (await browser.http.get(f"/api/v1/sessions/{session}")).json()["driver"] is False


async def test_lost_packets_bring_a_keyframe(here: Any) -> None:
    browser = await here.invited()
    connection = await browser.connect(await browser.start())
    before = (await connection.until("state", lambda event: event["values"]["keyframes"] > 0))["values"]["keyframes"]
    await asyncio.sleep(0.6)
    (ssrc,) = connection.video._RTCRtpReceiver__remote_streams
    await connection.video._send_rtcp_pli(ssrc)
    await connection.until("state", lambda event: event["values"]["keyframes"] > before)


async def test_a_connection_ends_where_its_location_says(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    connection = await browser.connect(session)
    assert (await browser.http.delete(connection.location)).status_code == 204
    assert (await browser.http.delete(connection.location)).status_code == 404
    assert not _peers(here)


async def test_a_gateway_that_was_held_up_skips_no_frame(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    connection = await browser.connect(session)
    await connection.frames(5)
    (peer,) = _peers(here)
    skipped = peer.outlet.skipped
    time.sleep(0.4)  # noqa: ASYNC251  the whole event loop stands still, and ten frames wait in the worker's socket
    await connection.frames(15)
    assert peer.outlet.skipped == skipped


async def test_every_template_is_listed_with_its_picture_and_loop(
    here: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shore.mp4").touch()
    monkeypatch.setattr(routes, "loop_of", partial(loop_of, wall=tmp_path))
    browser = await here.invited()
    listed = (await browser.http.get("/api/v1/templates")).json()
    loops = {template["id"]: template["loop"] for template in listed if "loop" in template}
    assert loops == {"shore": "/web/pictures/wall/shore.mp4"}
    assert listed and all(set(template["title"]) == {"en", "pt"} for template in listed)
    for template in listed:
        picture = await browser.http.get(template["picture"])
        assert picture.status_code == 200 and picture.headers["content-type"] == "image/png"
    session = await browser.start(template=listed[0]["id"])
    state = await (await browser.connect(session)).until("state")
    assert state["values"]["letters"] > 0  # its prompt went with it


async def test_playout_delay_is_negotiated_and_sent(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    connection = await browser.connect(session)
    await connection.pc.close()
    offer = connection.pc.localDescription.sdp
    uri = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
    wished = offer.replace("a=mid:0\r\n", f"a=mid:0\r\na=extmap:9 {uri}\r\n", 1)
    answered = await browser.offer(session, wished)
    assert f"a=extmap:9 {uri}" in answered.text
    assert "H264" in answered.text and "VP8" not in answered.text


async def test_the_gateway_imports_no_torch() -> None:
    code = "import sys, server.cli, server.serving; assert not {'torch', 'model', 'engine.world'} & set(sys.modules)"
    process = await asyncio.create_subprocess_exec(os.sys.executable, "-c", code)
    assert await process.wait() == 0


def _peers(here: Any) -> list[Any]:
    return [peer for session in here.gateway.sessions._sessions.values() for peer in session.peers.values()]


def lasting_threads() -> int:
    """Threads, but for the pool that files are written in, which grows to its size by and by."""
    return sum(not thread.name.startswith("asyncio_") for thread in threading.enumerate())


async def test_nothing_survives_a_closed_connection(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    await here.until(lambda: not here.gateway.sessions._tasks.busy, "what is saved to be saved")
    tasks, threads = len(asyncio.all_tasks()), lasting_threads()
    for _ in range(3):
        connection = await browser.connect(session, sound=Tone())
        await connection.frames(2)
        await browser.http.delete(connection.location)
        await connection.pc.close()
    await here.until(lambda: len(asyncio.all_tasks()) <= tasks, f"at most {tasks} tasks")
    await here.until(lambda: lasting_threads() <= threads, f"at most {threads} threads")
    assert not here.gateway.sessions.get(session).hub._outlets
