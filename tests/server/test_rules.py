"""The pure parts: codes, secrets, hands at the wheel, keyframes, frame counts, buckets, deadlines."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine import messages as m
from server.channels import Controls, Junk, PromptUnfit, fit_prompt, read_controls, read_event
from server.hub import DEPTH, Hub, Packet
from server.invites import new_code, normalise
from server.outlet import OutletClosed
from server.placement.watch import Watch
from server.ratelimit import TokenBucket
from server.steering import Steering
from server.term import Term
from server.texts import Texts
from server.timeline import TICKS_A_FRAME, Timeline
from server.tokens import Tokens, load_secret


def packet(frame: int, keyframe: bool = False) -> Packet:
    return Packet(frame, frame * TICKS_A_FRAME, keyframe, b"")


async def test_a_peer_begins_with_a_keyframe() -> None:
    wanted: list[int] = []
    hub = Hub(lambda: wanted.append(1))
    outlet = hub.join()
    hub.publish(packet(0, keyframe=True))
    reading = asyncio.create_task(outlet.get())
    await asyncio.sleep(0)
    assert wanted  # it did not read when the first keyframe passed
    for frame in range(1, 5):
        hub.publish(packet(frame, keyframe=frame == 3))
    assert (await reading).frame == 3 and (await outlet.get()).frame == 4


async def test_a_slow_peer_skips_to_the_next_keyframe_and_nobody_waits() -> None:
    hub = Hub(lambda: None)
    quick, slow = hub.join(), hub.join()
    reading = [asyncio.create_task(outlet.get()) for outlet in (quick, slow)]
    await asyncio.sleep(0)
    hub.publish(packet(0, keyframe=True))
    await asyncio.gather(*reading)
    for frame in range(1, 10):
        hub.publish(packet(frame, keyframe=frame == 8))
        assert (await quick.get()).frame == frame
    assert [(await slow.get()).frame for _ in range(2)] == [8, 9]
    assert slow.skipped == 7 and DEPTH == 2 and quick.skipped == 0


async def test_a_closed_outlet_wakes_who_waits() -> None:
    hub = Hub(lambda: None)
    waiting = asyncio.create_task(hub.join().get())
    await asyncio.sleep(0)
    hub.close()
    with pytest.raises(OutletClosed):
        await waiting


def test_old_snapshots_are_dropped_and_totals_become_deltas() -> None:
    steering = Steering(0.3)
    first = steering.update("a", Controls(seq=10, buttons=1, look_x=5.0, look_y=0.0), 0.0)
    second = steering.update("a", Controls(seq=12, buttons=1, look_x=5.5, look_y=0.0), 0.1)
    assert first and second and (first.look_x, second.look_x) == (0.0, 0.5)
    assert steering.update("a", Controls(seq=11, buttons=8, look_x=9.0, look_y=0.0), 0.2) is None
    assert (steering.obeyed("a", first.seq), steering.obeyed("a", second.seq)) == (10, 12)
    assert (steering.obeyed("a", 0), steering.obeyed("b", second.seq)) == (-1, -1)


def test_silence_lets_go_of_one_drivers_buttons_only() -> None:
    steering = Steering(0.3)
    steering.update("a", Controls(seq=1, buttons=1), 0.0)
    steering.update("b", Controls(seq=1, buttons=4), 0.2)
    assert steering.release_silent(0.25) is None
    released = steering.release_silent(0.4)
    assert released and released.buttons == 4
    assert steering.release_silent(0.45) is None
    left = steering.forget("b")
    assert left and left.buttons == 0 and steering.forget("a") is None


def test_a_new_world_counts_look_from_nothing() -> None:
    steering = Steering(0.3)
    steering.update("a", Controls(seq=1, buttons=0, look_x=1.0), 0.0)
    steering.update("a", Controls(seq=2, buttons=2, look_x=1.7), 0.1)
    again = steering.restart()
    assert (again.look_x, again.buttons) == (0.0, 2)
    more = steering.update("a", Controls(seq=3, buttons=2, look_x=1.8), 0.2)
    assert more and more.look_x == pytest.approx(0.1) and more.seq > again.seq


def test_frames_and_timestamps_go_on_when_a_world_takes_anothers_place() -> None:
    timeline = Timeline()
    timeline.restart(0.0)
    assert timeline.place(0, 0, 1.0) == (0, 0)
    assert timeline.place(1, TICKS_A_FRAME, 1.04) == (1, TICKS_A_FRAME)
    timeline.restart(3.04)
    frame, pts = timeline.place(0, 0, 3.5)
    assert frame == 2 and pts == TICKS_A_FRAME + 2 * 90_000
    timeline.restart(3.5)  # at once: still one frame later
    assert timeline.place(0, 0, 3.5) == (3, pts + TICKS_A_FRAME)


def test_a_bucket_refills_with_time() -> None:
    bucket = TokenBucket(2.0, 3.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(0.5) and not bucket.take(0.5)
    assert bucket.take(100.0, 3.0) and not bucket.take(100.0)
    with pytest.raises(ValueError, match="positive"):
        TokenBucket(0.0, 1.0)


def test_a_world_must_give_frames_once_it_was_opened() -> None:
    watch = Watch(open_timeout_s=10.0, frame_timeout_s=5.0)
    watch.sent(m.Open(session="s", seed=1), 0.0)
    watch.received(m.Opened(session="s"), 1.0)
    assert watch.overdue(9.9) is None and watch.overdue(10.1)
    watch.received(m.VideoPacket(session="s", frame=0, pts=0, keyframe=True, data=b""), 10.0)
    assert watch.overdue(14.9) is None
    assert watch.overdue(15.1) == "no frame of session s in time"
    watch.received(m.State(session="s", frame=0, values={}, audio=[]), 15.0)
    assert watch.overdue(15.1)  # only frames count
    watch.sent(m.Close(session="s"), 15.1)
    assert watch.overdue(99.0) is None


def test_the_time_in_which_the_gateway_stood_still_is_no_workers_fault() -> None:
    watch = Watch(open_timeout_s=10.0, frame_timeout_s=5.0)
    watch.sent(m.Open(session="a", epoch=1, seed=1), 0.0)
    watch.excuse(30.0)
    assert watch.overdue(39.0) is None and watch.overdue(41.0) is not None


async def test_what_a_worker_says_of_a_world_before_is_not_about_the_world_of_now() -> None:
    watch = Watch(open_timeout_s=10.0, frame_timeout_s=5.0)
    watch.sent(m.Open(session="s", epoch=1, seed=1), 0.0)
    watch.sent(m.Close(session="s", epoch=1), 1.0)
    assert "s" not in watch and len(watch) == 0
    watch.sent(m.Open(session="s", epoch=3, seed=1), 1.0)
    watch.received(m.VideoPacket(session="s", epoch=1, frame=9, pts=0, keyframe=True, data=b""), 1.1)
    assert watch.overdue(10.9) is None  # a world has longer for its first frame
    watch.received(m.Failed(session="s", epoch=1, reason="it broke"), 1.2)
    assert "s" in watch and len(watch) == 1 and watch.overdue(11.1)
    watch.received(m.Failed(session="s", epoch=3, reason="it broke"), 1.3)
    assert "s" not in watch and watch.overdue(99.0) is None


@pytest.mark.parametrize(
    "raw", ['{"seq":1,"buttons":0,"look_x":1e9}', '{"buttons":1}', '{"seq":1.5,"buttons":0}', "9" * 600]
)
def test_controls_out_of_range_are_junk(raw: str) -> None:
    with pytest.raises(Junk, match="expects"):
        read_controls(raw)


@pytest.mark.parametrize("raw", ['{"a":' + "[" * 8000, '{"type":"text","text":"\ud800"}', '{"type":"ping","t":NaN}'])
def test_events_that_nobody_can_read_are_junk(raw: str) -> None:
    with pytest.raises(Junk, match="expects"):
        read_event(raw)


def test_a_prompt_is_fit_or_says_why_not() -> None:
    assert fit_prompt("  uma noite com neve\n") == "uma noite com neve"
    for text in ("", "\x1b[0m", "x" * 401, "\ud800"):
        with pytest.raises(PromptUnfit, match="."):
            fit_prompt(text)


def test_a_code_is_128_bits_in_words_that_can_be_read_aloud() -> None:
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    for code in codes:
        words = code.split("-")
        assert len(words) == 8 and all(len(word) == 5 and word[1] in "aiou" and word[3] in "aiou" for word in words)
    assert normalise(" Lusab BABAD\ngutih—") == "lusabbabadgutih"


def test_the_secret_is_made_once_and_kept_private(tmp_path: Any) -> None:
    made = load_secret("", tmp_path)
    assert load_secret("", tmp_path) == made and len(made) == 64
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert load_secret("given by the operator", tmp_path) == b"given by the operator"
    with pytest.raises(ValueError, match="16 bytes.*has 5"):
        Tokens(b"short")


def test_a_text_is_obeyed_skipped_refused_or_lost() -> None:
    texts = Texts()
    assert [texts.ask(text, None, ref) for ref, text in enumerate(("rain", "refuse me", "snow", "night"))] == [
        1,
        2,
        3,
        4,
    ]
    assert texts.obey(0) is None and texts.obeyed_id == 0
    refused = texts.refuse(2)  # overtakes the receipt of the first
    assert refused and (refused.text, refused.ref) == ("refuse me", 1)
    assert texts.refuse(2) is None and texts.refuse(0) is None
    assert texts.obey(3) == "snow" and texts.obeyed_id == 3  # it skipped the first one
    assert texts.obey(3) is None
    assert [lost.text for lost in texts.lose()] == ["night"] and texts.obeyed_id == 3
    assert texts.obey(4) is None and texts.ask("dawn", None, 0) == 5


def test_a_world_that_names_no_text_has_the_one_that_it_began_with() -> None:
    texts = Texts("a meadow")
    texts.ask("snow", None, 1)
    assert texts.text_of(0) == "a meadow" and texts.text_of(1) == "snow"
    texts.obey(1)
    assert texts.text_of(0) == "a meadow"
    texts.lose()
    assert texts.text_of(0) == "snow"
    texts.began_with = "a meadow"  # as it was saved before the snow
    assert texts.text_of(0) == "a meadow" and texts.in_force == texts.text_of(1) == "snow"


def test_a_term_announces_each_mark_once_and_begins_anew_with_a_world() -> None:
    term = Term(100.0)
    term.begin(1000.0)
    told = [term.announces(now) for now in (1001.0, 1040.0, 1041.0, 1090.0, 1091.0)]
    assert told == [False, True, False, True, False]
    assert term.left_s(1100.0) == 0.0
    term.begin(2000.0)
    assert term.left_s(2000.0) == 100.0 and term.announces(2040.0)
    assert not Term(0.0).announces(1e9) and Term(0.0).left_s(1e9) == float("inf")
