"""English words for places, times and weathers, and the sentences they stand in.
Knows what each label may be called; never adds what a label does not say."""

from __future__ import annotations

from model.worlds.phrases import Noun, PhraseBook


def _nouns(*specs: str) -> tuple[Noun, ...]:
    """'in meadow'; a '+' marks a plural ('in +mountains'), a '!' a noun with 'the' only ('on !moon')."""
    nouns = []
    for spec in specs:
        preposition, name = spec.split(" ", 1)
        indefinite = "" if name.startswith("+") else "@"
        nouns.append(
            Noun(
                name.lstrip("+!"),
                (indefinite, "the"),
                (f"{preposition} {indefinite}".strip(), f"{preposition} the"),
                name.startswith("!"),
            )
        )
    return tuple(nouns)


PLACES = {
    "meadow": _nouns("in meadow", "in grassy meadow", "in field of grass", "in +grasslands", "on grassy plain",
                     "in +meadows", "in field", "in pasture"),
    "forest": _nouns("in forest", "in +woods", "in woodland", "among !trees of a forest", "in wood"),
    "desert": _nouns("in desert", "in sandy desert", "among +sand dunes", "in +dunes", "in desert landscape",
                     "in sea of sand", "in sandy wasteland"),
    "mountains": _nouns("in +mountains", "among +mountains", "in mountain landscape", "in mountain range",
                        "among +mountain peaks", "in +alps", "in mountain valley", "in +highlands"),
    "coast": _nouns("on coast", "by !sea", "on beach", "on shore", "at !seaside", "on coastline", "by !ocean",
                    "on seashore", "at !water's edge by the sea"),
    "canyon": _nouns("in canyon", "in rocky canyon", "in gorge", "in ravine", "between !walls of a canyon"),
    "town": _nouns("in town", "in small town", "in village", "in !streets of a town", "among !houses of a town"),
    "moon": _nouns("on !moon", "on !surface of the moon", "in lunar landscape", "on lunar plain"),
}  # fmt: skip

TIMES: dict[str, dict[str, tuple[str, ...]]] = {
    "dawn": {
        "noun": ("dawn", "sunrise", "daybreak", "early morning", "first light", "dawn"),
        "the": ("dawn", "sunrise", "daybreak", "the early morning", "the break of day", "first light"),
        "at": ("at dawn", "at sunrise", "at daybreak", "in the early morning", "at first light",
               "as the sun rises", "as day breaks", "early in the morning", "at the break of day"),
        "adj": ("dawn", "early-morning", "sunrise"),
        "is": ("it is dawn", "the sun is rising", "the sun is coming up", "day is breaking", "it is early morning",
               "the sun is just above the horizon in the morning", "dawn is breaking", "the day is just beginning"),
        "do": ("the sun rises", "the sun comes up", "let the sun rise", "let the sun come up", "make the sun rise",
               "dawn breaks", "day breaks", "here comes the sunrise", "the night ends", "let the night end",
               "let the day begin", "the first light appears", "morning comes", "wake the sun", "raise the sun",
               "start the day", "bring the morning", "let morning come", "it is getting light", "it gets light",
               "good morning", "the night is over", "show me the sunrise", "watch the sun rise", "a new day begins"),
    },
    "day": {
        "noun": ("day", "daytime", "noon", "midday", "broad daylight", "daylight", "day"),
        "the": ("day", "daytime", "noon", "midday", "daylight", "broad daylight", "the middle of the day"),
        "at": ("by day", "during the day", "at noon", "at midday", "in daylight", "in the daytime",
               "in broad daylight", "in the middle of the day", "with the sun high up"),
        "adj": ("daytime", "daylit", "midday", "noonday"),
        "is": ("it is day", "it is daytime", "it is noon", "it is midday", "it is the middle of the day",
               "the sun is high", "it is broad daylight", "daylight is all around"),
        "do": ("make it light", "make it daylight", "let there be light", "the sun climbs high", "let it be bright day",
               "turn on the daylight", "bring back the day", "bring back the daylight", "give me daylight",
               "move the sun up high", "put the sun high in the sky", "noon comes", "it is day now", "back to daytime",
               "make it the middle of the day", "skip to noon", "let the day come", "the day has come",
               "full daylight"),
    },
    "dusk": {
        "noun": ("dusk", "sunset", "twilight", "evening", "nightfall", "sundown", "dusk"),
        "the": ("dusk", "sunset", "twilight", "the evening", "sundown", "the end of the day"),
        "at": ("at dusk", "at sunset", "in the evening", "at twilight", "at sundown", "as the sun sets",
               "as the day ends", "in the twilight", "at the end of the day", "as the light fades"),
        "adj": ("dusky", "twilit", "evening", "sunset"),
        "is": ("it is dusk", "the sun is setting", "the sun is going down", "evening has come", "it is evening",
               "twilight has come", "the day is ending", "the light is fading", "the sun is low in the evening"),
        "do": ("the sun sets", "the sun goes down", "let the sun set", "let the sun go down", "make the sun set",
               "evening comes", "evening falls", "dusk falls", "dusk settles", "the day ends", "let the day end",
               "the light fades", "let the light fade", "lower the sun", "end the day", "twilight comes",
               "it is getting dark", "it gets dark", "bring the evening", "let evening come", "show me the sunset",
               "watch the sun set", "good evening", "let the sun sink", "the sun sinks", "make it a sunset"),
    },
    "night": {
        "noun": ("night", "night-time", "midnight", "nighttime", "night", "the dead of night"),
        "the": ("night", "night-time", "midnight", "the night", "the middle of the night", "the dark of night"),
        "at": ("at night", "by night", "at midnight", "in the night", "in the middle of the night",
               "during the night", "in the dark of night", "late at night", "after dark", "after nightfall"),
        "adj": ("night-time", "nocturnal", "dark", "midnight"),
        "is": ("it is night", "night has fallen", "it is night-time", "it is the middle of the night",
               "it is dark", "it is midnight", "the sun is long gone", "it is late at night"),
        "do": ("night falls", "let night fall", "let the night fall", "let the night come", "make it dark",
               "make night fall", "night comes", "the night comes", "bring the night", "darkness falls",
               "let darkness fall", "turn off the sun", "switch off the sun", "let it get dark",
               "turn day into night", "the sky goes dark", "bring the darkness", "the sun is gone", "go to night",
               "midnight strikes", "let it be dark", "good night", "it is night now", "skip to the night"),
    },
}  # fmt: skip

