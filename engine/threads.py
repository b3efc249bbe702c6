"""How many cores torch's products use. Knows nothing of what runs on them."""

from __future__ import annotations

import os

import torch


def use_threads(count: int) -> None:
    """Set torch's threads; 0 means one for each core that this process may use."""
    if count < 0:
        raise ValueError(f"threads is 0 (all cores) or more, not {count}")
    torch.set_num_threads(count or len(os.sched_getaffinity(0)))
