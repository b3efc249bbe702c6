"""The frame tokenizer in the fastest arithmetic that this machine has. Knows what is faster; nothing of its use."""

from __future__ import annotations

import logging

import torch

from model.native import Unsupported
from model.tokenizer.frame import FrameTokenizer
from model.tokenizer.int8 import Int8Tokenizer, Ranges
from model.tokenizer.native import NativeTokenizer

Eyes = FrameTokenizer | Int8Tokenizer | NativeTokenizer
log = logging.getLogger(__name__)


def quick_tokenizer(tokenizer: FrameTokenizer, ranges: Ranges | None) -> Eyes:
    """In integers where this machine can, else as it is."""
    try:
        return NativeTokenizer(tokenizer)
    except Unsupported as why:
        if ranges is not None and torch.cpu._is_vnni_supported():
            log.warning("the tokenizer runs in torch's integers, about half as fast: %s", why)
            return Int8Tokenizer(tokenizer, ranges)
        log.warning("the tokenizer runs in floats, about five times slower: %s", why)
        return tokenizer.eval().requires_grad_(False)