WEATHERS: dict[str, dict[str, tuple[str, ...]]] = {
    "clear": {
        "noun": ("clear sky", "clear skies", "clear weather", "a clear sky", "a cloudless sky", "cloudless skies",
                 "fair weather", "fine weather"),
        "in": ("under a clear sky", "under clear skies", "in clear weather", "with a clear sky", "with no clouds",
               "beneath a cloudless sky", "in fair weather", "with not a cloud in the sky", "in fine weather"),
        "adj": ("cloudless", "clear-skied"),
        "pred": ("clear", "cloudless", "fair"),
        "verb": ("clear up", "clear"),
        "is": ("the sky is clear", "there are no clouds", "there is not a cloud in the sky", "the weather is fine",
               "the weather is clear", "the skies are clear", "the air is clear", "it is clear"),
        "do": ("the fog lifts", "bring the sun back", "the sky clears", "the clouds part", "let the clouds part",
               "the rain stops", "stop the rain", "stop the snow", "the snow stops", "the storm passes",
               "end the storm", "let the sky clear", "clear the sky", "clear the fog", "remove the clouds",
               "take away the clouds", "no more rain", "no more snow", "no more fog", "no more clouds",
               "let it be sunny",
               "make it sunny", "let the sun out", "the sun comes out", "bring out the sun", "blow the clouds away",
               "the weather clears up", "it stops raining", "it stops snowing", "the bad weather ends",
               "let the fog lift", "make the fog go away", "good weather please", "the mist clears"),
    },
    "overcast": {
        "noun": ("clouds", "an overcast sky", "a cloudy sky", "grey clouds", "overcast skies", "cloudy skies",
                 "cloudy weather", "a grey sky", "cloud cover"),
        "in": ("under an overcast sky", "under grey clouds", "under a cloudy sky", "in cloudy weather",
               "under a grey sky", "beneath the clouds", "with clouds covering the sky", "under a blanket of clouds",
               "with an overcast sky"),
        "adj": ("overcast", "cloudy", "grey", "clouded", "sunless"),
        "pred": ("overcast", "cloudy", "grey"),
        "verb": ("cloud over", "get cloudy", "become overcast", "turn grey"),
        "is": ("the sky is overcast", "it is cloudy", "it is overcast", "clouds cover the sky", "the sky is grey",
               "the sky is full of clouds", "the weather is cloudy", "grey clouds hang overhead"),
        "do": ("clouds roll in", "the clouds gather", "let clouds cover the sky", "cover the sky with clouds",
               "hide the sun behind clouds", "fill the sky with clouds", "the sky clouds over", "the sky turns grey",
               "let the clouds come", "make the sky grey", "clouds move in", "gather the clouds", "more clouds",
               "cover the sun", "put clouds over everything", "dull the sky", "cloud the sky"),
    },
    "fog": {
        "noun": ("fog", "mist", "fog", "foggy weather", "misty air", "a bank of fog"),
        "in": ("in the fog", "in fog", "in the mist", "shrouded in fog", "wrapped in mist", "hidden in fog",
               "lost in the fog", "covered in mist", "in foggy weather", "with fog all around", "veiled in mist"),
        "adj": ("foggy", "misty", "fog-bound", "mist-covered", "foggy"),
        "pred": ("foggy", "misty"),
        "verb": ("get foggy", "fog up", "get misty", "become foggy"),
        "is": ("it is foggy", "fog covers everything", "it is misty", "there is fog everywhere", "the air is foggy",
               "mist hangs in the air", "fog hangs over the ground", "the distance is lost in fog"),
        "do": ("fog rolls in", "let the fog roll in", "the fog comes in", "mist rises", "cover everything in fog",
               "fill the air with mist", "let the mist rise", "wrap it in fog", "let the fog come", "fog descends",
               "hide everything in fog", "let mist drift in", "the world disappears in fog", "fill it with fog",
               "a fog settles", "lower the fog", "send in the fog", "the mist thickens"),
    },
    "rain": {
        "noun": ("rain", "rainfall", "rainy weather", "falling rain", "a shower of rain", "rain", "raindrops"),
        "in": ("in the rain", "in rain", "in rainy weather", "with rain falling", "in the falling rain",
               "while it rains", "as rain falls", "in wet weather", "under rain clouds with rain falling"),
        "adj": ("rainy", "rain-soaked", "wet", "rainswept", "rainy"),
        "pred": ("rainy", "wet"),
        "verb": ("rain", "rain", "pour", "start raining"),
        "is": ("it is raining", "rain is falling", "it rains", "the rain comes down", "rain falls from the sky",
               "it is rainy", "raindrops are falling", "the weather is rainy"),
        "do": ("make it rain", "let it rain", "rain begins to fall", "the rain comes", "let the rain fall",
               "open the heavens", "it starts to rain", "start the rain", "let it pour", "rain falls", "rain down",
               "send rain", "let there be a shower", "raindrops start to fall", "here comes the rain",
               "water falls from the sky", "i need an umbrella", "it should rain", "it begins raining"),
    },
    "snow": {
        "noun": ("snow", "snowfall", "falling snow", "snowy weather", "snow", "snowflakes"),
        "in": ("in the snow", "in snow", "in falling snow", "with snow falling", "while it snows", "as snow falls",
               "in snowy weather", "under falling snowflakes", "covered in snow", "with snowflakes in the air"),
        "adj": ("snowy", "snow-covered", "wintry", "snowy", "snowbound"),
        "pred": ("snowy", "wintry"),
        "verb": ("snow", "snow", "start snowing"),
        "is": ("it is snowing", "snow is falling", "it snows", "snow falls from the sky", "snowflakes are falling",
               "it is snowy", "the snow comes down", "there is snow in the air"),
        "do": ("let it snow", "make it snow", "snow begins to fall", "it starts to snow", "let the snow fall",
               "bring the winter", "snow falls", "cover it in snow", "let snowflakes fall", "start the snow",
               "turn it into winter", "winter comes", "the first snowflakes fall", "send snow", "cover all in snow",
               "turn the rain into snow", "here comes the snow", "it begins snowing", "fill the air with snowflakes"),
    },
    "storm": {
        "noun": ("a storm", "storm", "a thunderstorm", "stormy weather", "thunder and lightning", "a tempest"),
        "in": ("in a storm", "in the storm", "in a thunderstorm", "in stormy weather", "under storm clouds",
               "with a storm raging", "during a storm", "as a storm rages"),
        "adj": ("stormy", "storm-swept", "tempestuous", "storm-lashed"),
        "pred": ("stormy",),
        "verb": ("storm", "get stormy", "thunder"),
        "is": ("a storm is raging", "it is stormy", "there is a storm", "the storm rages", "a thunderstorm is here",
               "the weather is stormy", "storm clouds fill the sky", "it storms"),
        "do": ("a storm comes", "bring a storm", "let the storm come", "a storm breaks", "unleash a storm",
               "start a thunderstorm", "let it storm", "a thunderstorm breaks out", "summon a storm", "let it thunder",
               "thunder rolls", "bring thunder and lightning", "the storm arrives", "send a storm", "a tempest rises",
               "storm clouds gather and break", "raise a storm"),
    },
}  # fmt: skip

