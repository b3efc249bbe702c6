"""From the microphone's frames to what a world obeys: utterances are found, understood, and when unsure only told.
Voices are espeak-ng's."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.listening import Ear, Interpreter, Listening, Understood, at_16k, load_listening
from engine.messages import Audio, Heard, Open, VideoPacket, decode_outgoing, encode, read_body
from engine.session import Senses, Threads
from engine.worker import Worker
from engine.world import Frame, Inputs
from model.voice.encoder import OBEYED, VoiceConfig, VoiceEncoder
from model.voice.espeak import Espeak, Manner
from model.voice.reader import Confidence, Reader
from model.voice.vad import VoiceActivity

Frames = list[np.ndarray]


@pytest.fixture(scope="module")
def activity() -> VoiceActivity:
    return VoiceActivity.load()


@pytest.fixture(scope="module")
def spoken() -> Frames:
    """A sentence as the microphone's frames, half a second of silence before and a second behind."""
    voice = Espeak().say("a snowy mountain landscape at night", Manner("en-us"))
    at = np.arange(int(len(voice) * 1.5)) / 1.5
    pcm = np.concatenate([np.zeros(12_000), np.interp(at, np.arange(len(voice)), voice), np.zeros(24_000)])
    return [part.astype(np.float32) for part in pcm[: len(pcm) // 1000 * 1000].reshape(-1, 1000)]


def utterances(ear: Ear, frames: Frames) -> list[np.ndarray]:
    return [heard for frame in frames if (heard := ear.hear(frame)) is not None]


def test_a_sentence_is_one_utterance_found_within_half_a_second_of_its_end(
    activity: VoiceActivity, spoken: Frames
) -> None:
    ear = Ear(activity.fresh())
    ended = [number for number, frame in enumerate(spoken) if ear.hear(frame) is not None]
    assert len(ended) == 1 and ended[0] <= len(spoken) - 24 + 13
    [heard] = utterances(Ear(activity.fresh()), spoken)
    assert 1.0 < len(heard) / 16_000 < (len(spoken) - 18) / 24 + 0.6


class Hard(VoiceActivity):
    """Hears a voice in whatever peaks at 0.03 or more."""

    def __init__(self) -> None:
        self.loudest = 0.0

    def likely(self, chunk: Tensor) -> float:
        self.loudest = max(self.loudest, float(chunk.abs().max()))
        return float(chunk.abs().max() >= 0.03)


def test_the_detector_hears_soft_voices_louder_and_nothing_else_does(spoken: Frames) -> None:
    peak = float(np.abs(spoken).max())
    for level, told in ((0.02, 0.16), (0.3, 0.5), (0.9, 0.9)):
        hard = Hard()
        [heard] = utterances(Ear(hard), [level / peak * frame for frame in spoken])
        assert hard.loudest == pytest.approx(told, rel=0.05)
        assert np.abs(heard).max() == pytest.approx(level, rel=0.05)


def test_silence_noise_and_what_is_not_finite_are_no_utterances(activity: VoiceActivity) -> None:
    ear, rng = Ear(activity.fresh()), np.random.default_rng(0)
    assert ear.hear(None) is None and ear.idle
    noise = [(0.02 * rng.standard_normal(1000)).astype(np.float32) for _ in range(60)]
    broken = [np.full(1000, value, np.float32) for value in (np.nan, np.inf, -np.inf, 30.0)]
    assert not utterances(ear, [*noise, *broken, *noise])


def test_a_microphone_that_stalls_in_a_sentence_ends_the_utterance(activity: VoiceActivity, spoken: Frames) -> None:
    ear = Ear(activity.fresh())
    assert not utterances(ear, spoken[:40]) and ear.speaking
    assert any(ear.hear(None) is not None for _ in range(20)) and ear.idle


def test_two_thirds_of_the_rate_keep_a_tone() -> None:
    tone = np.sin(2 * np.pi * 500 * np.arange(24_000) / 24_000).astype(np.float32)
    made = np.concatenate([at_16k(frame) for frame in tone.reshape(-1, 1000)])
    assert abs(len(made) - 16_000) <= 24 and np.abs(np.fft.rfft(made[:15_360])).argmax() == 480


def test_an_untaught_encoder_is_unsure_and_what_is_too_short_is_refused() -> None:
    torch.manual_seed(0)
    encoder = VoiceEncoder(VoiceConfig(("a", "b"), hidden=16, width=16, inner=16)).eval()
    unsure = Confidence((1.0, 1.0, 0.0, 0.0), 0.0)
    interpreter = Interpreter(Reader(encoder, {"en": {"ab": [1, 2]}}, unsure))
    told = interpreter.understand(np.zeros(16_000, np.float32))
    assert not told.obeyed and 0 <= told.confidence < OBEYED and told.meaning.shape == (13, 384)
    with pytest.raises(ValueError, match="480 samples at least, this one has 10"):
        interpreter.understand(np.zeros(10, np.float32))


def test_without_a_voice_encoder_a_worker_does_not_listen(tmp_path: Path) -> None:
    assert load_listening(tmp_path) is None


class Attentive:
    """Grey pictures; remembers what it was told to obey."""

    obeyed: Tensor | None = None

    def __init__(self, wish: Open) -> None:
        self.index = 0

    def say(self, text: str) -> None:
        raise AssertionError("speech does not pass through text")

    def obey(self, meaning: Tensor, words: str) -> None:
        type(self).obeyed = meaning

    def step(self, inputs: Inputs) -> Frame:
        grey, chroma = np.full((288, 512), 90, np.uint8), np.full((144, 256), 128, np.uint8)
        self.index += 1
        return Frame(self.index - 1, grey, chroma, chroma, {}, [], 1.0, 0.5)


class Certain(Interpreter):
    """As sure as it is told to be."""

    def __init__(self, confidence: float) -> None:
        self.confidence = confidence

    def understand(self, utterance: np.ndarray) -> Understood:
        return Understood(torch.full((13, 384), 0.5), "speech", self.confidence, "snow")


async def told(listening: Listening, spoken: Frames) -> tuple[Heard, int]:
    """What a session says of a sentence, and the frame that was sampled when its last sound came."""
    ours, its = socket.socketpair()
    streams = await asyncio.open_connection(sock=its)
    reader, writer = await asyncio.open_connection(sock=ours)
    Attentive.obeyed = None
    waiting, last = iter(spoken), -1
    with ThreadPoolExecutor(1) as sampling, ThreadPoolExecutor(1) as encoding:
        worker = Worker(streams, Attentive, Threads(sampling, encoding, encoding), 1, senses=Senses(None, listening))
        running = asyncio.create_task(worker.run())
        writer.write(encode(Open(session="a", seed=1)))
        async with asyncio.timeout(30):
            while not isinstance(message := decode_outgoing(await read_body(reader)), Heard):
                if isinstance(message, VideoPacket) and (frame := next(waiting, None)) is not None:
                    last = message.frame if np.abs(frame).max() > 0.001 else last
                    writer.write(encode(Audio(session="a", pcm=(frame * 32767).astype("<i2").tobytes())))
        writer.close()
        await running
        streams[1].close()
        await asyncio.gather(streams[1].wait_closed(), writer.wait_closed(), return_exceptions=True)
    return message, last


Heeds = Callable[[float], Listening]


@pytest.fixture
def heeds(activity: VoiceActivity) -> Heeds:
    return lambda confidence: Listening(lambda: Ear(activity.fresh()), Certain(confidence))


async def test_what_is_surely_understood_is_obeyed_within_a_second_of_its_end(heeds: Heeds, spoken: Frames) -> None:
    heard, last = await told(heeds(0.9), spoken)
    assert heard.obeyed and heard.words == "snow" and heard.confidence == 0.9
    assert Attentive.obeyed is not None and Attentive.obeyed.shape == (13, 384)
    assert heard.frame - last <= 24


async def test_what_is_not_understood_well_enough_is_told_and_reaches_no_world(heeds: Heeds, spoken: Frames) -> None:
    heard, _ = await told(heeds(0.3), spoken)
    assert not heard.obeyed and heard.confidence == 0.3 and Attentive.obeyed is None
