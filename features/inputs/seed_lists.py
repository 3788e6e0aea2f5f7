"""The words and sayings of `features/inputs/seed_words.py`, in small letters without accents, written by hand."""


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


COMPLAINT = {
    "en": "bad poor poorly broke broken defect damag faulty wrong late delay never refund complain refuse slow waste "
    "missing lost cancel unhappy avoid problem mess messy messed ignor still unfortunate frustrat annoy angry waited "
    "nobody worse error fake incorrect ruined excuses smash shatter torn weeks",
    "fi": "huono rikki viallinen vialliset vaara vaaran myohas myoha viivast valitta valittanut valitus hidas hidasta "
    "turha turhaan puuttu kadon perui ongelm virhe sopimat hukas ikava odottanut koskaan vielakaan vielakin epaonn "
    "epaselv toimimat hyvitys hankala reklam sarkyn sarkyi rikkout sapal viikkoa",
    "sv": "dalig daligt daliga trasig trasigt fel felaktig forsen aldrig vantat saknas klaga langsam skadad problem "
    "tyvarr fortfarande ingen reklam obesvarad sonder sonderslag veckor",
    "pt": "ruim atras quebrad defeit errad nunca falt demor reclam devol problem cancel prejuiz ainda troca incomplet "
    "danific pior falsific",
    "es": "malo mala roto rota defect equivoc tarde retras nunca falta lento problem queja todavia peor danad",
    "de": "schlecht kaputt defekt falsch spat verspat nie fehlt beschwer langsam problem beschadig mangel leider "
    "zerstort zerbroch zerrissen wochen",
    "fr": "mauvais nul nulle casse defaut defectu retard erreur jamais manqu lent probleme plainte abime toujours",
}
"""What may come with any question."""
OUTRAGE = {
    "en": "terribl horribl awful worst appalling dreadful atrocious disgust disgrac pathetic outrag ridiculous "
    "shameful disappoint dissatisf unaccept unprofession incompetent useless rude scam fraud liar cheat robbed "
    "regret",
    "fi": "kamala hirve surke pettym pettyn petyin tyytymat kelvot torke naurettav hapeallis luokaton huijau huijar "
    "ammattitaidot valinpitamat",
    "sv": "samst hemsk usel bedrovl katastrof skandal oaccept besvik missnojd urusel skamlig bluff bedrageri lurad "
    "angrar",
    "pt": "pessim horriv decepc insatisf lixo lamentav vergonh absurd descaso desrespeit enganad fraude golpe",
    "es": "pesim horrib decepcion insatisf verguenza estafa lamentable enganad",
    "de": "furchtbar schrecklich katastroph unverschamt enttausch unzufrieden betrug betrog frechheit abzock miserabel "
    "inakzeptabel unzumutbar mieser miese bereu",
    "fr": "horrible decu decue decevant insatisf arnaque honteux scandal inadmissible lamentable",
}
"""What nobody writes who is content: one such word is enough, and counts as two complaints."""
PRAISE = {
    "en": "good great excellent perfect love loved happy satisfied recommend fast quick easy easily thank thanks nice "
    "best wonderful amazing smooth friendly helpful awesome pleased fantastic reliable prompt super",
    "fi": "hyva hyvaa hyvin hyvat loistav erinoma mahtav kiito tyytyvai suosit nopea nopeasti nopeaa helppo "
    "helposti ihana paras parasta ystavall mainio toimiva upea hieno sujuv luotettav",
    "sv": "bra utmarkt perfekt snabb nojd tack rekommender fantastisk jattebra smidig trevlig bast basta",
    "pt": "otimo otima bom boa excelente perfeit ador amei recomend rapid satisfeit gostei gosto parabens "
    "maravilh lindo linda qualidade certo feliz antes",
    "es": "bueno buena buen excelente perfect rapid contento contenta gracias recomend encant satisfech genial",
    "de": "gut gute super toll perfekt schnell zufrieden danke empfehl prima wunderbar freundlich beste besten bestens",
    "fr": "bon bonne bien excellent parfait rapide content contente merci recommand super satisfait genial agreable",
}
WHOLE = _listed("best beste good mess lent sonder wochen")
"""Entries that begin other words as well: bestellen, beställa, goods, message, lentils, sondern, Wochenende."""
NEGATION = _listed(
    "not no never nothing t dont doesnt didnt isnt wasnt wont cannot without ei eivat eika ette koskaan ilman inte "
    "inget ingen ej aldrig utan nao sem nem nunca sin nicht nichts kein keine keinen nie ohne pas jamais sans"
)
DENIED_BY_EN = _listed("ole ollut suosittele pida pitanyt saanut usko")
"""What makes "en" the Finnish "I do not": in Swedish it is "a", in French "in"."""

