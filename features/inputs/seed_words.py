"""Words of praise and of complaint in seven languages: a first judgement of texts before the shop has rated ones.

The lists are short and written by hand; `seed_score` is an order, no probability. As soon as there are rated texts it
is one input among others, and weighs what they say it is worth.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise

import numpy as np

from features.inputs.candidates import Floats
from features.inputs.texts import looked_at, tokens

_SHORTEST_STEM = 4  # letters; a shorter entry must be the whole word
_REACH = 3  # words that a negation turns

_COMPLAINT = {
    "en": "bad terribl horribl awful worst poor poorly disappoint broke broken defect damag faulty wrong late "
    "delay never refund complain scam fraud rude slow waste useless missing lost cancel unhappy dissatisf "
    "unaccept avoid problem mess ignor still unfortunate unprofession liar cheat frustrat annoy angry "
    "cheated waited nobody worse error fake incorrect",
    "fi": "huono hirve kamala pettym pettyn rikki viallinen vialliset vaara vaaran myohas myoha viivast valit "
    "hidas hidasta turha turhaan puuttu kadon perui ongelm virhe sopimat hukas surke reklam ikava "
    "odottanut koskaan tyytymat vielakaan vielakin epaonn epaselv toimimat kelvot hyvitys hankala",
    "sv": "dalig daligt daliga samst hemsk trasig trasigt fel felaktig forsen besvik aldrig vantat saknas klaga "
    "langsam skadad problem usel missnojd tyvarr fortfarande ingen reklam",
    "pt": "ruim pessim horriv atras quebrad defeit errad nunca falt decepc demor reclam devol problem cancel "
    "insatisf lixo lament prejuiz ainda troca incomplet danific pior enganad descaso falsific",
    "es": "malo mala pesim horrib roto rota defect equivoc tarde retras nunca falta decepcion lento problem "
    "queja insatisf todavia peor estafa danad",
    "de": "schlecht furchtbar kaputt defekt falsch spat verspat enttausch nie fehlt beschwer langsam problem "
    "unzufrieden beschadig mangel leider betrug",
    "fr": "mauvais horrible nul nulle casse defaut defectu retard erreur decu decue jamais manqu lent probleme "
    "plainte insatisf abime toujours arnaque",
}
_PRAISE = {
    "en": "good great excellent perfect love loved happy satisfied satisf recommend fast quick easy easily "
    "thank nice best wonderful amazing smooth friendly helpful awesome pleased fantastic reliable prompt "
    "super",
    "fi": "hyva hyvaa hyvin hyvat loistav erinoma mahtav kiito tyytyvai suosit nopea nopeasti nopeaa helppo "
    "helposti ihana paras parasta ystavall mainio toimiva upea hieno sujuv luotettav",
    "sv": "bra utmarkt perfekt snabb nojd tack rekommender fantastisk jattebra smidig trevlig bast basta",
    "pt": "otimo otima bom boa excelente perfeit ador amei recomend rapid satisfeit gostei gosto parabens "
    "maravilh lindo linda qualidade certo feliz antes",
    "es": "bueno buena buen excelente perfect rapid contento contenta gracias recomend encant satisfech genial",
    "de": "gut gute super toll perfekt schnell zufrieden danke empfehl prima wunderbar freundlich beste",
    "fr": "bon bonne bien excellent parfait rapide content contente merci recommand super satisfait genial agreable",
}
_NEGATIONS = (
    "not no never don didn doesn isn wasn won cannot without ei eivat eika ilman inte ingen aldrig utan "
    "nao sem nem nunca sin nicht kein keine nie ohne ne pas jamais sans"
)
_PARTING = frozenset(
    pair
    for pairs in (
        "never again, never order, never buy, money back",
        "ikina enaa, enaa ikina, enaa koskaan, koskaan enaa, rahat takaisin, rahani takaisin",
        "aldrig mer, aldrig mera, aldrig igen, pengarna tillbaka",
        "nunca mais, meu dinheiro",
        "nunca mas, jamas volvere, mi dinero",
        "nie wieder, nie mehr, geld zuruck",
        "plus jamais, jamais plus, mon argent",
    )
    for pair in pairs.split(", ")
)
"""Two words in a row by which one leaves, or wants her money back: no other complaint is needed beside them."""
_NEGATION = frozenset(_NEGATIONS.split())
_CLAUSE_END = re.compile(r"[.,;:!?()\n]")
_GLAD, _CROSS = frozenset("😀😃😄😁😊🙂😍🥰👍❤🎉👏💯🤩"), frozenset("😡😠🤬👎😞😢😭🙁☹😤💩😒")


def seed_scores(texts: Iterable[str]) -> Floats:
    """`seed_score` of each text."""
    return np.array([seed_score(text) for text in texts], np.float64)


def seed_score(text: str) -> float:
    """From -1 (praise only) to 1 (complaint only); 0 for a text without a word of either, or as much of both.

    A word of praise within three words after a negation in the same clause counts as a complaint; a complaint that is
    negated counts for nothing. To say that one leaves counts as two complaints.

    >>> seed_score("Not good, arrived broken") > 0 > seed_score("Kiitos, hyvä palvelu!")
    True
    """
    complaint = praise = 0
    for clause in _CLAUSE_END.split(looked_at(text)):
        words = tokens(clause)
        complaint += 2 * len(_partings(words))
        for at, word in enumerate(words):
            denied = any(before in _NEGATION for before in words[max(0, at - _REACH) : at])
            if _one_of(word, True) or word in _CROSS:
                complaint += not denied
            elif _one_of(word, False) or word in _GLAD:
                complaint, praise = complaint + denied, praise + (not denied)
    return (complaint - praise) / (complaint + praise + 1)


def seed_words(text: str, most: int = 3) -> list[str]:
    """The words of complaint in a text, in their order, those of leaving first."""
    words = tokens(text)
    single = (word for word in words if _one_of(word, True) or word in _CROSS)
    return list(dict.fromkeys([*_partings(words), *single]))[:most]


def _partings(words: Sequence[str]) -> list[str]:
    return [pair for pair in map(" ".join, pairwise(words)) if pair in _PARTING]


@cache
def _stems(complaint: bool) -> tuple[frozenset[str], frozenset[str]]:
    """Whole words, and stems that a word may begin with."""
    listed = [entry for entries in (_COMPLAINT if complaint else _PRAISE).values() for entry in entries.split()]
    return frozenset(listed), frozenset(entry for entry in listed if len(entry) >= _SHORTEST_STEM)


def _one_of(word: str, complaint: bool) -> bool:
    whole, stems = _stems(complaint)
    return word in whole or _begins(word, stems)


def _begins(word: str, stems: frozenset[str]) -> bool:
    heads: Sequence[str] = [word[:size] for size in range(_SHORTEST_STEM, len(word) + 1)]
    return any(head in stems for head in heads)
