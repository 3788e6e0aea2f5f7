"""Every reason code in plain words, English and Finnish: what staff and customers' own records are told.

`CODES` is the whole list; docs/decisions-api.md documents each. A text may have named places, filled by `reason`.
"""

from collections.abc import Iterable

from features.customer.holds import Hold
from serving.core.cause_words import told_causes
from serving.core.decision import Reason

CODES: dict[str, tuple[str, str]] = {
    # gates: why an action was not possible
    "placement": (
        "This place does not show it",
        "Tässä paikassa sitä ei näytetä",
    ),
    "state_unknown": (
        "What is known of her cannot be trusted right now ({detail}), so nothing is sold",
        "Asiakkaan tilannetta ei voi nyt tietää varmasti ({detail_fi}), joten mitään ei myydä",
    ),
    "consent": (
        "She has not agreed to be contacted like this",
        "Asiakas ei ole antanut lupaa tällaiseen yhteydenottoon",
    ),
    "profiling_objection": (
        "She does not want to be profiled, so nothing is chosen for her personally",
        "Asiakas on kieltänyt profiloinnin, joten mitään ei valita henkilökohtaisesti",
    ),
    "hold": (
        "Offers are on hold: {detail}",
        "Tarjoukset ovat tauolla: {detail_fi}",
    ),
    "eligibility": ("By its rules it is not for her", "Säännöt eivät salli sitä hänelle"),
    "applicability": ("It makes no sense now", "Se ei ole nyt ajankohtainen"),
    "suitability": ("It would not be in her interest", "Se ei olisi hänen etunsa mukaista"),
    "no_items": ("There is no product to show in it", "Siinä ei ole näytettävää tuotetta"),
    "contact_cap": ("She has heard from us enough for now", "Hän on kuullut meistä tällä erää tarpeeksi"),
    "already_told": ("This has been said already", "Tämä on jo kerrottu"),
    "outranked": ("A person's call comes before everything else", "Ihmisen soitto menee kaiken muun edelle"),
    "service_first": ("Service comes first", "Palvelu menee edelle"),
    "validity": ("It is not valid yet, or no more", "Se ei ole vielä voimassa tai ei ole enää"),
    "quiet_hours": (
        "It would reach her in an hour to be quiet in, by her own clock",
        "Se tavoittaisi hänet hänen oman kellonsa hiljaisina tunteina",
    ),
    "action_cap": ("She has had this often enough for now", "Hän on saanut tämän tällä erää riittävän usein"),
    "comes_later": ("Something else comes first, and was not said yet", "Jotain muuta on sanottava ensin"),
    "not_sampled": (
        "It goes to a sample, and she was not drawn for it this time",
        "Se menee otokselle, eikä hän osunut siihen tällä kertaa",
    ),
    "unanswered": (
        "She has not answered our last offers: we do not knock again until she shows up",
        "Hän ei ole vastannut viime tarjouksiimme: emme koputa uudestaan ennen kuin hän tulee itse",
    ),
    "already_known": (
        "She has told it already, or would rather not tell",
        "Hän on jo kertonut sen tai ei halua kertoa",
    ),
    "holdout": (
        "She is in the group that gets no offers, so that their effect can be measured",
        "Hän kuuluu ryhmään, joka ei saa tarjouksia, jotta niiden vaikutus voidaan mitata",
    ),
    # nothing is the answer
    "no_gain": (
        "Nothing is worth its cost; the closest, {detail}, would lose {loss} minor units",
        "Mikään ei ole kustannuksensa arvoinen; lähimpänä oleva {detail_fi} maksaisi {loss} pienintä rahayksikköä",
    ),
    "nothing_applicable": ("There is nothing that fits now", "Nyt ei ole mitään sopivaa"),
    "drawn_silence": (
        "Silence was drawn by chance, to learn what it is worth",
        "Hiljaisuus arvottiin, jotta sen arvo opitaan",
    ),
    "superseded": (
        "The answer given before no longer stands: {detail}",
        "Aiemmin annettu vastaus ei enää päde: {detail_fi}",
    ),
    "unknown_decision": (
        "There is no such decision",
        "Sellaista päätöstä ei ole",
    ),
    # what would be without a gate
    "would_get": ("Without it she would get: {detail}", "Ilman sitä hän saisi: {detail_fi}"),
    "nothing_without": ("Without it she would get nothing", "Ilman sitä hän ei saisi mitään"),
    "same_without": ("Without it nothing would change", "Ilman sitä mikään ei muuttuisi"),
    # why an action was chosen
    "service_due": ("Service that is due now", "Palvelua, joka on nyt paikallaan"),
    "on_hold_instead": ("Shown instead of offers: {detail}", "Näytetään tarjousten sijaan: {detail_fi}"),
    "best_gain": ("It is expected to bring the most", "Sen odotetaan tuottavan eniten"),
    "drawn": ("Drawn by chance, to learn", "Arvottu, jotta opitaan"),
    "control": ("Drawn at random among what fits: control group", "Arvottu sopivista: vertailuryhmä"),
    "personal_items": ("Products by what she buys", "Tuotteet hänen ostostensa mukaan"),
    "popular_items": ("Popular products, the same for everybody", "Suosittuja tuotteita, samat kaikille"),
    "viewed_now": ("Products like those she looks at now", "Samanlaisia tuotteita kuin ne, joita hän nyt katsoo"),
    "accessory_items": ("They fit what is before her", "Ne sopivat siihen, mitä hänellä on edessään"),
    "seasonal_items": (
        "They go with what she owns, in their season",
        "Ne sopivat siihen, mitä hänellä on, ja ovat nyt ajankohtaisia",
    ),
    "cart_items": ("They wait in her cart", "Ne odottavat hänen ostoskorissaan"),
    "bought_items": ("Worth knowing about what she bought", "Hyvä tietää siitä, mitä hän osti"),
    "viewed_items": ("Worth knowing about what she looks at", "Hyvä tietää siitä, mitä hän katsoo"),
    "model_missing": (
        "No model is in force, so stated estimates are used",
        "Mallia ei ole käytössä, joten käytetään annettuja arvioita",
    ),
    "churn": ("She is likely to leave ({percent} %)", "Hän lähtee todennäköisesti ({percent} %)"),
    "second_purchase": (
        "The chance that she orders a second time is {percent} %",
        "Hän tilaa toisen kerran {percent} prosentin todennäköisyydellä",
    ),
}

