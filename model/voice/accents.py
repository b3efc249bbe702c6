"""English with other vowels: accents of no country, each drawn at random, so that a country's that training never hears
is not the first that is new. Knows espeak-ng's letters for sounds; nothing of voices."""

from __future__ import annotations

import re

import numpy as np

MOST, CONSONANT = 0.6, 0.12  # the largest share of the vowels that an accent moves; and of the consonants
# fmt: off
VOWELS = {  # and those near them
    "oU": ("O:", "o@", "U", "aU", "u:", "0"), "eI": ("E", "e@", "aI", "i:"), "aI": ("OI", "A:", "eI", "aa"),
    "aU": ("u:", "oU", "A:"), "OI": ("aI", "O:"), "i:": ("I", "eI"), "I": ("i:", "@", "E"), "I2": ("i:", "E", "@"),
    "I#": ("i:", "@"), "E": ("a", "I", "eI"), "a": ("E", "A:", "aa"), "aa": ("a", "A:"), "A:": ("a", "O:", "aa"),
    "0": ("O:", "A:", "oU"), "O:": ("oU", "0", "A:"), "V": ("U", "a", "@", "A:"), "U": ("u:", "V"), "u:": ("U", "i:"),
    "3:": ("E", "e@", "@", "o@", "U"), "3": ("V", "a", "E", "@"), "@": ("a", "E", "V", "I"),
    "@2": ("a", "E", "i:", "I"), "a#": ("E", "@", "V"), "i@": ("i:", "e@"), "e@": ("3:", "E", "eI"),
    "A@": ("a", "A:", "e@"), "O@": ("oU", "O:", "A@"), "o@": ("oU", "O:", "A@"), "i": ("I", "eI"),
}
CONSONANTS = {"T": ("t", "f"), "D": ("d", "v"), "N": ("n",), "h": ("",), "w": ("v",), "z": ("s",), "d": ("t",),
              "v": ("f",)}
WHOLE = ("tS", "dZ", "r-", "l#")  # letters that belong together and stay
# fmt: on
_SOUND = re.compile("|".join(re.escape(one) for one in sorted((*VOWELS, *CONSONANTS, *WHOLE), key=len, reverse=True)))


def accented(spelling: str, rng: np.random.Generator) -> str:
    """The same clause with each of its sounds as one accent has it."""
    share = float(rng.uniform(0, MOST))
    moved = {
        sound: str(rng.choice(near))
        for sounds, chance in ((VOWELS, share), (CONSONANTS, CONSONANT))
        for sound, near in sounds.items()
        if rng.uniform() < chance
    }
    return _SOUND.sub(lambda found: moved.get(found[0], found[0]), spelling)
