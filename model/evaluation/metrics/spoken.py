"""Whether what is said aloud is obeyed, from the microphone to the picture: sentences that no training heard, in
synthetic voices that none heard, over noise. Knows utterances and what they mean; nothing of who understands them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from configs.paths import cache_dir
from model.conditioning.state import PLACES, TIMES, WEATHERS
from model.evaluation.episodes import Player
from model.evaluation.figures import Case, Court, Figure, Size, balanced, mean
from model.evaluation.metrics.adherence import EVERY, LOOKS, SAID_AT, came_to, pictured, switched
from model.evaluation.prompts import Prompt
from model.evaluation.subjects import Sound
from model.voice.batches import Background, Utterances
from model.voice.utterances import kept_apart

CASES = 40
SNR_DB = 15.0
NAMES = (PLACES, TIMES, WEATHERS)
FIRST_SCENE = 1500  # so far from the scenes of typed prompts


@dataclass(frozen=True)
class Utterance:
    """What is said, what it means, and how it sounds, [S] at 16 kHz."""

    prompt: Prompt
    sound: Sound


@cache
def utterances() -> tuple[Utterance, ...]:
    """The first CASES that ask for a time or a weather of a world that stands. Raises EspeakMissing."""
    made, sentences = Utterances(cache_dir() / "utterances", Background([]), unseen=True), kept_apart()
    made.grow(1)
    out: list[Utterance] = []
    for index in range(made.count):
        sound, sentence, _ = made.speech(index, SNR_DB)
        if sentence < 0 or len(out) == CASES:
            continue
        said = sentences[sentence]
        place, time, weather = (names[i] if i >= 0 else "" for names, i in zip(NAMES, said.labels, strict=True))
        if time or weather:
            start = {"place": place, "time": "night" if time == "day" else "day", "weather": "clear"}
            if weather == "clear":
                start["weather"] = "rain"
            asked = {"time": time, "weather": weather}
            out.append(Utterance(Prompt(said.text, said.language, start, {k: v for k, v in asked.items() if v}), sound))
    return tuple(out)


class Spoken:
    """See the module."""

    name = "spoken"
    figures: tuple[Figure, ...] = (
        Figure("spoken_adherence", "", "what is said aloud is seen 4 s later", balanced, rests_on=("time", "weather")),
        Figure("spoken_switch_s", "s", "from its end until it is seen", mean, False, rests_on=("time", "weather")),
    )

    def names(self, size: Size) -> list[str]:
        return [f"utterance {n}: {one.prompt.text}" for n, one in enumerate(utterances())]

    def frames(self, number: int, size: Size) -> int:
        return SAID_AT + EVERY * LOOKS

    def case(self, number: int, size: Size, player: Player, court: Court) -> Case:
        said = utterances()[number]
        episode = switched(FIRST_SCENE + number, said.prompt, said.sound)
        shown = player.play(episode)
        rows, seconds = came_to(said.prompt, episode, shown, court.judges)
        values = {"spoken_adherence": rows or None, "spoken_switch_s": max(seconds) if seconds else None}
        return pictured(self.names(size)[number], values, episode, shown, court)