HOLDS: dict[str, tuple[str, str]] = {
    "open_return": ("a return is under way", "palautus on kesken"),
    "open_case": ("a case of hers is open", "asia on kesken"),
    "open_complaint": ("a complaint is open", "reklamaatio on kesken"),
    "bad_resolution": ("a case was resolved badly", "asia hoidettiin huonosti"),
    "bad_rating": ("she gave a bad rating", "hän antoi huonon arvion"),
    "late_delivery": ("a delivery is late", "toimitus on myöhässä"),
    "friction": ("something went wrong for her", "jokin meni häneltä vikaan"),
    "predicted": ("she is probably dissatisfied (predicted)", "hän on luultavasti tyytymätön (ennuste)"),
    "incident": ("an incident affects her", "häiriö koskee häntä"),
    "staff": ("a person asked for silence", "työntekijä pyysi hiljaisuutta"),
}

UNKNOWN: dict[str, tuple[str, str]] = {
    "unreadable": ("the store did not answer", "tietovarasto ei vastannut"),
    "corrupt": ("her record is damaged", "tietue on vioittunut"),
    "behind": ("her record lags behind the log", "tietue on jäljessä lokista"),
    "future_dated": ("her record is dated in the future", "tietue on päivätty tulevaisuuteen"),
    "bad_id": (
        "the id asked for has a stray space or an invisible character",
        "kysytyssä tunnuksessa on ylimääräinen välilyönti tai näkymätön merkki",
    ),
    "rejected_event": (
        "an event about her was rejected and waits for a person",
        "häntä koskeva tapahtuma hylättiin ja odottaa ihmistä",
    ),
    "source_silent": ("source {name} has gone quiet", "lähde {name} on vaiennut"),
    "unrecorded": ("the decision could not be recorded", "päätöstä ei voitu kirjata"),
    "erased": ("her data was erased", "tiedot on poistettu"),
}


def reason(code: str, **places: object) -> Reason:
    """A reason with its texts; a code not in `CODES` is a fault of the caller's (`KeyError`)."""
    english, finnish = CODES[code]
    return (
        Reason(code, english.format(**places), finnish.format(**places)) if places else Reason(code, english, finnish)
    )


def kind_words(kinds: Iterable[str]) -> dict[str, str]:
    """Places `detail` and `detail_fi` for some kinds of hold, each once.

    >>> kind_words(["bad_rating", "open_return", "bad_rating"])["detail"]
    'she gave a bad rating; a return is under way'
    """
    return _places([(*HOLDS.get(kind, (kind, kind)), ("", "")) for kind in dict.fromkeys(kinds)])


def hold_words(holds: Iterable[Hold]) -> dict[str, str]:
    """The same for some holds, with the causes of those that were predicted or follow from an incident."""
    causes: dict[str, str] = {}
    for hold in holds:
        if not causes.get(hold.kind):
            causes[hold.kind] = hold.detail if hold.kind in _TELLS_ITS_CAUSE else ""
    return _places([(*HOLDS.get(kind, (kind, kind)), _cause(kind, cause)) for kind, cause in causes.items()])


_TELLS_ITS_CAUSE = ("predicted", "incident")  # a person's own words about a customer are not for all who ask


def _cause(kind: str, detail: str) -> tuple[str, str]:
    """In English and in Finnish, as far as the words are ours."""
    return (told_causes(detail) if kind == "predicted" else None) or (detail, detail)


def _places(texts: Iterable[tuple[str, str, tuple[str, str]]]) -> dict[str, str]:
    said = [(f"{en}: {cause}", f"{fi}: {syy}") if cause else (en, fi) for en, fi, (cause, syy) in texts]
    return {"detail": "; ".join(en for en, _ in said), "detail_fi": "; ".join(fi for _, fi in said)}


def status_words(status: str) -> dict[str, str]:
    """Places for a state status "unknown:<reason>[:<name>]".

    >>> status_words("unknown:source_silent:till")["detail"]
    'source till has gone quiet'
    """
    _, _, rest = status.partition(":")
    code, _, name = rest.partition(":")
    english, finnish = UNKNOWN.get(code, (code, code))
    return {"detail": english.format(name=name), "detail_fi": finnish.format(name=name)}


def gate_reason(gate: str, *, holds: Iterable[Hold], state_status: str) -> Reason:
    """The reason of a closed gate, with what it saw: the holds in force, the state's status."""
    if gate == "hold":
        return reason(gate, **hold_words(holds))
    if gate == "state_unknown":
        return reason(gate, **status_words(state_status))
    return reason(gate)
