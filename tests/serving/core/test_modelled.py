"""What models of people say of customers enters decisions, records and replays; records of before still replay."""

import msgspec
import numpy as np
import pytest

from features.errors import ConfigError
from features.inputs.frame import CHURN_INPUTS
from serving.core.catalogue import DEFAULT_ACTIONS, parse_catalogue
from serving.core.conditions import Condition
from serving.core.decision import Decision
from serving.core.evidence import Evidence
from serving.core.items import Scored
from serving.core.live import KNOWN_FEATURES
from serving.core.modelled import Said, said_of_all, value_of
from serving.core.remembered import Remembered
from serving.core.scorer import WithoutModel
from serving.replaying import replay

AGAIN = 0.37
ONE_ORDER = {"orders_total": 1, "days_since_last_purchase": 30, "days_since_first_purchase": 30, "stage": 3}


class Models(WithoutModel):
    """A bundle that says the same of everybody, and of each kind of model how often it was asked about how many."""

    def __init__(self, articles):
        super().__init__(articles)
        self.__dict__["asked"] = []
        self.__dict__["manifest"] = msgspec.defstruct("Manifest", [("churn_inputs", list[str])])(list(CHURN_INPUTS))

    uses_inputs = True

    def churn(self, inputs, names):
        self.asked.append(("churn", len(inputs)))
        return np.full(len(inputs), 0.2)

    def second_purchase(self, inputs, names):
        self.asked.append(("second_purchase", len(inputs)))
        return np.full(len(inputs), AGAIN)

    def value(self, inputs, names):
        self.asked.append(("value", len(inputs)))
        return np.tile([4200.0, 0.0, 9000.0], (len(inputs), 1))

    def next_items(self, histories, at, k):
        return [[Scored("boots", 0.3, 2), Scored("coffee", 0.2, 1)] for _ in histories]


def of_nurture(decision):
    return next(c for c in decision.candidates if c.action_id == "second_purchase_nurture")


def with_condition(rule):
    text = DEFAULT_ACTIONS.read_text()
    start = text.index("  second_purchase_nurture:")
    place = text.index("    suitability: [", start) + len("    suitability: [")
    return parse_catalogue(text[:place] + rule + ", " + text[place:], known=KNOWN_FEATURES)


@pytest.fixture
def models(shop):
    return Models(shop.ARTICLES)


def test_the_shipped_catalogue_asks_of_churn_and_second_purchase_and_not_of_value(one, shop, models):
    decision = one(shop.ask("email", "email"), shop.regular(values=ONE_ORDER), scorer=models)
    assert models.asked == [("churn", 1), ("second_purchase", 1)]
    assert of_nurture(decision).response_probability == AGAIN
    assert decision.evidence.second_purchase == AGAIN and decision.evidence.value is None
    assert decision.evidence.inputs and "second_purchase_probability" not in decision.observed


def test_who_objects_is_not_put_before_a_model(shop, models, catalogue):
    rows = np.zeros((3, len(CHURN_INPUTS)))
    objects = np.array([False, True, False])
    found = said_of_all(rows, list(CHURN_INPUTS), objects, models, catalogue, Remembered())
    assert found[1] == Said() and found[0].second_purchase == AGAIN
    assert {n for _, n in models.asked} == {2}


def test_without_models_nothing_is_asked_and_stated_chances_stand(one, shop):
    decision = one(shop.ask("email", "email"), shop.regular(values=ONE_ORDER))
    assert decision.evidence.inputs == b"" and of_nurture(decision).response_probability == 0.08


def test_a_condition_may_speak_of_expected_value_in_minor_units(one, shop, models):
    for at_least, met in ((4000, True), (5000, False)):
        rule = f'{{feature: expected_value, op: ">=", value: {at_least}}}'
        decision = one(
            shop.ask("email", "email"), shop.regular(values=ONE_ORDER), scorer=models, catalogue=with_condition(rule)
        )
        assert decision.evidence.value == (4200.0, 0.0, 9000.0) and decision.observed["expected_value"] == 4200.0
        assert ("suitability" not in of_nurture(decision).gates) == met


def test_what_no_model_says_meets_no_condition(one, shop):
    rule = Condition(feature="second_purchase_probability", op=">=", value=0.0)
    catalogue = with_condition('{feature: second_purchase_probability, op: ">=", value: 0}')
    decision = one(shop.ask("email", "email"), shop.regular(values=ONE_ORDER), catalogue=catalogue)
    assert "suitability" in of_nurture(decision).gates and str(rule) == "second_purchase_probability >= 0"


def test_value_is_told_from_the_inputs_on_record_where_the_decision_did_not_need_it(one, shop, models):
    decision = one(shop.ask(), shop.regular(values=ONE_ORDER), scorer=models)
    assert value_of(decision.evidence, models) == (4200.0, 0.0, 9000.0)
    assert value_of(Evidence(), models) is None


def test_a_replay_asks_the_models_again(one, shop, models, policy, catalogue):
    decision = one(shop.ask("email", "email"), shop.regular(values=ONE_ORDER), scorer=models)
    assert replay(decision, policy, catalogue, models)["exact"]
    forged = msgspec.structs.replace(decision.evidence, second_purchase=0.9)
    found = replay(msgspec.structs.replace(decision, evidence=forged), policy, catalogue, models)
    assert {"field": "second_purchase", "recorded": 0.9, "replayed": AGAIN} in found["differences"]


def test_a_record_of_before_these_models_still_replays(one, shop, models, policy):
    """Evidence ended with the stage, and the nurture read a stored score alone."""
    text = DEFAULT_ACTIONS.read_text().replace("model: second_purchase, score:", "model: score, score:")
    then = parse_catalogue(text, known=KNOWN_FEATURES)
    snapshot = shop.regular(values=ONE_ORDER, scored={"second_purchase": 0.5})
    decision = one(shop.ask("email", "email"), snapshot, scorer=models, catalogue=then)
    assert models.asked == [("churn", 1)] and of_nurture(decision).response_probability == 0.5
    told = msgspec.msgpack.decode(msgspec.msgpack.encode(decision))
    evidence = told["evidence"]
    place = list(Evidence.__struct_fields__).index("second_purchase")
    del evidence[place:]
    kept = msgspec.msgpack.Decoder(Decision).decode(msgspec.msgpack.encode(told))
    assert kept.evidence == decision.evidence
    found = replay(kept, policy, then, models)
    assert found["exact"] and found["model"] == "equal", found["differences"]


def test_a_response_names_a_score_with_these_models_alone():
    text = DEFAULT_ACTIONS.read_text()
    with pytest.raises(ConfigError, match="model score and the name of a score"):
        parse_catalogue(text.replace("model: second_purchase, score:", "model: churn, score:"), known=KNOWN_FEATURES)
    without = text.replace("model: second_purchase, score: second_purchase", "model: second_purchase")
    assert parse_catalogue(without, known=KNOWN_FEATURES).uses_second_purchase
