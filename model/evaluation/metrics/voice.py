"""Whether what synthetic voices say is understood, in voices and sentences that no training heard; it says nothing of
human ones. The ceiling is what was meant itself, the floor what another sentence got. Knows readings and sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.paths import cache_dir
from model.conditioning.text import TextEncoder
from model.evaluation.figures import Figure, Value, mean
from model.evaluation.records import Record, Records
from model.voice.batches import Background, Utterances
from model.voice.evaluation import KINDS, attributes, false_utterances
from model.voice.reader import Reader
from model.voice.sentences import meanings
from model.voice.utterances import kept_apart

SNRS_DB = (15, 5)
FILES = 1  # of 250 utterances
PER_MINUTES = 10


def in_ten_minutes(values: Sequence[Value]) -> float:
    """Of what happened in each of some minutes."""
    return PER_MINUTES * mean(list(values))


def _of_speech(snr_db: int) -> Iterator[Figure]:
    yield Figure(f"attributes_right_{snr_db}_db", "", "place, time and weather of the nearest of 300 captions", mean)
    yield Figure(f"named_right_{snr_db}_db", "", "just the place, time and weather that are said reach the world", mean)
    yield Figure(f"obeyed_{snr_db}_db", "", "the confidence is high enough", mean)
    yield Figure(f"right_of_obeyed_{snr_db}_db", "", "of those, right in all attributes", mean)


@dataclass(frozen=True)
class Voice:
    """See the module. `minutes`: of music, of noise and of foreign talk."""

    minutes: int = 10
    name: str = "voice"
    figures: tuple[Figure, ...] = (
        *(figure for snr_db in SNRS_DB for figure in _of_speech(snr_db)),
        *(Figure(f"false_{what}", "", "obeyed in ten minutes of it", in_ten_minutes, False) for what in KINDS),
    )

    def records(self, weights: Path, say: Callable[[str], None]) -> Records:
        """Of weights, of the ceiling and of the floor. Raises CheckpointError."""
        reader, spoken = Reader.load(weights), Utterances(cache_dir() / "utterances", Background([]), unseen=True)
        spoken.grow(FILES)
        made = Records([], [], [])
        bank = (kept_apart(), meanings(kept_apart(), TextEncoder.load()))
        for snr_db in SNRS_DB:
            for number, values in attributes(reader, spoken, bank, float(snr_db)):
                say(f"voice at {snr_db} dB: utterance {number + 1} of {spoken.count}")
                self._speech(made, f"utterance {number} at {snr_db} dB", snr_db, values)
        for what in KINDS:
            for minute, (obeyed, pieces) in enumerate(false_utterances(reader, what, self.minutes, 1)):
                say(f"voice: {what}, minute {minute + 1} of {self.minutes}")
                for records, count in zip(made, (obeyed, 0, pieces), strict=True):
                    records.append(self._record(f"{what}, minute {minute}", {f"false_{what}": float(count)}))
        return made

    def _speech(self, made: Records, name: str, snr_db: int, values: dict[str, float]) -> None:
        floor = {name.removesuffix(".floor"): values.pop(name) for name in list(values) if name.endswith(".floor")}
        floor["obeyed"] = 0.0
        ceiling = dict.fromkeys((*floor, "right_of_obeyed"), 1.0)
        for records, of in zip(made, (values, ceiling, floor), strict=True):
            records.append(self._record(name, {f"{key}_{snr_db}_db": value for key, value in of.items()}))

    def _record(self, name: str, values: dict[str, float]) -> Record:
        return {"metric": self.name, "case": name, "values": values, "over_time": {}, "strip": ""}