BOTH = {
    "adj": ("{w_adj} {t_adj}", "{w_adj}, {t_adj}", "{t_adj}, {w_adj}"),
    "noun": ("{w_adj} {t_noun}", "{w_pred} {t_noun}", "{t_noun} with {w_noun}", "{t_noun} and {w_noun}"),
    "in": ("{w_in} {t_at}", "{t_at} {w_in}", "{t_at}, {w_in}", "{w_in}, {t_at}"),
    "is": ("{t_is} and {w_is}", "{w_is} and {t_is}", "{w_is} {t_at}", "{t_at} {w_is}", "{t_is}, {w_is}"),
    "day clear adj": ("sunny", "sunlit", "bright sunny", "sun-drenched"),
    "day clear noun": ("sunny day", "bright sunny day", "clear sunny day", "cloudless day", "sunshine"),
    "day clear in": ("in the sunshine", "under a blue sky", "in bright sunshine", "on a sunny day"),
    "day clear is": ("the sun is shining", "it is sunny", "the sky is blue", "the sun shines in a blue sky"),
    "night clear adj": ("starlit", "starry", "starlit"),
    "night clear noun": ("starry night", "clear night", "starlit night", "night full of stars", "starry sky"),
    "night clear in": ("under the stars", "beneath a starry sky", "on a starry night", "in the starlight"),
    "night clear is": ("the stars are out", "stars fill the night sky", "the night is clear and starry"),
    "dawn clear noun": ("clear sunrise", "clear morning"),
    "dusk clear noun": ("clear sunset", "clear evening"),
    "dawn fog noun": ("morning mist", "misty morning", "foggy morning"),
    "dusk fog noun": ("foggy evening", "misty evening"),
    "day overcast noun": ("grey day", "cloudy day", "dull overcast day"),
    "day rain noun": ("rainy day", "wet day"),
    "night rain noun": ("rainy night", "wet night"),
    "day snow noun": ("snowy day", "winter day with falling snow"),
    "night snow noun": ("snowy night", "winter night with falling snow"),
    "night storm noun": ("stormy night", "dark and stormy night"),
    "night fog noun": ("foggy night", "misty night"),
    "night overcast noun": ("cloudy night", "starless night under clouds"),
}

