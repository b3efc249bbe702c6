"""Sound beside the simulator's, on worlds that no training heard. The ceiling is the same happenings in other noise,
the floor another world's sound. Knows renditions and recordings; refuses to know networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from configs.paths import cache_dir
from model.evaluation.figures import Figure
from model.evaluation.records import Record, Records
from model.evaluation.spectrograms import pair
from model.sound.evaluation import Rendition, as_recorded, rendered, total, values
from model.sound.networks import SoundNetworks
from model.sound.recordings import HELD_OUT, Recording, draw, held_out

RECORDINGS = 24
Render = Callable[[int, Recording], Rendition]


class Sound:
    """See the module."""

    name = "sound"
    figures: tuple[Figure, ...] = (
        Figure("envelope_correlation", "", "levels of 24 bands over time, a true sound through the tokenizer", total),
        Figure("onset_f1", "", "what begins, within two frames", total),
        Figure("click_ratio", "", "steepness at frames' borders over elsewhere, beside the truth's", total, False),
        Figure("repetition", "", "how much it is like itself some frames later, at most: 1 for a hum", total, False),
        Figure("listening_f1", "", "what the decoder hears in a true sound", total),
        Figure("imagined_repetition", "", "the same of the head's own sound", total, False),
        Figure("imagined_spectrum_db", "dB", "band levels of the head's own sound from the simulator's", total, False),
        Figure("imagined_listening_f1", "", "what is heard in the head's own sound, beside the simulator's", total),
    )

    def records(self, weights: Path, say: Callable[[str], None]) -> Records:
        """Of weights, of the ceiling and of the floor. Raises CheckpointError."""
        networks = SoundNetworks.load(weights)
        true = held_out(cache_dir() / "recordings", RECORDINGS)

        def by_networks(number: int, of: Recording) -> Rendition:
            say(f"sound {number + 1} of {RECORDINGS}")
            return rendered(networks, of, number)

        def in_other_noise(number: int, of: Recording) -> Rendition:
            return as_recorded(draw(HELD_OUT * number, noise=1))

        def of_another_world(number: int, of: Recording) -> Rendition:
            return as_recorded(true[number - 1])

        played = (partial(self._played, true, render) for render in (by_networks, in_other_noise, of_another_world))
        return Records(*(list(play()) for play in played))

    def _played(self, true: list[Recording], render: Render) -> Iterator[Record]:
        for number, of in enumerate(true):
            made = render(number, of)
            pcm = of.pcm.float() / 32767
            strip = pair(made.coded, pcm)
            yield {
                "metric": self.name,
                "case": f"world {HELD_OUT * number}",
                "values": values(of, made),
                "over_time": {},
                "strip": strip,
            }
