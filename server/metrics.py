"""What an operator's Prometheus reads: totals of this gateway, no label a session or person.
Knows numbers only; who counts calls here."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

MILLISECONDS = (2, 5, 10, 20, 30, 40, 60, 100, 200, 500, 1000)
SECONDS = (0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5)


class Metrics:
    """One gateway's figures; each gateway has its own registry."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.sessions = Gauge("mundo_sessions", "Sessions by state", ["state"], registry=registry)
        self.peers = Gauge("mundo_peers", "Connections by role", ["role"], registry=registry)
        self.queue = Gauge("mundo_queue_length", "Sessions that wait for a place", registry=registry)
        self.capacity = Gauge("mundo_worker_capacity", "Worlds at a time; 0: no worker", registry=registry)
        self.frames = Counter("mundo_frames", "Frames that came from workers", registry=registry)
        self.frame_bytes = Counter("mundo_frame_bytes", "Encoded bytes that came from workers", registry=registry)
        self.drops = Counter("mundo_frames_skipped", "Frames that slow peers did not get", registry=registry)
        self.losses = Counter("mundo_worker_losses", "Workers that died or hung", registry=registry)
        self.saves = Counter("mundo_saves", "Saves of worlds", ["outcome"], registry=registry)
        self.refused = Counter("mundo_texts_refused", "Texts and pictures that reached no world", registry=registry)
        self.step_ms = Histogram(
            "mundo_step_milliseconds", "Sampling of a frame, means a second", buckets=MILLISECONDS, registry=registry
        )
        self.obeyed_s = Histogram(
            "mundo_input_to_packet_seconds",
            "From a control's arrival to the packet of the first frame that obeyed it; the line's time comes on top",
            buckets=SECONDS,
            registry=registry,
        )

        self.photon_s = Histogram(
            "mundo_input_to_photon_seconds",
            "From a driver's press to the first shown frame that obeyed it, as browsers measure and tell it",
            buckets=SECONDS,
            registry=registry,
        )
        self.look_s = Histogram(
            "mundo_look_to_photon_seconds",
            "From a driver's look to the first shown frame that turned by it, as browsers measure and tell it",
            buckets=SECONDS,
            registry=registry,
        )

    def came(self, size: int) -> None:
        """A frame of so many bytes came from a worker."""
        self.frames.inc()
        self.frame_bytes.inc(size)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)
