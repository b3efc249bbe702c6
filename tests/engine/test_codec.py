"""The encoder, judged by decoding what it wrote."""

from __future__ import annotations

import av
import numpy as np
import pytest

from engine.codec import BT709, FRAME_TICKS, LIMITED, CodecConfig, Crop, Encoder, Packet


def picture(t: int, width: int = 512, height: int = 288) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Smooth shading that moves, with strong colour: content that x264 keeps well."""
    rows, columns = np.mgrid[0:height, 0:width]
    y = (125 + 60 * np.sin((columns + 2 * t) / 23) + 30 * np.cos(rows / 17)).astype(np.uint8)
    rows, columns = np.mgrid[0 : height // 2, 0 : width // 2]
    u = (128 + 80 * np.sin((columns + t) / 40)).astype(np.uint8)
    v = (128 + 80 * np.cos(rows / 40)).astype(np.uint8)
    return y, u, v


def noise(t: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Content that takes as many bits as there are."""
    rng = np.random.default_rng(t)
    y = np.kron(rng.integers(16, 235, (144, 256), dtype=np.uint8), np.ones((2, 2), np.uint8))
    return y, *(np.full((144, 256), 128, np.uint8) for _ in "uv")


def decode(packets: list[Packet]) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet.data))]
    return frames + decoder.decode(None)


def plane(frame: av.VideoFrame, index: int) -> np.ndarray:
    data = frame.planes[index]
    return np.frombuffer(data, np.uint8).reshape(-1, data.line_size)[: data.height, : data.width].astype(int)


def nal_types(data: bytes) -> list[int]:
    starts = data.split(b"\x00\x00\x01")[1:]
    return [unit[0] & 31 for unit in starts]


