"""How words are spelt."""

from __future__ import annotations

from model.conditioning.letters import BUCKETS, RUNS, runs, spelt


def test_a_word_shares_runs_of_letters_with_its_kin_and_few_with_others() -> None:
    def shared(one: str, other: str) -> int:
        return len(set(runs(one)) & set(runs(other)) - {0})

    assert shared("chuvoso", "chuvinha") >= 5 > 1 >= shared("chuvoso", "praia")
    for word in ("a", "nevoeiro", "anticonstitucionalissimamente"):
        assert len(runs(word)) == RUNS and min(runs(word)) >= 0 and max(runs(word)) < BUCKETS
        assert runs(word)[0] and len({*runs(word)} - {0}) == sum(map(bool, runs(word)))
    assert runs("mar") == runs("mar") != runs("mal")


def test_every_piece_of_a_word_is_told_by_the_whole_word() -> None:
    told = spelt(["[CLS]", "ne", "##voe", "##iro", "no", "mar", "[SEP]", "[PAD]"])
    assert told[1:6] == [runs("nevoeiro")] * 3 + [runs("no"), runs("mar")]
    assert told[0] == told[6] == told[7] == (0,) * RUNS
