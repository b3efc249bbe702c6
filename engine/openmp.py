"""How OpenMP's threads wait for each other: asleep. Imported before torch, since it is read when torch is loaded.
Knows nothing else.

By default they wait in a busy loop. Beside anything that wants the same cores (an encoder, a browser) a thread
that waits then keeps out the one that it waits for: measured on two busy cores, a frame cost 590 core-milliseconds at
1.1 frames a second by default, and 115 to 147 at 3 to 7 frames a second asleep."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
