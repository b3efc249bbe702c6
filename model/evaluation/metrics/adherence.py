"""Whether words are obeyed, and how soon: what judges see in the picture after a prompt, beside what it asks for.
Only what can be seen counts: nobody tells clear from overcast at night, nor dawn from dusk behind clouds."""

from __future__ import annotations

import numpy as np
import torch

from model.evaluation.episodes import Episode, Player, Shots
from model.evaluation.figures import Case, Court, Figure, Rows, Size, Value, balanced, mean
from model.evaluation.judge_examples import visible
from model.evaluation.judges import ATTRIBUTES, Judges
from model.evaluation.pictures import look
from model.evaluation.prompts import Prompt
from model.evaluation.scenes import scene
from model.evaluation.subjects import Act, Scene, Sound, Wish
from model.worlds.walker import Controls

SAID_AT, EVERY, LOOKS = 9, 8, 12  # the frame that first hears the prompt; frames between looks; looks after it
LAST = 3  # looks that say what it came to
STEADY = 2  # looks in a row that show it
HORIZON_S = EVERY * LOOKS / 24
FRESH_FRAMES = 16  # of a world that begins with its prompt
STROLL = Act(Controls(look_x=0.01))


class Adherence:
    """See the module."""

    name = "prompts"
    figures: tuple[Figure, ...] = (
        Figure("prompt_adherence", "", "what is asked for is seen 4 s later", balanced, rests_on=tuple(ATTRIBUTES)),
        Figure(
            "prompt_switch_s",
            "s",
            "until what is asked for is seen",
            mean,
            higher_is_better=False,
            rests_on=("time", "weather"),
        ),
    )

    def __init__(self, prompts: list[Prompt], by_language: bool = False):
        self._prompts = prompts
        if by_language:
            languages = sorted({prompt.language for prompt in prompts})
            self.figures += tuple(
                Figure(
                    f"prompt_adherence_{name}", "", f"the same, said in {name!r}", balanced, rests_on=tuple(ATTRIBUTES)
                )
                for name in languages
            )

    def names(self, size: Size) -> list[str]:
        return [f"prompt {n}: {self._prompts[n].text}" for n in self._chosen(size)]

    def _chosen(self, size: Size) -> list[int]:
        """Some of those said to a living world and some that begin one, evenly out of the file."""
        out: list[int] = []
        for some, count in ((True, size.prompts), (False, size.fresh)):
            numbers = [n for n, prompt in enumerate(self._prompts) if bool(prompt.start) == some]
            at = np.linspace(0, len(numbers) - 1, min(count, len(numbers))).round().astype(int)
            out += [numbers[i] for i in at]
        return out

    def frames(self, number: int, size: Size) -> int:
        return SAID_AT + EVERY * LOOKS if self._prompts[self._chosen(size)[number]].start else FRESH_FRAMES

    def case(self, number: int, size: Size, player: Player, court: Court) -> Case:
        chosen = self._chosen(size)[number]
        prompt = self._prompts[chosen]
        episode = told(chosen, prompt) if not prompt.start else switched(chosen, prompt)
        shown = player.play(episode)
        rows, seconds = came_to(prompt, episode, shown, court.judges)
        values = {
            "prompt_adherence": rows or None,
            f"prompt_adherence_{prompt.language}": rows or None,
            "prompt_switch_s": max(seconds) if seconds and prompt.start else None,
        }
        return pictured(f"prompt {chosen}: {prompt.text}", values, episode, shown, court)


def came_to(prompt: Prompt, episode: Episode, shown: Shots, judges: Judges) -> tuple[Rows, list[float]]:
    """What was asked for beside what is seen at the end, and after how many seconds each of it is seen."""
    looked = [frame for frame in episode.looked if frame >= (SAID_AT if prompt.start else 0)]
    claims = judges.read(look([shown[f] for f in looked]))
    rows: Rows = []
    seconds: list[float] = []
    for kind in judged(prompt, judges):
        wanted = ATTRIBUTES[kind].index(prompt.expect[kind])
        end = int(claims[kind][-LAST:].mean(0).argmax())
        rows.append([f"{kind} {prompt.expect[kind]}", f"{kind} {ATTRIBUTES[kind][end]}"])
        seconds.append(switch_s((claims[kind].argmax(1) == wanted).tolist()))
    return rows, seconds


def pictured(name: str, values: dict[str, Value], episode: Episode, shown: Shots, court: Court) -> Case:
    """A case with six of its frames, beside the true ones."""
    true = court.truth.play(episode)
    kept = [episode.looked[i] for i in np.linspace(0, len(episode.looked) - 1, 6).astype(int)]
    return Case(name, values, {f: shown[f] for f in kept}, {f: true[f] for f in kept})


def judged(prompt: Prompt, judges: Judges) -> list[str]:
    """What of a prompt can be seen at all, by judges that can be relied on (by any, when there is none)."""
    time, weather = prompt.after("time") or "day", prompt.after("weather") or "clear"
    here = torch.tensor([ATTRIBUTES["time"].index(time)]), torch.tensor([ATTRIBUTES["weather"].index(weather)])
    asked = [kind for kind, seen in visible(*here).items() if seen and kind in prompt.expect]
    reliable = [kind for kind in asked if judges.usable(kind)]
    return reliable if any(judges.usable(kind) for kind in ATTRIBUTES) else asked


def switch_s(seen: list[bool]) -> float:
    """Seconds from the prompt to the first of STEADY looks in a row that show it; the horizon when there is none."""
    for i in range(len(seen) - STEADY + 1):
        if all(seen[i : i + STEADY]):
            return i * EVERY / 24
    return HORIZON_S


def switched(number: int, prompt: Prompt, spoken: Sound | None = None) -> Episode:
    """A stroll in the scene that the prompt starts from; it is said after a while, aloud where it is `spoken`."""
    here = scene(
        500 + number,
        prompt.start.get("time", "day"),
        prompt.start.get("weather", "clear"),
        prompt.start.get("place", ""),
    )
    wish = Wish(prompt.text, prompt.expect.get("time", ""), prompt.expect.get("weather", ""), spoken=spoken)
    acts = [STROLL] * (SAID_AT - 1) + [Act(STROLL.controls, wish)] + [STROLL] * (EVERY * LOOKS)
    looked = (0, *(SAID_AT + EVERY * i for i in range(LOOKS + 1)))
    return Episode(f"prompt {number}", here, tuple(acts), looked)


def told(number: int, prompt: Prompt) -> Episode:
    """A world that begins with the prompt."""
    expect = prompt.expect
    here = scene(500 + number, expect.get("time", "day"), expect.get("weather", "clear"), expect.get("place", ""))
    fresh = Scene(here.world, here.place, here.walk, here.sky, prompt.text, here.clock, told=True)
    return Episode(f"prompt {number}", fresh, (STROLL,) * FRESH_FRAMES, (0, 4, 8, 12, FRESH_FRAMES))
