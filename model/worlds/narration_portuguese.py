"""Portuguese words for subjects, actions, events, looks, cameras and moves, and the lines that they stand in.
Knows what each label may be called; refuses to add what a label does not say."""

from __future__ import annotations

PORTUGUESE_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "subject_np": {
        "explorer": ("um explorador", "um viajante", "um caminhante de mochila", "alguém de casaco vermelho",
                     "o explorador", "uma pessoa de chapéu"),
        "fox": ("uma raposa", "uma raposa vermelha", "a raposa", "uma raposinha"),
        "boat": ("um barco", "um veleiro", "um barquinho à vela", "o barco"),
    },
    "action_is": {
        "idle": ("espera", "fica no mesmo sítio", "não se mexe"),
        "walk": ("caminha", "está a caminhar", "vai a pé", "passeia"),
        "run": ("corre", "está a correr", "vai a correr", "corre depressa"),
        "jump": ("salta", "está a saltar", "dá um salto", "pula"),
        "wave": ("acena", "está a acenar", "levanta a mão e acena", "diz adeus com a mão"),
        "dance": ("dança", "está a dançar", "baila", "faz uma dança"),
        "sit": ("senta-se", "descansa no chão", "senta-se no chão"),
    },
    "action_do": {
        "idle": ("para", "fica parado", "espera", "não te mexas"),
        "walk": ("caminha", "anda", "começa a andar", "vai a pé"),
        "run": ("corre", "começa a correr", "corre depressa", "apressa-te"),
        "jump": ("salta", "dá um salto", "pula", "salta para o ar"),
        "wave": ("acena", "diz olá com a mão", "levanta a mão", "acena-me"),
        "dance": ("dança", "começa a dançar", "baila", "faz uma dança"),
        "sit": ("senta-te", "descansa", "senta-te no chão", "fica sentado"),
    },
    "event_is": {
        "balloons": ("sobem balões", "os balões sobem", "balões de ar quente sobem no céu", "flutuam balões coloridos"),
        "campfire": ("arde uma fogueira", "há uma fogueira acesa", "uma fogueira crepita", "brilha uma fogueira"),
        "fireworks": ("há fogo de artifício", "o fogo de artifício ilumina o céu", "rebentam foguetes",
                      "estala o fogo de artifício"),
        "tree": ("cresce uma árvore", "uma árvore cresce", "nasce uma árvore do chão", "uma árvore está a crescer"),
        "boulder": ("rola um pedregulho", "uma grande pedra rola", "um pedregulho vem a rolar"),
        "ball": ("salta uma bola", "uma bola ressalta", "foi atirada uma bola", "uma bola vermelha pula no chão"),
        "lighthouse": ("ergue-se um farol", "um farol roda a sua luz", "há um farol", "a lâmpada de um farol gira"),
        "rainbow": ("há um arco-íris", "um arco-íris atravessa o céu", "aparece um arco-íris", "brilha um arco-íris"),
        "birds": ("passam aves", "um bando de aves voa", "as aves cruzam o céu", "passam pássaros a voar"),
    },
    "event_do": {
        "balloons": ("larga balões", "faz subir balões", "solta os balões", "que subam balões"),
        "campfire": ("acende uma fogueira", "faz uma fogueira", "acende o lume", "que arda uma fogueira"),
        "fireworks": ("lança fogo de artifício", "deita foguetes", "que haja fogo de artifício", "lança foguetes"),
        "tree": ("faz crescer uma árvore", "planta uma árvore", "que cresça uma árvore", "deixa crescer uma árvore"),
        "boulder": ("faz rolar um pedregulho", "empurra uma grande pedra", "que role um pedregulho", "rola uma rocha"),
        "ball": ("atira uma bola", "lança a bola", "joga uma bola", "atira a bola"),
        "lighthouse": ("ergue um farol", "constrói um farol", "acende o farol", "põe ali um farol"),
        "rainbow": ("faz um arco-íris", "mostra um arco-íris", "que apareça um arco-íris", "pinta um arco-íris"),
        "birds": ("faz passar aves", "solta os pássaros", "que passem aves", "manda um bando de aves"),
    },
    "look_as": {
        "neon": ("em cores néon", "como uma noite de néon", "em linhas de néon", "à luz de néon"),
        "ink": ("a tinta sobre papel", "como um desenho a tinta", "desenhado a tinta", "como um esboço a tinta"),
        "pastel": ("em pastel suave", "como um desenho a pastel", "em tons pastel", "em cores de pastel"),
        "natural": ("tal como é", "em cores naturais", "como uma fotografia", "ao natural"),
    },
    "camera_as": {
        "first": ("na primeira pessoa", "pelos próprios olhos", "à altura dos olhos"),
        "third": ("visto de trás", "na terceira pessoa", "com a câmara atrás", "por cima do ombro"),
        "orbit": ("com a câmara à volta", "numa órbita", "com a câmara a rodear", "visto em círculo"),
        "drone": ("de um drone", "visto de cima", "do alto", "a partir do ar"),
        "side": ("de lado", "de perfil", "visto de lado"),
    },
    "move_as": {
        "pan": ("numa panorâmica", "enquanto a câmara gira", "em panorâmica"),
        "tilt": ("numa inclinação da câmara", "enquanto a câmara se inclina", "com a câmara a inclinar-se"),
        "truck": ("num travelling lateral", "enquanto a câmara desliza de lado", "com a câmara a deslizar"),
        "dolly": ("num travelling", "enquanto a câmara avança", "com a câmara a avançar e recuar"),
        "pedestal": ("com a câmara a subir a direito", "enquanto a câmara sobe a direito", "numa subida vertical"),
        "zoom": ("num zoom", "enquanto a lente aproxima", "com zoom"),
        "roll": ("com a câmara a rolar", "enquanto o horizonte roda", "numa rotação da câmara"),
        "crane": ("num plano de grua", "enquanto a grua sobe", "com a câmara numa grua"),
        "dolly_zoom": ("num dolly zoom", "com o efeito vertigem", "enquanto o fundo se afasta"),
    },
}  # fmt: skip

