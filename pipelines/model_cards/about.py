"""What stays true of a model from one training to the next: its purpose, its bounds, whom it may touch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TO_HER_HARM = "deciding anything to a customer's harm: prices, credit, the right to return, whether she is served"


@dataclass(frozen=True)
class About:
    """Sentences of a card. `window` names the days that what is predicted covers, as prepared.json does; None: no days.

    `cutoffs` names there the moments that were learned from. `gates` are keys of `promotion` in params.yaml.
    """

    title: str
    predicts: str
    use: Sequence[str]
    not_for: Sequence[str]
    personal: str
    limits: Sequence[str]
    without: str  # what happens where its sources are missing
    gates: Sequence[str]
    rule: str = "the simplest candidate that the best one does not clearly beat"
    fallback: str | None = None  # the figure of what is used without its sources, by its name in the report
    window: str | None = None
    cutoffs: str | None = None


_PEOPLE_DATA = (
    "Numbers of a customer's own purchases, browsing, feedback, deliveries, cases, returns and "
    "contacts, as of one moment. No name, "
    "address, age, sex, text or language is an input. The files hold weights and trees, no customer; "
    "the evidence beside them (ids, "
    "inputs, what happened) stays in the data folder and never enters a bundle."
)
_SILENT = "Customers on hold get no offers and so buy less: it knows what happens under the policy that was in force."
_BROWSERS = "Somebody known only by browsing was never learned from; she gets a figure all the same."
_PEOPLE_WITHOUT = (
    "A source that is not there makes its inputs absent; the model learns and predicts without them, from "
    "purchases alone if need be."
)
_PEOPLE_GATES = (
    "min_customers", "max_auc_loss", "max_brier_loss", "max_segment_auc_loss", "max_segment_shift", "min_churn_auc",
    "max_churn_ece",
)  # fmt: skip

ABOUT: Mapping[str, About] = {
    "churn": About(
        title="Churn",
        predicts="The probability that a customer who has bought before makes no purchase within the horizon.",
        use=[
            "weighing winning-back and loyal actions against each other and against silence",
            "lists for people who call",
        ],
        not_for=[
            "saying why she leaves: contributions say what the model looked at, not what would keep her",
            "customers who never bought",
            TO_HER_HARM,
        ],
        personal=_PEOPLE_DATA,
        limits=[_SILENT, _BROWSERS],
        without=_PEOPLE_WITHOUT,
        gates=_PEOPLE_GATES,
        window="horizon_days",
        cutoffs="churn_cutoffs",
    ),
    "second_purchase": About(
        title="Second purchase",
        predicts="The probability that a customer with exactly one order orders again within the horizon.",
        use=["choosing whom a first-time buyer's nurture reaches, and how"],
        not_for=["customers with more orders than one: churn is their model", TO_HER_HARM],
        personal=_PEOPLE_DATA,
        limits=[_SILENT, "One order tells little: expect the order of customers to be weaker than churn's."],
        without=_PEOPLE_WITHOUT,
        gates=_PEOPLE_GATES,
        window="horizon_days",
        cutoffs="churn_cutoffs",
    ),
    "value": About(
        title="Value",
        predicts="What a customer brings within the horizon, in minor units, with an interval of 80 %.",
        use=["weighing what an action may cost against what she is expected to bring"],
        not_for=["budgets of single customers: the interval is wide, most of it is chance", TO_HER_HARM],
        personal=_PEOPLE_DATA,
        limits=[_SILENT, "It does not know who will place an order larger than any seen."],
        without=_PEOPLE_WITHOUT,
        gates=["min_customers", "max_error_loss", "max_value_gap"],
        rule="the mean of the chance of an order times its amount and of BG/NBD with Gamma-Gamma",
        window="horizon_days",
        cutoffs="churn_cutoffs",
    ),
    "next_offer": About(
        title="Next offer",
        predicts=(
            "For each of up to 150 candidate items of a customer, the probability that she buys it within the window."
        ),
        use=["choosing the items of an offer or a recommendation, and its expected response"],
        not_for=[
            "the effect of showing an item: what she would have bought anyway is counted in",
            "items on hold, out of stock or out of season: rules take them out after it",
            TO_HER_HARM,
        ],
        personal=(
            "Which items she bought and when; no other source. The item table in the bundle holds "
            "sums over customers only."
        ),
        limits=[
            (
                "Lists are learned from what was bought, whatever was shown and wherever it stood; no "
                "correction for position is made."
            ),
            "It learns what sells, and so shows what sells already.",
            "Of an item that nobody has bought yet only its category and price are known.",
        ],
        without=(
            "It looks at purchases and at what the catalogue says of items; without browsing, "
            "feedback, deliveries or contacts it is the "
            "same model. Where the ranker is not clearly better, a rule of purchases alone is in force."
        ),
        gates=["min_customers", "max_ndcg_loss", "max_offer_ece", "max_concentration_move"],
        window="offer_window_days",
        cutoffs="offer_cutoffs",
    ),
    "sessions": About(
        title="Sessions",
        predicts="Which item, new to the session, a visitor looks at next.",
        use=["ordering what is shown beside an item within a visit, to somebody nothing else is known of"],
        not_for=["purchases: looking is not buying", "letters or lists", TO_HER_HARM],
        personal=(
            "Items looked at in past visits, by anyone, in order, without ids. What the visitor looks "
            "at now is used for the answer "
            "and not kept by the model."
        ),
        limits=["Learned from what was on show: what nobody could see, nobody looked at."],
        without="Without browsing there is no such model: what goes together by past sales is shown instead.",
        gates=["min_customers", "max_ndcg_loss"],
        fallback="goes_with.mrr",
    ),
    "dissatisfaction": About(
        title="Dissatisfaction",
        predicts=("The probability that the writer of a text is dissatisfied, as her own score beside it would say."),
        use=[
            "holding sales messages back from somebody who wrote that she is unhappy, at once",
            "ordering what people answer first",
        ],
        not_for=[
            "judging staff, or one writer: both its errors are below",
            "anything but silence and help: it may hold, never sell",
            TO_HER_HARM,
        ],
        personal=(
            "Texts that customers wrote, and what was known of their orders and cases then. The model "
            "keeps words and pieces of words that "
            "at least two texts have, so what only one person wrote is not in it; what two wrote may "
            "be, a name too. A bundle keeps "
            "them until the next retraining. The evidence beside it holds ids and probabilities, no words."
        ),
        limits=[
            "The score given with a text is taken for its truth.",
            (
                "The errors are those of the model that learned from older texts alone; the one in force "
                "learned from all."
            ),
            "Irony, and languages the shop has few rated texts of.",
        ],
        without=(
            "Without rated texts seed words of seven languages judge, without a threshold of their own: "
            "the policy's holds."
        ),
        gates=["max_dissatisfaction_ece", "max_miss_rate", "max_needless_rate", "max_auc_loss"],
        rule=("what was learned, unless seed words are clearly better; facts where held-out texts say that they help"),
        fallback="seed_words.auc",
    ),
}
"""By the name of the model's folder in `home.models`, in the order they are told."""
