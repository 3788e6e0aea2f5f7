"""Until when a customer is worth a look: never too short, whatever the rules; and over as soon as it can be told."""

from dataclasses import replace

import pytest
from customer_facts import RULES, case, day, delivery, fact, kinds_on, purchase, rating
from test_hold_table import ENDS, OPENS, OPENS_NOTHING

from features.customer.concern import FOREVER, concern_until
from features.customer.hold_rules import MAX_DAYS, HoldRules
from features.customer.holds import HOLD_KINDS
from features.customer.state import fold
from features.instants import to_us

LONGEST = HoldRules(
    **{kind: replace(RULES.rule(kind), lasts_days=MAX_DAYS, review_days=MAX_DAYS) for kind in HOLD_KINDS}
)
LATE = [delivery(0, "promised", promised=1), delivery(4, "delivered")]

UNTIL = {
    "nothing happened": ([], None),
    "a purchase, delivered on time": (
        [purchase(0, "O1", ("tea", 1, 500)), delivery(0, "promised", promised=3), delivery(2, "delivered")],
        None,
    ),
    "a delivery nobody promised": ([delivery(0, "shipped")], None),
    "a promise": ([delivery(0, "promised", promised=3)], FOREVER),
    "a late delivery that arrived": (LATE, 4 + MAX_DAYS),
    "a failed delivery that arrived": ([delivery(0, "failed"), delivery(4, "delivered")], 4 + MAX_DAYS),
    "a question": ([case(0, "opened", "question")], None),
    "a question with a promise": ([case(0, "opened", "question", promised=3)], FOREVER),
    "an open case": ([case(0, "opened")], FOREVER),
    "a case closed": ([case(0, "opened"), case(4, "closed")], 4 + MAX_DAYS),
    "a case closed and rated well": ([case(0, "opened"), case(4, "closed"), rating(5, 5, case_id="C1")], 4 + MAX_DAYS),
    "a case closed and rated badly": ([case(0, "opened"), case(4, "closed"), rating(5, 1, case_id="C1")], FOREVER),
    "and let go by a person": (
        [
            case(0, "opened"),
            case(4, "closed"),
            rating(5, 1, case_id="C1"),
            fact("hold", 200, action="release", hold_id="bad_resolution:C1"),
        ],
        200,
    ),
    "a good rating": ([rating(0, 5)], None),
    "a rating in between, bad under other rules": ([rating(0, 3)], MAX_DAYS),
    "a recommendation of 8, and of 9": ([rating(0, 8, "nps"), rating(9, 9, "nps")], MAX_DAYS),
    "friction": ([fact("friction", 0, kind="out_of_stock")], MAX_DAYS),
    "a low score": ([fact("score", 0, model="m", version="1", value=0.29)], None),
    "a low score with a low threshold of its own": (
        [fact("score", 0, model="m", version="1", value=0.29, scale_min=0.2)],
        MAX_DAYS,
    ),
    "a score": ([fact("score", 0, model="m", version="1", value=0.3)], MAX_DAYS),
    "a person's hold": ([fact("hold", 0, action="add", hold_id="S1")], FOREVER),
    "a person's hold, released": (
        [fact("hold", 0, action="add", hold_id="S1"), fact("hold", 4, action="release", hold_id="S1")],
        4,
    ),
}


@pytest.mark.parametrize(("facts", "until"), UNTIL.values(), ids=UNTIL)
def test_until_when(facts, until):
    expected = until if until in (None, FOREVER) else to_us(day(until))
    assert concern_until(fold(facts)) == expected


@pytest.mark.parametrize(("facts", "kind", "last", "first_free"), ENDS.values(), ids=ENDS)
def test_it_covers_every_row_of_the_table_to_its_last_day(facts, kind, last, first_free):
    assert (concern_until(fold(facts)) or 0) > to_us(day(last))


@pytest.mark.parametrize("facts", [*(row[0] for row in OPENS.values()), *OPENS_NOTHING.values(), LATE])
def test_it_covers_the_longest_rules_too(facts):
    until = concern_until(fold(facts)) or 0
    for on in range(0, 3 * MAX_DAYS, 5):
        if kinds_on(on, *facts, rules=LONGEST):
            assert until > to_us(day(on)), on
