"""The gateway's one secret and everything signed or hashed with it: device cookies, share tokens, invite digests.
Knows no store: whether a device or a share still counts is decided elsewhere."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

COOKIE = "mundo"
COOKIE_DAYS = 30


class TokenRefused(Exception):
    """The signature is not ours, or the content is not what we sign."""


@dataclass(frozen=True)
class ShareToken:
    """What a share link carries: which share, and the revocation version that it was made with."""

    share_id: str
    version: int


class Tokens:
    """Signs and checks. `secret` has at least 16 bytes."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 16:
            raise ValueError(f"a secret needs at least 16 bytes, this one has {len(secret)}")
        self._secret = secret
        self._device = URLSafeTimedSerializer(secret, salt="mundo.device")
        self._share = URLSafeSerializer(secret, salt="mundo.share")

    def sign_device(self, device_id: str) -> str:
        """The value of the device's cookie."""
        return str(self._device.dumps(device_id))

    def read_device(self, cookie: str) -> str:
        """The device of a cookie. Raises TokenRefused."""
        try:
            device_id = self._device.loads(cookie, max_age=COOKIE_DAYS * 86_400)
        except BadSignature as error:
            raise TokenRefused(str(error)) from error
        if not isinstance(device_id, str):
            raise TokenRefused(f"expected a device's name, got {type(device_id).__name__}")
        return device_id

    def sign_share(self, token: ShareToken) -> str:
        """The token of a share link."""
        return str(self._share.dumps([token.share_id, token.version]))

    def read_share(self, token: str) -> ShareToken:
        """The content of a share link's token. Raises TokenRefused."""
        try:
            share_id, version = self._share.loads(token)
        except (BadSignature, TypeError, ValueError) as error:
            raise TokenRefused(str(error)) from error
        return ShareToken(str(share_id), int(version))

    def invite_digest(self, code: str) -> bytes:
        """HMAC-SHA256 of a normalised invite code: all that the store keeps of it."""
        return hmac.new(self._secret, b"mundo.invite:" + code.encode(), hashlib.sha256).digest()


def load_secret(given: str, data_dir: Path) -> bytes:
    """The given secret, or the one kept in `data_dir`, made at the first call and readable by us alone."""
    if given:
        return given.encode()
    path = data_dir / "secret"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        secret = secrets.token_hex(32).encode()
        file.write(secret)
    return secret
