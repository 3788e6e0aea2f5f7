"""What customers write: short grammars in English and Finnish, by what their message is about.

`[a|b]` is a choice, `{thing}` the goods. Every text says only what truly happened to its writer (see opinions.py).
"""

import functools
import itertools
import re

TOPICS = (
    "late", "wrong_size", "defect", "failed", "slow_case", "asked_often", "quick_help", "kind_staff", "rude_wait",
    "good_product", "fast_delivery", "fine", "friction", "mailing", "price", "complaint_late", "complaint_defect",
    "regret",
)  # fmt: skip
OPENERS = ("bad", "mixed", "good")
LANGUAGES = ("en", "fi")

THINGS = {
    "bicycles": ("bicycle", "pyörä"),
    "bicycle_gear": ("bicycle accessory", "pyörätarvike"),
    "skis": ("ski set", "suksipaketti"),
    "ski_care": ("ski gear", "suksitarvike"),
    "shoes": ("pair of shoes", "kenkäpari"),
    "outdoor_clothing": ("jacket", "takki"),
    "children": ("children's item", "lastentuote"),
    "books": ("book", "kirja"),
    "coffee": ("coffee", "kahvi"),
    "groceries": ("food order", "ruokatilaus"),
    "household": ("household order", "tarviketilaus"),
    "pets": ("pet food", "lemmikin ruoka"),
    "home": ("home item", "kodin tuote"),
}