_SEE = (
    "[|a view of|a picture of|show me|take me to|imagine|i want to see|i see|we see|a landscape:|generate|let me see]"
)
_BE = (
    "[you are|i am|we are|you stand|i stand|standing|walking|wandering|you find yourself|you walk|i walk|put me|"
    "a walk|somewhere|out|i want to be|let me be|let us walk|strolling|we wander]"
)
_WITH = "[with|where there is|and|, with|in]"

STATES = {
    "p": (f"{_SEE} {{np}}", f"{_BE} {{at}}", "{word}", "{np}, as far as the eye can see", f"{_SEE} {{np}}"),
    "t": ("{t_is}", "{t_noun}", "[this is|here it is|now it is|the time is] {t_the}", "{t_is}",
          "[a walk|out|somewhere|a place|the world|a landscape] {t_at}"),
    "w": ("{w_is}", "{w_noun}", "[a walk|out|somewhere|a place|the world|a landscape] {w_in}", "{w_is}",
          "[the weather: |a place with|a world with|nothing but] {w_noun}", "@ {w_pred} [place|landscape|world]"),
    "pt": (f"{_SEE} {{np}} {{t_at}}", f"{_SEE} {{np_t}}", f"{_BE} {{at}} {{t_at}}", "{word}, {t_noun}",
           "{t_noun} {at}", "{t_at} {at}", "{t_is} {at}", f"{_BE} {{at_t}}", "{np} and {t_is}", "{word} {t_at}",
           "{t_noun}, {word}", f"{{t_at}}, {_BE} {{at}}", "{np}. {t_is}"),
    "pw": (f"{_SEE} {{np}} {{w_in}}", f"{_SEE} {{np_w}}", f"{_BE} {{at}} {{w_in}}", "{word}, {w_noun}",
           "{w_noun} {at}", "{w_is} {at}", f"{_BE} {{at_w}}", f"{{np}} {_WITH} {{w_noun}}", "{word} {w_in}",
           "{w_noun}, {word}", f"{{w_in}}, {_BE} {{at}}", "{np}. {w_is}", "{word_w}", "{np} and {w_is}"),
    "tw": ("{tw_is}", "{tw_noun}", "@ {w_pred} {t_noun}", "[a walk|out|somewhere|a place|the world] {tw_in}",
           "[on|during] @ {w_pred} {t_noun}", "{t_noun}, {w_noun}", "{w_noun}, {t_noun}", "{tw_is}", "{tw_in}"),
    "ptw": (f"{_SEE} {{np_w}} {{t_at}}", f"{_SEE} {{np}} {{tw_in}}", f"{_BE} {{at_w}} {{t_at}}",
            f"{_BE} {{at}} {{tw_in}}", "{word}, {t_noun}, {w_noun}", "{word}, {tw_noun}", "{tw_noun} {at}",
            f"{_SEE} {{np_tw}}", f"{_BE} {{at_tw}}", f"{_SEE} {{np_t}} {{w_in}}", f"{_SEE} {{np_t}} with {{w_noun}}",
            "{tw_is} {at}", "{t_at}, {w_is} {at}", "{np}. {tw_is}", "{w_noun}, {t_noun}, {word}", "{tw_noun}, {word}",
            f"{{tw_in}}, {_BE} {{at}}", "{np} and {tw_is}", "{word_w} {t_at}", "{np} {t_at}, {w_is}",
            "{t_is} {at} and {w_is}", "{w_is} {at} {t_at}", "{w_noun} {at} {t_at}", "{t_noun} {at} {w_in}"),
}  # fmt: skip

