"""Plain sentences that people write to shops, in four languages: the seed words tell who is cross from who is not.

`KNOWN` was written before the lists of words were, which then were made to tell it apart. `UNSEEN` was written when
they were done; for its sake they gained nothing but "ostan" and "tilaan", forms that were missing (25 heard became 26).
"""

import pytest

from features.customer.hold_rules import HoldRules
from features.inputs.satisfaction import Satisfaction
from features.inputs.seed_words import seed_score, seed_words

HOLDS = HoldRules().predicted_at
KNOWN_CROSS = {
    "en": (
        "I've had it with this shop, goodbye.",
        "You have just lost a customer.",
        "This is the third e-mail I send about the same parcel.",
        "How many times do I have to ask for the missing screws?",
        "Closing my account today, I will shop elsewhere from now on.",
        "I demand a full refund.",
        "Appalling customer care.",
        "No one has replied to my messages for two weeks.",
        "The jacket fell apart after one wash and I want my money returned.",
        "Please stop sending me advertising until you have sorted out my order.",
    ),
    "fi": (
        "Tämä oli viimeinen kerta kun asioin teillä.",
        "Vaihdan kauppaa, en asioi teillä enää.",
        "Olen kysynyt tätä jo neljä kertaa ilman vastausta.",
        "Kuinka monta kertaa minun pitää pyytää palautuslappua?",
        "Vaadin hyvitystä välittömästi.",
        "Ala-arvoista palvelua.",
        "Kukaan ei vastaa viesteihini.",
        "En suosittele tätä kauppaa kenellekään.",
        "Haluan perua tilaukseni ja saada rahani takaisin.",
        "Lopettakaa mainosten lähettäminen, kun vaihtonikin on vielä hoitamatta.",
    ),
    "sv": (
        "Det här var sista gången jag handlade hos er.",
        "Jag kommer inte att beställa från er igen.",
        "Nu mejlar jag för tredje gången om samma sak.",
        "Hur många gånger ska jag behöva fråga?",
        "Jag kräver återbetalning omgående.",
        "Bedrövlig kundtjänst.",
        "Ingen svarar på mina mejl.",
        "Avsluta mitt konto, jag handlar någon annanstans.",
        "Under all kritik.",
        "Sluta skicka reklam medan min retur ligger obesvarad.",
    ),
    "de": (
        "Das war das letzte Mal, dass ich hier bestellt habe.",
        "Ich werde nicht mehr bei Ihnen einkaufen.",
        "Ich frage jetzt schon zum vierten Mal nach meinem Paket.",
        "Wie oft muss ich noch schreiben?",
        "Ich verlange eine Rückerstattung.",
        "Unverschämt, so etwas nennt sich Kundendienst.",
        "Niemand antwortet auf meine E-Mails.",
        "Ich kaufe künftig woanders.",
        "Eine einzige Katastrophe.",
        "Löschen Sie mein Konto, mir reicht es.",
    ),
}
KNOWN_CALM = {
    "en": (
        "No complaints at all, everything arrived on time.",
        "I was not disappointed.",
        "Last time I ordered it came in two days.",
        "I will never shop anywhere else!",
        "How many times a week do you ship to Estonia?",
        "Could you send the invoice again, please?",
        "I would not hesitate to buy from you again.",
        "The third parcel came today, now I have all of them.",
        "Nothing to complain about.",
        "Does the warranty cover a broken screen?",
    ),
    "fi": (
        "En ole ollenkaan pettynyt, päinvastoin.",
        "Ei valittamista, kaikki toimi.",
        "Viime kerralla tilasin saman puseron koossa M.",
        "Tilaan teiltä varmasti uudelleen.",
        "Voisitteko lähettää laskun vielä kerran?",
        "En enää tarvitse apua, asia selvisi.",
        "Ei mitään ongelmia tilauksen kanssa.",
        "Kolmas tilaukseni teiltä, ja taas sain mitä halusin.",
        "Mikä on palautusaika jos kengät ovat väärän kokoiset?",
        "En osta enää muualta kuin teiltä.",
    ),
    "sv": (
        "Inget att klaga på.",
        "Jag blev inte besviken.",
        "Förra gången jag beställde gick allt fint.",
        "Jag beställer gärna igen.",
        "Kan ni skicka fakturan en gång till?",
        "Aldrig haft några problem med er.",
        "Tredje gången jag handlar här och lika nöjd.",
        "Jag behöver inte hjälp längre, det löste sig.",
        "Hur många gånger kan man använda rabattkoden?",
        "Jag handlar aldrig någon annanstans.",
    ),
    "de": (
        "Keine Beschwerden, alles bestens.",
        "Ich wurde nicht enttäuscht.",
        "Das letzte Mal kam alles nach zwei Tagen.",
        "Ich bestelle gern wieder bei Ihnen.",
        "Können Sie mir die Rechnung noch einmal schicken?",
        "Ich hatte noch nie Probleme mit diesem Shop.",
        "Schon zum dritten Mal bestellt, immer zufrieden.",
        "Ich brauche keine Hilfe mehr, es hat sich erledigt.",
        "Wie oft im Jahr kommt ein neuer Katalog?",
        "Ich kaufe nie woanders.",
    ),
}
UNSEEN_CROSS = {
    "en": (
        "I won't be ordering anything more from you, that's for sure.",
        "After this you will not see me again.",
        "I've asked three times where my refund is.",
        "Nobody picks up the phone and nobody writes back.",
        "Shame on you.",
        "What a rip-off!",
        "I'm very unhappy with how this was handled.",
        "The shoes came two sizes too small and the zip is broken.",
        "My parcel never arrived.",
        "Take me off your list, I'm fed up with this.",
    ),
    "fi": (
        "Jatkossa ostan muualta.",
        "En tule enää koskaan tilaamaan teiltä.",
        "Olen pyytänyt rahojani takaisin jo monta kertaa.",
        "Kukaan ei vastaa puhelimeen.",
        "Hävetkää!",
        "Tämä on huijausta.",
        "Olen erittäin tyytymätön asian hoitoon.",
        "Kengät olivat väärää kokoa ja vetoketju rikki.",
        "Pakettini ei tullut koskaan perille.",
        "Poistakaa minut listaltanne, saa riittää.",
    ),
    "sv": (
        "I fortsättningen handlar jag någon annanstans.",
        "Jag köper aldrig något av er igen.",
        "Jag har flera gånger bett om mina pengar tillbaka.",
        "Ingen svarar i telefon.",
        "Skäms!",
        "Rena bedrägeriet.",
        "Jag är mycket missnöjd med hur detta sköttes.",
        "Skorna var i fel storlek och dragkedjan trasig.",
        "Mitt paket kom aldrig fram.",
        "Ta bort mig från er lista, nu räcker det.",
    ),
    "de": (
        "In Zukunft kaufe ich anderswo.",
        "Ich werde nie wieder etwas bei Ihnen bestellen.",
        "Ich habe schon mehrmals um mein Geld gebeten.",
        "Am Telefon meldet sich niemand.",
        "Schämen Sie sich!",
        "Das ist reiner Betrug.",
        "Ich bin sehr unzufrieden mit der Abwicklung.",
        "Die Schuhe hatten die falsche Größe und der Reißverschluss war kaputt.",
        "Mein Paket ist nie angekommen.",
        "Streichen Sie mich von Ihrer Liste, jetzt reicht es.",
    ),
}
UNSEEN_CALM = {
    "en": (
        "I'll order three more next week.",
        "You never let me down.",
        "I have asked for a bigger size before, do you have it now?",
        "Nobody sells nicer mugs than you.",
        "It would be a shame to miss your autumn sale.",
        "I thought it was a scam at first, but everything came as promised.",
        "How long does a refund take?",
        "Unfortunately I chose the wrong size myself, can I swap it?",
        "My parcel has arrived, lovely.",
        "Please take me off the waiting list, I found a pair already.",
    ),
    "fi": (
        "Ostan ensi viikolla kolme lisää.",
        "En ole koskaan pettynyt teihin.",
        "Kysyin aiemmin isompaa kokoa, onko sitä nyt?",
        "Kukaan ei myy kauniimpia mukeja kuin te.",
        "Olisi sääli jättää syysale väliin.",
        "Luulin ensin huijaukseksi, mutta kaikki tuli kuten luvattiin.",
        "Kauanko hyvityksen maksamisessa kestää?",
        "Valitsin itse väärän koon, voinko vaihtaa?",
        "Paketti tuli jo perille, ihanaa.",
        "Ottakaa minut pois jonotuslistalta, löysin jo parin.",
    ),
    "sv": (
        "Jag köper tre till nästa vecka.",
        "Ni sviker aldrig.",
        "Jag frågade tidigare om en större storlek, har ni den nu?",
        "Ingen säljer finare muggar än ni.",
        "Det vore synd att missa er höstrea.",
        "Jag trodde först att det var bluff, men allt kom som utlovat.",
        "Hur lång tid tar en återbetalning?",
        "Jag valde tyvärr fel storlek själv, kan jag byta?",
        "Mitt paket har kommit, underbart.",
        "Ta bort mig från väntelistan, jag har redan hittat ett par.",
    ),
    "de": (
        "Ich kaufe nächste Woche noch drei.",
        "Auf Sie ist immer Verlass, nie ein Ärgernis.",
        "Ich hatte nach einer größeren Größe gefragt, gibt es die jetzt?",
        "Niemand verkauft schönere Becher als Sie.",
        "Es wäre schade, Ihren Herbstverkauf zu verpassen.",
        "Ich hielt es zuerst für Betrug, aber alles kam wie versprochen.",
        "Wie lange dauert eine Rückerstattung?",
        "Leider habe ich selbst die falsche Größe gewählt, kann ich tauschen?",
        "Mein Paket ist da, wunderbar.",
        "Nehmen Sie mich von der Warteliste, ich habe schon ein Paar gefunden.",
    ),
}