GRAMMAR: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "bad": (
            "[Disappointed|Very disappointed|Not happy|Frankly annoyed] this time.",
            "[I expected|We expected|One expects] [better|more] from [you|this shop].",
            "[Poor|Bad|Miserable] experience.",
            "Never [again|ordering here again].",
            "",
        ),
        "mixed": (
            "[Mixed|Two-sided] feelings.",
            "[Not bad|So so|Okay|All right], but not great.",
            "Could be better.",
            "",
        ),
        "good": (
            "[Very happy|Really pleased|Delighted|Happy] with [this|my order|everything].",
            "[Great|Excellent|Lovely|Good] shop.",
            "[Thank you|Thanks|Many thanks]!",
            "Everything [went well|worked|as it should be].",
            "",
        ),
        "late": (
            "The [parcel|order|delivery] [came|arrived|turned up] [days|almost a week] late.",
            "The [parcel|order] [came|arrived] [days|several days] after the promised date.",
            "The delivery [date|promise] was not kept[| and nobody told me why].",
            "I [waited|had to wait] [far too long|days] for the {thing}.",
            "Tracking [stood still|showed nothing] for [days|ages].",
        ),
        "complaint_late": (
            "Where is my [order|parcel]? It was promised [days ago|for last week].",
            "My {thing} [is late|has not arrived] and [nobody answers|I get no information].",
            "The promised [day|date] has passed and I still [wait|have nothing].",
        ),
        "wrong_size": (
            "The size was [wrong|far too small|too big|not as in the size chart].",
            "The {thing} [did not fit|runs small|runs large].",
            "Had to [exchange|send back] the {thing} because of the size.",
        ),
        "defect": (
            "The {thing} [broke|came apart|was faulty] after [a week|a few days|two uses].",
            "[Poor|Bad|Cheap] quality, the {thing} [was scratched|was damaged|does not work].",
            "Quality [is not|was not] what the [pictures|description] promised.",
        ),
        "complaint_defect": (
            "The {thing} I received is [broken|faulty|damaged]. [Please sort this out.|What will you do about it?]",
            "The {thing} is [broken|faulty] and I want my money back.",
            "I am not [satisfied|content] with the quality of the {thing} at all.",
            "The {thing} [failed|stopped working] [at once|within days], [not acceptable|this cannot be right].",
        ),
        "failed": (
            "The parcel [was never delivered|went back|got lost].",
            "The driver [never came|left no notice], and the {thing} went back.",
        ),
        "slow_case": (
            "[Sorting it out|The exchange|The whole thing] took [weeks|far too long|over a month].",
            "[Still|For weeks] no [answer|solution] from customer service.",
            "It [dragged on|went on and on] without [an answer|any end].",
        ),
        "asked_often": (
            "I had to ask [again and again|three times|many times].",
            "Nobody [called back|replied] until I [asked again|complained].",
        ),
        "quick_help": (
            "Customer service [solved it|put it right|helped] [quickly|at once|the same day].",
            "The [exchange|return|problem] was handled [fast|smoothly|without fuss].",
        ),
        "kind_staff": (
            "The staff were [kind|friendly|really helpful|lovely].",
            "[Friendly|Patient|Expert] [service|advice] in the store.",
        ),
        "rude_wait": (
            "[Queued|Waited in line] for [half an hour|ages].",
            "Too few [people|staff] at the [till|counter], long [wait|queue].",
        ),
        "good_product": (
            "The {thing} is [just right|excellent|what I hoped for|worth its price].",
            "[Good|Great|Excellent] quality[|, would buy again].",
            "The {thing} [works|does its job] [perfectly|very well].",
        ),
        "fast_delivery": (
            "[Fast|Quick|Speedy] delivery.",
            "Arrived [on time|earlier than promised|in two days].",
            "[Well|Nicely] packed and on time.",
        ),
        "fine": (
            "[Nothing special|Ordinary order|As usual].",
            "[Fine|OK|All in order].",
            "The {thing} is [all right|fine].",
        ),
        "friction": (
            "The [checkout|payment] [failed|gave an error] [twice|several times].",
            "Paying [did not work|was hard] [at first|on my phone].",
        ),
        "mailing": (
            "And [please|for once] stop sending me offers [while this is open|before you fix it].",
            "[Meanwhile|At the same time] I get [adverts|discount letters] every week.",
        ),
        "price": ("[A bit|Rather] [expensive|pricey].", "[Good|Fair] price."),
        "regret": ("I changed my mind about the {thing}.", "The {thing} [was not for me|did not suit us after all]."),
    },
    "fi": {
        "bad": (
            "[Petyin|Olen pettynyt|Todella pettynyt] [tällä kertaa|teihin].",
            "[Odotin|Odotimme] [parempaa|enemmän].",
            "[Huono|Kurja|Surkea] kokemus.",
            "En [tilaa|osta] täältä enää.",
            "",
        ),
        "mixed": (
            "[Ristiriitaiset|Kaksijakoiset] tunnelmat.",
            "[Ihan ok|Menettelee|Välttävä], muttei muuta.",
            "Parantamisen varaa on.",
            "",
        ),
        "good": (
            "[Olen tyytyväinen|Todella tyytyväinen|Erittäin tyytyväinen].",
            "[Hyvä|Loistava|Mainio] kauppa.",
            "[Kiitos|Suuri kiitos|Kiitokset]!",
            "Kaikki [sujui hyvin|toimi|meni nappiin].",
            "",
        ),
        "late": (
            "[Paketti|Tilaus|Lähetys] [tuli|saapui] [päiviä|monta päivää|melkein viikon] myöhässä.",
            "Luvattu [toimituspäivä|toimitusaika] ei pitänyt[| eikä kukaan kertonut miksi].",
            "Tilausta ({thing}) sai odottaa [aivan liian kauan|päiväkausia].",
            "Seuranta [seisoi|ei näyttänyt mitään] [päiviä|ikuisuuden].",
        ),
        "complaint_late": (
            "Missä [tilaukseni|pakettini] viipyy? Se luvattiin [jo päiviä sitten|viime viikolle].",
            "Tilaukseni ({thing}) [on myöhässä|ei ole tullut] eikä [kukaan vastaa|mitään tietoa saa].",
            "Luvattu päivä meni jo ja [odotan yhä|mitään ei ole näkynyt].",
        ),
        "wrong_size": (
            "Koko oli [väärä|aivan liian pieni|liian suuri|eri kuin kokotaulukossa].",
            "Tuote ({thing}) [ei sopinut|on pientä mitoitusta|on reilua mitoitusta].",
            "Tuote ({thing}) piti [vaihtaa|palauttaa] koon takia.",
        ),
        "defect": (
            "{thing} [hajosi|meni rikki|oli viallinen] [viikossa|parissa päivässä|heti alkuun].",
            "[Huonoa|Heikkoa] laatua: {thing} [oli naarmuilla|oli vaurioitunut|ei toimi].",
            "Laatu ei [vastaa|vastannut] [kuvia|kuvausta].",
        ),
        "complaint_defect": (
            "Saamani tuote ({thing}) on [rikki|viallinen|vaurioitunut]. [Hoitakaa asia.|Mitä aiotte tehdä?]",
            "Tuote ({thing}) on [rikki|viallinen] ja haluan rahani takaisin.",
            "En ole lainkaan tyytyväinen tuotteen laatuun ({thing}).",
            "{thing} [lakkasi toimimasta|petti] [heti|parissa päivässä], [tätä ei voi hyväksyä|näin ei voi olla].",
        ),
        "failed": (
            "Paketti [ei tullut koskaan perille|palautui lähettäjälle|katosi].",
            "Kuljettaja [ei tullut|ei jättänyt ilmoitusta], ja tilaus palautui.",
        ),
        "slow_case": (
            "[Selvittely|Vaihto|Koko asia] kesti [viikkoja|aivan liian kauan|yli kuukauden].",
            "Asiakaspalvelusta ei [vieläkään|viikkoihin] [vastausta|ratkaisua].",
            "Asia [venyi|jäi roikkumaan] ilman [vastausta|loppua].",
        ),
        "asked_often": (
            "Jouduin kysymään [yhä uudestaan|kolmesti|monta kertaa].",
            "Kukaan ei [soittanut takaisin|vastannut] ennen kuin [kysyin uudestaan|valitin].",
        ),
        "quick_help": (
            "Asiakaspalvelu [ratkaisi asian|auttoi|hoiti asian] [nopeasti|heti|samana päivänä].",
            "[Vaihto|Palautus|Ongelma] hoitui [nopeasti|sujuvasti|vaivatta].",
        ),
        "kind_staff": (
            "Henkilökunta oli [ystävällistä|avuliasta|todella mukavaa].",
            "[Ystävällistä|Kärsivällistä|Asiantuntevaa] [palvelua|neuvontaa] myymälässä.",
        ),
        "rude_wait": (
            "Jonotin [puoli tuntia|ikuisuuden].",
            "Kassalla liian vähän [väkeä|henkilökuntaa], pitkä [jono|odotus].",
        ),
        "good_product": (
            "{thing} on [juuri sopiva|erinomainen|mitä toivoin|hintansa väärti].",
            "[Hyvää|Erinomaista|Loistavaa] laatua[|, ostaisin uudestaan].",
            "{thing} [toimii|ajaa asiansa] [täydellisesti|oikein hyvin].",
        ),
        "fast_delivery": (
            "[Nopea|Ripeä] toimitus.",
            "Saapui [ajallaan|ennen luvattua|kahdessa päivässä].",
            "[Hyvin|Siististi] pakattu ja ajallaan.",
        ),
        "fine": (
            "[Ei erityistä|Tavallinen tilaus|Kuten ennenkin].",
            "[Kelpaa|Ok|Kaikki kunnossa].",
            "{thing} on ihan [ok|hyvä].",
        ),
        "friction": (
            "[Kassa|Maksaminen] [ei toiminut|antoi virheen] [kahdesti|monta kertaa].",
            "Maksu [ei mennyt läpi|takkusi] [ensin|puhelimella].",
        ),
        "mailing": (
            "Ja [lopettakaa|älkää lähettäkö] tarjouksia [kun asia on kesken|ennen kuin hoidatte tämän].",
            "[Samaan aikaan|Sillä välin] [mainoksia|alennuskirjeitä] tulee joka viikko.",
        ),
        "price": ("[Vähän|Melko] [kallis|hintava].", "[Hyvä|Reilu] hinta."),
        "regret": ("Muutin mieleni ({thing}).", "{thing} [ei ollut minulle|ei sopinutkaan meille]."),
    },
}


def expand(template: str) -> list[str]:
    """All sentences of a template.

    >>> expand("[Hi|Hello] you[|!]")
    ['Hi you', 'Hi you!', 'Hello you', 'Hello you!']
    """
    parts = [p[1:-1].split("|") if p.startswith("[") else [p] for p in re.split(r"(\[[^\]]*\])", template)]
    return ["".join(choice) for choice in itertools.product(*parts)]


@functools.cache
def sentences(language: str, topic: str, department: str) -> tuple[str, ...]:
    """Everything that can be said in a language about a topic and the goods of a department."""
    thing = THINGS[department][LANGUAGES.index(language)]
    said = [s.replace("{thing}", thing) for template in GRAMMAR[language][topic] for s in expand(template)]
    return tuple(s[:1].upper() + s[1:] for s in said)
