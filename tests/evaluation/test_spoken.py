"""What is said aloud goes through the microphone's ear and the voice encoder before a world obeys it."""

import numpy as np
import pytest

from engine import evaluate
from engine.listening import load_listening
from engine.models import Models
from model.evaluation.figures import QUICK
from model.evaluation.metrics.spoken import CASES, Spoken, utterances
from model.evaluation.scenes import scene
from model.evaluation.subjects import Act, Beginning, Wish
from model.omni import OmniConfig
from model.voice.utterances import to_learn


@pytest.fixture(scope="module")
def models() -> Models:
    return Models.random(OmniConfig(layers=2, hidden=64, time_every=2, window=3))


def said_to(world: evaluate.Omni, sound: np.ndarray) -> str:
    """The prompt in force after it."""
    world.reset(Beginning(scene(3, "day", "clear")))
    world.step(Act(say=Wish("nobody reads this", spoken=sound)))
    assert world._world is not None
    return world._world._prompt.text


def test_utterances_ask_for_what_is_not_there_yet_in_sentences_that_nobody_learned():
    learned, said = {one.text for one in to_learn()}, utterances()
    assert len(said) == CASES == len(Spoken().names(QUICK))
    for one in said:
        asked, there = one.prompt.expect, one.prompt.start
        assert asked and any(there[kind] != name for kind, name in asked.items())
        assert one.prompt.text not in learned and np.abs(one.sound).max() <= 1


def test_a_world_obeys_what_it_hears_and_no_noise(models):
    world = evaluate.Omni(models, load_listening())
    before = scene(3, "day", "clear").prompt
    heard = [said_to(world, one.sound) for one in utterances()[:4]]
    assert sum(text != before for text in heard) >= 2 and "nobody reads this" not in heard
    assert said_to(world, np.random.default_rng(0).normal(0, 0.05, 32_000).astype(np.float32)) == before


def test_without_a_voice_encoder_nothing_is_measured(models):
    with pytest.raises(evaluate.command.EvaluationError, match="voice encoder"):
        said_to(evaluate.Omni(models), utterances()[0].sound)
