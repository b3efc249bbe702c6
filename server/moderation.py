"""Asks the operator's hook whether a text may reach a world.
Knows no text's meaning; a hook that fails or takes too long refuses."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Awaitable, Callable

import structlog

from server.channels import PromptUnfit
from server.settings import ModerationSettings

log = structlog.get_logger(__name__)

Hook = Callable[[str], "str | Awaitable[str | None] | None"]
"""Takes a text; returns None when it may pass, or the reason for the person. Plain functions run in a thread."""


class HookMissing(ValueError):
    """The configured hook cannot be loaded; the text names the setting."""


class Moderation:
    """One hook, or none."""

    def __init__(self, settings: ModerationSettings) -> None:
        self._timeout_s = settings.timeout_s
        self._hook = load_hook(settings.hook) if settings.hook else None

    @property
    def checks(self) -> bool:
        """Whether there is a hook."""
        return self._hook is not None

    async def check(self, text: str) -> None:
        """Let the text pass, or raise PromptUnfit with the reason."""
        if self._hook is None or not text:
            return
        try:
            async with asyncio.timeout(self._timeout_s):
                reason = await self._ask(self._hook, text)
        except Exception as error:  # the hook is another's code
            log.error("moderation failed", error=repr(error))
            raise PromptUnfit("prompt-refused", "The text cannot be checked just now.") from error
        if reason is not None:
            raise PromptUnfit("prompt-refused", reason)

    @staticmethod
    async def _ask(hook: Hook, text: str) -> str | None:
        if inspect.iscoroutinefunction(hook):
            answer = await hook(text)
        else:
            answer = await asyncio.to_thread(hook, text)
        if answer is not None and not isinstance(answer, str):
            raise TypeError(f"expected None or a reason from the hook, got {type(answer).__name__}")
        return answer


def load_hook(name: str) -> Hook:
    """The function behind "package.module:function". Raises HookMissing."""
    module, _, attribute = name.partition(":")
    try:
        hook = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise HookMissing(f"moderation.hook: expected package.module:function, got {name!r} ({error})") from error
    if not callable(hook):
        raise HookMissing(f"moderation.hook: expected a function, {name!r} is a {type(hook).__name__}")
    return hook  # type: ignore[no-any-return]
