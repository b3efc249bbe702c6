"""Bytes from outside against every decoder: whatever comes is read, or refused as documented; nothing else happens."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.messages import Message, ProtocolError, decode_incoming, decode_outgoing
from server.channels import Asked, Controls, Junk, PromptUnfit, fit_prompt, read_controls, read_event, read_frame
from server.durations import seconds
from server.invites import normalise
from server.pictures import PictureUnfit, fit
from server.saves import MAGIC, MAX_FILE_BYTES, About, NotASave, Saved, pack, unpack
from server.signalling import OfferRefused, read_offer
from server.tokens import ShareToken, TokenRefused, Tokens
from tests.hostile import hostile, many

pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KINDS = st.sampled_from(["text", "ping", "vote", "accept", "dismiss", "voting", "hand_over", "take_back", "control"])
NAMES = st.sampled_from(["text", "ref", "t", "suggestion", "every_s", "to", "seq", "buttons", "look_x", "look_y"])
NEARLY = st.builds(lambda kind, rest: {"type": kind, **rest}, KINDS, st.dictionaries(NAMES, JSON, max_size=5))
TEXTS = st.text(max_size=200) | JSON.map(json.dumps) | NEARLY.map(json.dumps) | NEARLY.map(lambda m: json.dumps(m)[:-1])


@hostile
@given(TEXTS | st.binary(max_size=200))
def test_the_channels_read_a_message_or_call_it_junk(raw: str | bytes) -> None:
    for read, right in ((read_controls, Controls), (read_event, Asked)):
        try:
            message: Any = read(raw)
        except Junk as junk:
            assert "expects" in str(junk)
        else:
            assert isinstance(message, right)
    if isinstance(raw, str):
        try:
            assert isinstance(read_frame(raw), Asked | Controls)
        except Junk as junk:
            assert "expects" in str(junk)


@hostile
@given(st.text(max_size=500))
def test_a_prompt_is_fit_or_refused(text: str) -> None:
    try:
        fit = fit_prompt(text)
    except PromptUnfit as unfit:
        assert unfit.reason
    else:
        assert 0 < len(fit) <= 400 and fit == fit.strip() and "\0" not in fit


@hostile
@given(st.binary(max_size=300) | st.builds(lambda kind, rest: json.dumps([kind, rest]).encode(), st.text(), JSON))
def test_messages_of_a_worker_are_read_or_refused(body: bytes) -> None:
    for decode in (decode_incoming, decode_outgoing):
        try:
            assert isinstance(decode(body), Message)
        except ProtocolError as error:
            assert str(error).startswith("expected a message")


WHOLE = pack(Saved(About("n", "p", "t", 1, 1.0, 2.0, 3, b"still"), b"data" * 20))


@hostile
@given(
    st.binary(max_size=300).map(lambda tail: MAGIC + tail)
    | st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(1, 255)).map(
        lambda flip: WHOLE[: flip[0]] + bytes([WHOLE[flip[0]] ^ flip[1]]) + WHOLE[flip[0] + 1 :]
    )
    | st.integers(0, len(WHOLE) - 1).map(lambda cut: WHOLE[:cut])
)
def test_a_damaged_save_is_never_taken_for_whole(file: bytes) -> None:
    with pytest.raises(NotASave, match="."):
        unpack(file)


def sealed(header: bytes, data: bytes, length: int | None = None) -> bytes:
    """A file with a right checksum around whatever header."""
    import hashlib

    rest = struct.pack(">I", len(header) if length is None else length) + header + data
    return MAGIC + hashlib.sha256(rest).digest() + rest


@hostile
@given(st.binary(max_size=200), st.binary(max_size=50), st.none() | st.integers(0, 2**32 - 1))
def test_a_sealed_file_with_a_hostile_header_is_refused(header: bytes, data: bytes, length: int | None) -> None:
    with pytest.raises(NotASave, match="."):
        unpack(sealed(header, data, length))


def test_a_file_that_is_too_large_is_refused_before_it_is_summed() -> None:
    with pytest.raises(NotASave, match="at most"):
        unpack(MAGIC + bytes(MAX_FILE_BYTES))


SDP = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\na=rtcp-mux\r\n"
    "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n"
    f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\na=rtpmap:96 H264/90000\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sctp-port:5000\r\n"
    "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n"
    f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\n"
)
LINES = SDP.split("\r\n")
WORDS = st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=30)
LINE = st.sampled_from(LINES) | st.builds("a={}:{}".format, WORDS, WORDS) | st.builds("m={}".format, WORDS) | WORDS


def test_the_whole_offer_is_read() -> None:
    assert read_offer(SDP.encode()).talks


@hostile
@given(
    st.lists(LINE, max_size=30).map(lambda lines: "\r\n".join(["v=0", *lines]).encode())
    | st.tuples(st.integers(0, len(LINES) - 1), LINE).map(
        lambda swap: "\r\n".join([*LINES[: swap[0]], swap[1], *LINES[swap[0] + 1 :]]).encode()
    )
    | st.binary(max_size=200)
)
def test_an_offer_is_read_or_refused(body: bytes) -> None:
    for talks in (True, False):
        try:
            offer = read_offer(body, talks)
        except OfferRefused as refused:
            assert refused.slug in ("malformed-sdp", "offer-refused") and len(refused.reason) < 400
        else:
            assert sum(media.kind == "video" for media in offer.parsed.media) == 1


def drawn(kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((48, 27)).convert("RGB").save(file, kind, **options)
    return file.getvalue()


PICTURES = (drawn("PNG"), drawn("JPEG"), drawn("JPEG", progressive=True), drawn("WEBP"), drawn("WEBP", lossless=True))
PATCHES = st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4)


def patched(picture: bytes, patches: list[tuple[int, bytes]]) -> bytes:
    """The picture, overwritten here and there."""
    for at, put in patches:
        at %= len(picture)
        picture = picture[:at] + put + picture[at + len(put) :]
    return picture


@pytest.mark.filterwarnings("ignore:.*(EXIF|ICC|TIFF|tag)")
@hostile
@given(
    st.builds(patched, st.sampled_from(PICTURES), PATCHES)
    | st.builds(lambda picture, cut: picture[: cut % len(picture)], st.sampled_from(PICTURES), st.integers(0, 4096))
    | st.builds(lambda picture, tail: picture[:40] + tail, st.sampled_from(PICTURES), st.binary(max_size=200))
    | st.binary(max_size=200)
)
def test_a_picture_is_made_fit_or_refused(data: bytes) -> None:
    try:
        png = fit(data)
    except PictureUnfit as unfit:
        assert str(unfit)
    else:
        assert Image.open(io.BytesIO(png)).size == (512, 288)


@hostile
@given(st.text(max_size=200))
def test_nothing_but_our_own_tokens_and_codes_count(text: str) -> None:
    tokens = Tokens(b"s" * 32)
    for read in (tokens.read_device, tokens.read_share):
        with pytest.raises(TokenRefused):
            read(text)
    assert normalise(text).isalpha() or not normalise(text)
    assert len(tokens.invite_digest(normalise(text))) == 32
    try:
        assert seconds(text) > 0
    except ValueError as error:
        assert "expected a span" in str(error)


def test_our_own_tokens_do_count() -> None:
    tokens = Tokens(b"s" * 32)
    assert tokens.read_device(tokens.sign_device("d")) == "d"
    assert tokens.read_share(tokens.sign_share(ShareToken("s", 1))) == ShareToken("s", 1)
    with pytest.raises(TokenRefused):
        Tokens(b"t" * 32).read_device(tokens.sign_device("d"))


@pytest.mark.soak
def test_ten_thousand_inputs_each() -> None:
    many(__file__)
