"""Asks the operator's hooks whether a text or a picture may reach a world.
Knows no text's meaning and no picture's; a hook that fails or takes too long refuses."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Callable
from typing import Any

import structlog

from server.channels import PromptUnfit
from server.settings import ModerationSettings

log = structlog.get_logger(__name__)

Hook = Callable[[Any], Any]
"""Takes a text, or a picture's bytes; returns None (or what awaits to None) when it may pass, or the reason for the
person. Plain functions run in a thread."""


class HookMissing(ValueError):
    """The configured hook cannot be loaded; the text names the setting."""


class Moderation:
    """A hook for texts and one for pictures, or none. Where texts are checked, no picture passes unchecked."""

    def __init__(self, settings: ModerationSettings) -> None:
        self._timeout_s = settings.timeout_s
        self._texts = load_hook("moderation.hook", settings.hook)
        self._pictures = load_hook("moderation.picture_hook", settings.picture_hook)

    @property
    def checks_texts(self) -> bool:
        """Whether there is a hook for texts."""
        return self._texts is not None

    @property
    def checks_pictures(self) -> bool:
        """Whether pictures need to be seen, or are refused unseen."""
        return self._pictures is not None or self.checks_texts

    async def check(self, text: str) -> None:
        """Let the text pass, or raise PromptUnfit with the reason."""
        if self._texts is not None and text:
            await self._ask(self._texts, text, "The text cannot be checked just now.")

    async def check_picture(self, png: bytes) -> None:
        """Let the picture pass, a PNG as messages.Open has it, or raise PromptUnfit with the reason."""
        if self._pictures is not None:
            await self._ask(self._pictures, png, "The picture cannot be checked just now.")
        elif self.checks_texts:
            raise PromptUnfit("prompt-refused", "Pictures cannot be checked here, so that none is taken.")

    async def _ask(self, hook: Hook, asked: str | bytes, failed: str) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                reason = await _answer(hook, asked)
        except Exception as error:  # the hook is another's code
            log.error("moderation failed", error=repr(error))
            raise PromptUnfit("prompt-refused", failed) from error
        if reason is not None:
            raise PromptUnfit("prompt-refused", reason)


async def _answer(hook: Hook, asked: str | bytes) -> str | None:
    answer = await hook(asked) if inspect.iscoroutinefunction(hook) else await asyncio.to_thread(hook, asked)
    if answer is not None and not isinstance(answer, str):
        raise TypeError(f"expected None or a reason from the hook, got {type(answer).__name__}")
    return answer


def load_hook(key: str, name: str) -> Hook | None:
    """The function behind "package.module:function", the value of a setting; None for "". Raises HookMissing."""
    if not name:
        return None
    module, _, attribute = name.partition(":")
    try:
        hook = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise HookMissing(f"{key}: expected package.module:function, got {name!r} ({error})") from error
    if not callable(hook):
        raise HookMissing(f"{key}: expected a function, {name!r} is a {type(hook).__name__}")
    return hook  # type: ignore[no-any-return]