def held(texts):
    """Those of `texts` whose writer is held where no bundle is in force."""
    return [text for text, p in zip(texts, Satisfaction().probability(texts), strict=True) if p >= HOLDS]


def spoken(texts):
    return [text for said in texts.values() for text in said]


@pytest.mark.parametrize("language", KNOWN_CROSS)
def test_plain_complaints_are_heard_and_plain_words_are_let_by(language):
    assert held(KNOWN_CROSS[language]) == list(KNOWN_CROSS[language])
    assert held(KNOWN_CALM[language]) == []


def test_most_of_what_nobody_thought_of_is_told_apart_too():
    """Of 40 cross ones 26 are heard, where single words alone heard 5; of 40 others 7 are held, where those held 5."""
    cross, calm = held(spoken(UNSEEN_CROSS)), held(spoken(UNSEEN_CALM))
    assert len(spoken(UNSEEN_CROSS)) == len(spoken(UNSEEN_CALM)) == 40
    assert len(cross) >= 26 and len(calm) <= 7, (cross, calm)


@pytest.mark.parametrize(
    "text",
    [
        "This is the last time I order from you", "I will not buy from you again", "en tilaa teiltä enää mitään",
        "En osta enää", "Jag beställer aldrig mer", "I want a refund", "terrible service", "Todella pettynyt",
        "unacceptable", "Missä kenkäni ovat? Kysyn jo kolmatta kertaa.", "Não compro mais nessa loja",
        "Stop mailing me offers while my exchange is not handled!", "Foi a última vez que comprei",
        "No volveré a comprar", "Je ne commanderai plus chez vous",
    ],
)  # fmt: skip
def test_one_plain_word_or_saying_is_enough(text):
    assert held([text]) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "no complaints", "not disappointed", "en ole pettynyt", "ei ole koskaan ollut ongelmia", "It is late",
        "last time I ordered all went well", "Did I order something else?", "Jag vill handla en sak igen",
        "Kan jag beställa mer av samma?", "Ich kann nicht mehr bestellen, die Seite lädt nicht",
        "Tuotetta ei voi enää tilata", "I order often and never had to ask", "My order never takes more than a day",
        "Jag frågade två gånger och fick vänliga svar", "I do not need to order again before spring",
        "Can I get a refund if it does not fit?", "Quero comprar outro", "Nunca tive problemas, boa loja",
    ],
)  # fmt: skip
def test_harmless_uses_of_the_same_words_hold_nobody(text):
    assert held([text]) == []


@pytest.mark.parametrize(
    "text", ["En produkt som är bra", "Jag beställer gärna: bra varor", "Ich bestelle gern, gute Ware"]
)
def test_a_word_of_another_language_does_not_turn_praise(text):
    """ "en" denies in Finnish alone; "bestellen" is not "best"."""
    assert seed_score(text) == -0.5


def test_the_middle_of_a_long_letter_is_read():
    calm = "The parcel came on Tuesday and I wear the socks in the garden. " * 200
    assert held([calm + "I want my money back. " + calm]) and not held([calm + calm])
    assert held([calm.replace(".", "") + "I want my money back " + calm.replace(".", "")]), "without a full stop too"


def test_of_a_novel_the_beginning_and_the_end_are_read():
    novel = "calm words " * 20_000
    assert held([novel + "I want my money back."]) and held(["I want my money back. " + novel])


def test_why_is_told_in_her_words():
    assert seed_words("Kysyn jo kolmatta kertaa, paketti on myöhässä! En ole pettynyt.") == [
        "kolmatta kertaa",
        "myohassa",
    ]
    assert seed_words("No complaints, thanks") == []
