"""Which lost packets are sent again: on a line that is full, every packet sent twice makes the next one be lost.
Knows names and sizes of packets; the time, of any one clock, is an argument."""

from __future__ import annotations

from collections import OrderedDict

SHARE = 0.25  # of what was sent
MOST_BYTES = 64 << 10  # at once: a keyframe that was lost as a whole
AGAIN_AFTER_S = (
    0.1  # a browser asks again and again, each 10 ms where its idea of the round trip is that of a quiet line
)
TIMES = 3
REMEMBERED = 1024

PacketName = tuple[int, int]  # sequence number and timestamp: numbers come again after 65,536 packets


class Retransmissions:
    """Those of one receiver."""

    def __init__(self) -> None:
        self._left = float(MOST_BYTES)
        self._sent: OrderedDict[PacketName, tuple[int, float]] = OrderedDict()  # how often, when last
        self.refused = 0

    def earn(self, size: int) -> None:
        """So many bytes left for the first time."""
        self._left = min(MOST_BYTES, self._left + SHARE * size)

    def take(self, name: PacketName, size: int, round_trip_s: float, now: float) -> bool:
        """Whether the packet is sent again now; it is counted if it is."""
        times, at = self._sent.get(name, (0, -AGAIN_AFTER_S))
        if times >= TIMES or (times and now - at < max(AGAIN_AFTER_S, round_trip_s)) or size > self._left:
            self.refused += 1
            return False
        self._left -= size
        self._sent[name] = (times + 1, now)
        self._sent.move_to_end(name)
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)
        return True
