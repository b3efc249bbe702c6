"""How many cores a worker's networks use. Knows nothing of what runs on them."""

from __future__ import annotations

import torch

from model import native


def use_threads(count: int) -> None:
    """Set the threads of our kernels; 0 means one for each core that this process may use, up to a few.

    Torch is left the small products around them, which one thread does sooner than two that wait for each other.
    Without kernels it gets all threads.
    """
    native.use_threads(count)
    torch.set_num_threads(1 if native.available() else native.threads())