def mean_bits_per_second(encoder: Encoder, first: int, count: int) -> tuple[float, list[bool]]:
    packets = [encoder.encode(*noise(t), pts=t * FRAME_TICKS) for t in range(first, first + count)]
    later = packets[count // 2 :]
    return sum(len(p.data) for p in later) * 8 * 24 / len(later), [p.keyframe for p in packets]


@pytest.mark.parametrize(
    ("frame", "crop"),
    [
        ((512, 288), Crop(16, 8, 480, 270)),
        ((1024, 576), Crop(32, 18, 960, 540)),
        ((2048, 1152), Crop(64, 36, 1920, 1080)),
    ],
)
def test_the_crop_is_the_central_fifteen_sixteenths_at_even_offsets(frame: tuple[int, int], crop: Crop) -> None:
    assert Crop.of(*frame) == crop


def test_a_frame_that_has_no_even_crop_is_refused() -> None:
    with pytest.raises(ValueError, match="500x288"):
        Crop.of(500, 288)


def test_decoded_planes_are_the_crop_without_colour_conversion() -> None:
    encoder = Encoder(CodecConfig(bits_per_second=6_000_000))
    sources = [picture(t) for t in range(6)]
    frames = decode([encoder.encode(*source, pts=t * FRAME_TICKS) for t, source in enumerate(sources)])
    assert len(frames) == 6
    for source, frame in list(zip(sources, frames, strict=True))[2:]:
        assert (frame.width, frame.height) == (480, 270)
        for index, wanted in enumerate((source[0][8:278, 16:496], source[1][4:139, 8:248], source[2][4:139, 8:248])):
            error = plane(frame, index) - wanted.astype(int)
            assert abs(error.mean()) < 0.5
            assert np.sqrt((error**2).mean()) < 4


def test_the_stream_says_that_it_is_bt709_of_limited_range() -> None:
    frame = decode([Encoder(CodecConfig()).encode(*picture(0), pts=0)])[0]
    assert (frame.colorspace, frame.color_primaries, frame.color_trc) == (BT709, BT709, BT709)
    assert frame.color_range == LIMITED


def test_an_idr_carries_its_parameter_sets_of_constrained_baseline_3_1() -> None:
    encoder = Encoder(CodecConfig())
    packets = [encoder.encode(*picture(t), pts=t * FRAME_TICKS) for t in range(2)]
    assert {7, 8, 5} <= set(nal_types(packets[0].data))
    assert set(nal_types(packets[1].data)) == {1}
    sps = packets[0].data.split(b"\x00\x00\x01")[1]
    assert (sps[1], sps[2] & 0xC0, sps[3]) == (0x42, 0xC0, 0x1F)


def test_an_idr_comes_on_request_and_at_most_twice_a_second() -> None:
    encoder, keyframes = Encoder(CodecConfig()), []
    for t in range(40):
        if t >= 3:
            encoder.want_idr()
        if encoder.encode(*picture(t), pts=t * FRAME_TICKS).keyframe:
            keyframes.append(t)
    assert keyframes == [0, 12, 24, 36]


def test_without_a_request_there_is_no_second_idr() -> None:
    encoder = Encoder(CodecConfig())
    keyframes = [encoder.encode(*noise(t), pts=t * FRAME_TICKS).keyframe for t in range(60)]
    assert keyframes == [True] + [False] * 59


def test_decoding_can_begin_at_a_requested_idr() -> None:
    encoder = Encoder(CodecConfig())
    packets = [encoder.encode(*picture(t), pts=t * FRAME_TICKS) for t in range(12)]
    encoder.want_idr()
    packets = [encoder.encode(*picture(t), pts=t * FRAME_TICKS) for t in range(12, 15)]
    frames = decode(packets)
    assert len(frames) == 3
    error = plane(frames[2], 0) - picture(14)[0][8:278, 16:496].astype(int)
    assert np.sqrt((error**2).mean()) < 6


def test_the_bitrate_follows_a_live_change_without_an_idr() -> None:
    encoder = Encoder(CodecConfig(bits_per_second=2_000_000))
    before, _ = mean_bits_per_second(encoder, 0, 48)
    encoder.set_bitrate(1_100_000)
    lower, lower_keys = mean_bits_per_second(encoder, 48, 48)
    encoder.set_bitrate(3_500_000)
    higher, higher_keys = mean_bits_per_second(encoder, 96, 48)
    assert 1_400_000 < before < 2_500_000
    assert 700_000 < lower < 1_400_000
    assert 2_000_000 < higher < 4_300_000
    assert not any(lower_keys + higher_keys)


def test_a_bitrate_beyond_the_band_opens_the_stream_anew_with_an_idr() -> None:
    encoder = Encoder(CodecConfig(bits_per_second=600_000))
    mean_bits_per_second(encoder, 0, 12)
    encoder.set_bitrate(6_000_000)
    bits_per_second, keyframes = mean_bits_per_second(encoder, 12, 48)
    assert keyframes == [True] + [False] * 47
    assert 4_000_000 < bits_per_second < 7_500_000


def test_an_idr_takes_about_two_frames_of_the_target_even_where_noise_could_take_ten() -> None:
    encoder = Encoder(CodecConfig(bits_per_second=2_400_000))
    encoder.encode(*noise(0), pts=0)
    sizes = []
    for t in range(1, 40):
        encoder.want_idr()
        packet = encoder.encode(*noise(t), pts=t * FRAME_TICKS)
        sizes += [len(packet.data) * 8] if packet.keyframe else []
    assert len(sizes) == 3
    assert max(sizes) < 2.5 * 2_400_000 / 24


def test_planes_of_the_wrong_size_are_refused_with_both_sizes() -> None:
    with pytest.raises(ValueError, match=r"\(288, 512\).*\(270, 480\)"):
        Encoder(CodecConfig()).encode(*picture(0, 480, 270), pts=0)


def test_time_stamps_must_grow() -> None:
    encoder = Encoder(CodecConfig())
    encoder.encode(*picture(0), pts=3750)
    with pytest.raises(ValueError, match="3750 after 3750"):
        encoder.encode(*picture(1), pts=3750)