LEAVING = tuple(
    tuple(map(_listed, language))
    for language in (
        (
            "not t never wont dont no",
            "buy buying order ordering shop shopping purchase purchasing",
            "again anymore more longer ever",
        ),
        (
            "en emme",
            "osta ostan ostaa ostamaan tilaa tilaan tilata tilaamaan asioi asioida asioimaan hanki hankin hankkia",
            "enaa ikina toiste uudelleen jatkossa",
        ),
        ("inte aldrig ej", "handla handlar kopa koper bestalla bestaller", "mer mera igen langre"),
        ("nicht nie nichts niemals", "kaufe kaufen einkaufen bestelle bestellen", "mehr wieder"),
        ("nao nem nunca jamais", "compro compramos comprar comprarei compraria", "mais novamente"),
        ("no nunca jamas", "compro compramos comprar comprare", "mas"),
        ("ne n", "acheter achete acheterai commander commande commanderai", "plus jamais"),
    )
)
"""Refusals, words of buying, and words for good: one of each, the first two near each other, and she leaves."""
NOUN_AFTER = _listed("my your our the an this that every each")
ELSEWHERE = _listed("elsewhere muualta muualla annanstans woanders anderswo ailleurs")
NO_REFUSAL = _listed(
    "hesitate tveka zogern wait regret need can cannot could voi voinut kan kunde behover kann konnte posso consigo "
    "else outra outro otra otro"
)
"""Who need not, cannot, or would not hesitate to buy again does not leave, nor does who would buy nowhere else."""

COUNTS = _listed(
    "second third fourth fifth sixth tenth nth umpteenth hundredth two three four five six ten many several "
    "toista kolmatta neljatta viidetta kuudetta kolmas neljas viides kaksi kolme nelja viisi kuusi monta useita "
    "monennen monetta andra tredje fjarde femte sjatte tva tre fyra fem sex manga flera upprepade "
    "zweiten dritten vierten funften sechsten zwei drei vier funf viele mehrere "
    "segunda terceira quarta quinta enesima duas tres quatro cinco varias muitas inumeras"
)
TIMES = _listed(
    "time times e mail email message letter reminder kertaa kerta kerran kertoja viesti viestia sahkopostia gangen "
    "ganger mejlet mejl mal male nachricht vez vezes"
)
OFTEN = _listed("repeatedly twice toistuvasti useasti monesti mehrmals mehrfach zweimal dreimal viermal funfmal")
ANSWERED = _listed("got received sain saimme fick bekam erhielt recebi")
ASKING = tuple(
    _listed(
        "ask writ wrote sent contact call phon mail email request remind messag complain kysy kysel pyyd pyyt kirjoit "
        "soit laitt viesti reklamoi muistut yhtey frag mejl skriv skrev ringer ringt ringde kontakt paminn bett "
        "schreib schrieb geschrieb anruf angeruf gebeten pergunt escrev liguei reclam solicit"
    )
)
"""What is asked the n-th time: a count, a word for times, and one that begins with one of these; and no answer."""