_ASK = "[||||please|now|and now|then|can you|could you please|i want you to]"
_WISH = (
    "[i want|give me|bring|bring on|let there be|i would like|we need|how about|what about|show me|time for|"
    "change to|switch to|turn to|now|and now|let me see|go for|add]"
)
_END = "[||||now|please|, please|!|here|right now]"
_MAKE = "[make it|let it be|turn it|let it become|it becomes|it should be|make the world|it is getting]"
_TO = (
    "[make it|let it be|set the time to|change the time to|turn it to|jump to|move on to|let it become|fast forward to]"
)

CHANGES = {
    "t": ("{t_do}", "{t_do} {end}", "{ask_do_t}", "{wish} {t_the} {end}", "{to} {t_the} {end}", "{t_do}",
          "[suppose|let us say|say|i wish] {t_is}", "{t_is} {now}", "{t_noun} {end}", "{t_do} {end}"),
    "w": ("{w_do}", "{w_do} {end}", "{wish} {w_noun} {end}", "{make} {w_pred} {end}", "{w_do}",
          "[let it|make it|i wish it would|it begins to|it starts to|it should] {w_verb} {end}", "{w_do} {end}",
          "[suppose|let us say|say] {w_is}", "{w_is} {now}", "{w_noun} {end}",
          "[change the weather to|set the weather to|make the weather|weather:] {w_noun}"),
    "tw": ("{t_do} and {w_do}", "{w_do} and {t_do}", "{t_do}, {w_do} {end}", "{w_do} {t_at}",
           "{to} @ {w_pred} {t_noun}", "{wish} {w_noun} {t_at} {end}", "[let it|make it] {w_verb} {t_at}",
           "{to} {t_the} and {w_do}", "{to} {t_the} with {w_noun}", "{t_do} {w_in}", "{make} {w_pred} and {t_do}",
           "{wish} @ {w_pred} {t_noun}", "{tw_is} {now}", "{t_do}, then {w_do}", "change to {w_noun}, {t_noun}",
           "{w_do}, and {to} {t_the}"),
}  # fmt: skip
_SHORT = {"{wish}": _WISH, "{to}": _TO, "{make}": _MAKE, "{end}": _END, "{now}": "[|now|at last|here]",
          "{ask_do_t}": f"{_ASK} make it {{t_the}}"}  # fmt: skip


def _spelled_out(template: str) -> str:
    for short, full in _SHORT.items():
        template = template.replace(short, full)
    return template


ENGLISH = PhraseBook(
    places=PLACES,
    times=TIMES,
    weathers=WEATHERS,
    both=BOTH,
    states=STATES,
    changes={key: tuple(map(_spelled_out, templates)) for key, templates in CHANGES.items()},
    articles=True,
)