_SEE = "[|vê como |aqui |agora |imagina que |vemos que ]"
_NP = "[|aqui está |vemos |há |mostra-me |olha, ]"
_HERE = "[estamos|um passeio|algures|o mundo]"
PORTUGUESE_LINES: dict[str, tuple[str, ...]] = {
    "p": (_HERE + " {place_at}", "[um lugar|uma cena] {place_at}"),
    "t": ("{time_is}", "[agora|aqui] {time_is}", _HERE + " {time_at}"),
    "w": ("{weather_is}", "[agora|aqui] {weather_is}", _HERE + " {weather_in}"),
    "pt": (_HERE + " {place_at} {time_at}", "{time_at}, {place_at}", "{time_is} {place_at}"),
    "pw": (_HERE + " {place_at} {weather_in}", "{weather_is} {place_at}"),
    "tw": ("{time_is} e {weather_is}", "{weather_is} {time_at}"),
    "ptw": (
        _HERE + " {place_at} {time_at} {weather_in}",
        "{time_at}, {weather_is} {place_at}",
        "{time_is} {place_at}, {weather_is}",
    ),
    "s": (_NP + "{subject_np}",),
    "sp": (_NP + "{subject_np} {place_at}", "{place_at}[ há| vemos|:] {subject_np}"),
    "st": (_NP + "{subject_np} {time_at}", "{time_at}[ há| vemos|:] {subject_np}"),
    "sw": (_NP + "{subject_np} {weather_in}", "{weather_is}[ e há|; vemos] {subject_np}"),
    "spt": (_NP + "{subject_np} {place_at} {time_at}", "{time_at}, {subject_np} {place_at}"),
    "spw": (_NP + "{subject_np} {place_at} {weather_in}", "{weather_is}[ e há|; vemos] {subject_np} {place_at}"),
    "stw": (_NP + "{subject_np} {time_at} {weather_in}", "{time_is}, {weather_is}[ e há|; vemos] {subject_np}"),
    "sptw": (
        _NP + "{subject_np} {place_at} {time_at}, {weather_in}",
        "{time_is}, {weather_is}[ e há|; vemos] {subject_np} {place_at}",
    ),
    "a": (_SEE + "{subject_np} {action_is}",),
    "ap": (_SEE + "{subject_np} {action_is} {place_at}", "{place_at}, {subject_np} {action_is}"),
    "at": (_SEE + "{subject_np} {action_is} {time_at}", "{time_at}, {subject_np} {action_is}"),
    "aw": (_SEE + "{subject_np} {action_is} {weather_in}", "{weather_is}[ e| enquanto|;] {subject_np} {action_is}"),
    "apt": (
        _SEE + "{subject_np} {action_is} {place_at} {time_at}",
        "{time_is}[ e| enquanto|;] {subject_np} {action_is} {place_at}",
    ),
    "apw": (
        _SEE + "{subject_np} {action_is} {place_at} {weather_in}",
        "{weather_is}[ e| enquanto|;] {subject_np} {action_is} {place_at}",
    ),
    "atw": (
        _SEE + "{subject_np} {action_is} {time_at} {weather_in}",
        "{time_is}, {weather_is}[ e|;] {subject_np} {action_is}",
    ),
    "aptw": (
        _SEE + "{subject_np} {action_is} {place_at} {time_at}, {weather_in}",
        "{time_at}, {weather_in}, {subject_np} {action_is} {place_at}",
        "{time_is}, {weather_is}[ e| enquanto|;] {subject_np} {action_is} {place_at}",
    ),
    "event": ("{event_is}", "[olha: |agora |aqui ]{event_is}"),
    "with_event": ("%[ e| enquanto|;] {event_is}", "{event_is}[;| e|.] %", "%. {event_is}"),
    "with_look": ("%, {look_as}", "{look_as}: %", "%. Tudo {look_as}"),
    "with_camera": ("%, {camera_as}", "{camera_as}: %", "%. Vemos isto {camera_as}"),
    "with_move": ("%, {move_as}", "{move_as}: %", "%. É mostrado {move_as}"),
    "ask_event": (
        "{event_do}[| agora| por favor|, por favor|!]",
        "[agora|por favor|e agora|depois] {event_do}",
        "[imagina que|e se] {event_is}",
    ),
    "ask_action": ("{action_do}[| agora| por favor|, por favor|!]", "[agora|por favor|e agora|depois] {action_do}"),
    "ask_look": ("[mostra|pinta|desenha|quero ver] tudo {look_as}[| agora| por favor|!]",),
    "ask_camera": (
        "[mostra|filma|continua] {camera_as}[| agora| por favor|!]",
        "[muda a câmara|outra vista]: {camera_as}",
    ),
    "ask_move": ("[mostra|filma|continua] {move_as}[| agora| por favor|!]", "[o próximo plano|um plano] {move_as}"),
}