SAYINGS = """
never again
never .. buy|order|shop|purchase from|here|with|anything
is|was|be|s the|my|our last time|order|purchase
for the last time
lost|forget .. customer
go|going|off|switch|switching|moving .. competitor|competition
waste of money|time
is|was a joke
heard|hear nothing
no|any sign of
buy|order|shop .. somewhere else
had it with
close|closing|delete|cancel my|our account
money back|returned
want|demand|need|expect .. refund|compensation|money
stop|quit sending|mailing|emailing|spamming|texting
nobody|no_one|noone .. answers|answer|answered|replies|reply|replied|responds|respond|responded|cares|helps
no answer|reply|response
not|t|never .. answer|answered|reply|replied|respond|responded|arrive|arrived|receive|received|delivered
has|have|did not come
hasn|haven|didn t come
never come|came
still no|not|waiting|t
not|t|never|cannot recommend
how often .. i have|must|need

viimeinen|vika kerta
viimeisen kerran
asiakkuuteni paatty*|loppu*
menetitte .. asiakkaan
siirryn|vaihdan|menen .. kilpaili*
rahat|rahaa hukkaan
on .. vitsi
kuulu|kuulunut mitaan
kadun etta
vaihdan|vaihdamme kauppaa
ikina|enaa|koskaan enaa|ikina|koskaan
raha* takaisin
vaadin|vaadimme|haluan|haluamme .. hyvity*|korvau*|raha*
poistakaa|sulkekaa|poistan|lopetan .. tilini|asiakkuuteni
alkaa enaa|lahettako
lopettakaa|lopeta .. lahett*|mainos*|mainonta|tarjous*|viesti*
kukaan ei .. vasta*|auta
ei|eivat|ette vastata|vastattu|vastausta|vastaa|vastanneet
ilman vastausta
ei|eivat .. tullut|tulleet|saapunut|saapuneet|toimitettu
en|emme .. saanut|saaneet
en|emme suosittele
ala arvoi*

var|ar|blir sista gangen|kopet|bestallningen
for sista gangen
aldrig mer|mera|igen
pengarna|pengar tillbaka
forlorat|tappat .. kund
byter|gar .. annan_butik|konkurrent*
bortkastade pengar
ar|var ett skamt
inte|inget .. ljud|hort
kraver|vill .. aterbetalning*|ersattning*|pengarna
avsluta|stang|radera .. konto|medlemskap|kundkonto
sluta skicka|mejla|maila|spamma
ingen .. svarar|svarat|hjalper
inget|utan svar
inte|aldrig .. svar|svarat|svarar|kommit|fatt|levererats|mottagit
under all kritik
hur ofta .. ska|maste

war|ist das letzte mal
zum letzten mal
nie wieder|mehr
geld zuruck
kunden|kundin verloren
gehe|wechsle .. konkurrenz
rausgeworfenes geld
ist ein witz
hore|hort|gehort .. nichts
nichts gehort
verlange|fordere|will|erwarte .. ruckerstattung|erstattung|geld
loschen|loscht|kundigen|kundige .. konto
horen|hort .. auf
niemand|keiner .. antwortet|reagiert|hilft|meldet
keine antwort|reaktion|ruckmeldung
nicht|nie .. angekommen|erhalten|geliefert|bekommen|geantwortet
mir reicht es
es reicht mir
wie oft muss|soll

nunca mais
foi|e|sera .. ultima vez|compra
meu dinheiro
dinheiro de volta
quero|exijo|solicito .. reembolso|estorno|devolucao
nao|nem|nunca .. recebi|recebemos|chegou|chegaram|entregue|entregaram|entregou|veio|vieram
recebi apenas|somente|so
so|apenas|somente recebi|veio
ninguem .. responde|respondeu|atende|resolve
nao|sem .. resposta|retorno|respondem|responde|responderam|respondeu
nao recomendo

nunca mas
jamas volvere
mi dinero
no .. volvere|vuelvo|volveria|recibido|llegado
nadie .. responde|contesta

plus jamais
jamais plus
mon argent
pas .. recu|arrive|livre
personne .. repond
"""
"""Each line says that one leaves, wants her money back, is not answered, or has not got what she bought.

`a|b`: one of these; `no_one`: two words; `raha*`: whatever begins so; `..`: up to three words more.
"""
