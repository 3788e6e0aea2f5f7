"""Random histories as a shop posts them, and the one thing more that goes wrong. Days are counted back from noon."""

from datetime import timedelta

from drawn_shops import NOON
from hypothesis import strategies as st

CASES = ("return", "exchange", "complaint", "question")
"""The kind of the case of each number."""
NOWHERE = st.none()
days = st.integers(0, 160).map(lambda quarter: quarter / 4)
recent = st.integers(0, 40).map(lambda quarter: quarter / 4)


def happening(kind, ago=days, /, touchpoint=NOWHERE, **payload):
    """A strategy for an event: (type, days ago, touchpoint, payload)."""
    drawn = {name: one if isinstance(one, st.SearchStrategy) else st.just(one) for name, one in payload.items()}
    return st.tuples(st.just(kind), ago, touchpoint, st.fixed_dictionaries(drawn))


def a_case(number, ago=days, **more):
    """A step of the case of a number."""
    return happening("case", ago, case_id=f"case{number}", kind=CASES[number], **more)


AT = (NOON - timedelta(days=3)).isoformat()
PLACES = st.sampled_from(["support", "checkout", None])
NUMBERS = range(len(CASES))
LINES = [{"item_id": "coffee", "quantity": 1, "unit_price": 1000, "discount": 0}]
BACK = [{"item_id": "coffee", "quantity": 1, "amount": 1000}]
bought = happening("purchase", order_id=st.sampled_from(["o1", "o2"]), currency="EUR", lines=LINES)
delivered = happening("delivery", order_id=st.sampled_from(["o1", "o2"]), carrier="carrier",
                      status=st.sampled_from(["shipped", "delivered", "delivered", "failed", "cancelled"]))  # fmt: skip
late = happening("delivery", recent, order_id=st.sampled_from(["o1", "o3"]), status="promised", promised_at=AT)
stepped = st.one_of(
    *(a_case(n, status=st.sampled_from(["opened", "customer_asked", "waiting_shop", "resolved", "resolved", "closed",
                                        "cancelled", "reopened"])) for n in NUMBERS)
)  # fmt: skip
rated = happening("feedback", touchpoint=PLACES, kind="rating", score=st.sampled_from([1, 3, 5]))
answered = happening(
    "feedback", kind="csat", case_id=st.sampled_from(["case1", "case2"]), score=st.sampled_from([1, 5])
)
friction = happening("friction", kind=st.sampled_from(["payment_error", "out_of_stock"]))
scored = happening("score", model="dissatisfaction", version="1", value=st.sampled_from([0.2, 0.65, 0.9]))
told = happening("contact", action_id=st.sampled_from(["recommended_items", "case_status", "x"]),
                 status=st.sampled_from(["sent", "sent", "unsubscribe"]))  # fmt: skip
held = happening("hold", action="add", hold_id="staff1", person="liisa", review_at=NOON.isoformat(),
                 channels=st.sampled_from([["email"], ["web"], []]),
                 categories=st.sampled_from([["sales"], ["care"]]))  # fmt: skip
released = happening("hold", action="release", person="liisa",
                     hold_id=st.sampled_from(["staff1", "bad_resolution:case1", "open_case:case1"]))  # fmt: skip
refused = happening("consent", recent, purpose=st.sampled_from(["marketing", "feedback", "profiling"]),
                    status=st.sampled_from(["withdrawn", "objected"]))  # fmt: skip
refused_in = happening("consent", recent, purpose="marketing", channel=st.sampled_from(["email", "web", "app"]),
                       status=st.sampled_from(["withdrawn", "objected"]))  # fmt: skip
granted = happening("consent", purpose="marketing", status="granted")
looked = happening("browse", recent, action="view", session_id="s", item_id="boots")

usual = [bought, bought, delivered, late, stepped, stepped, rated, answered, friction, scored, told, held, released,
         looked, refused, refused_in]  # fmt: skip
histories = st.lists(st.one_of(*usual, granted), max_size=8)
histories_without_a_later_grant = st.lists(st.one_of(*usual), max_size=6)

goes_wrong = st.one_of(
    happening("feedback", recent, kind="complaint", text="no"),
    happening("feedback", recent, touchpoint=PLACES, kind=st.sampled_from(["rating", "csat"]), score=1),
    happening("feedback", recent, kind="csat", case_id=st.sampled_from(["case1", "case2"]), score=1),
    happening("case", recent, case_id="new", kind=st.sampled_from([*CASES, "warranty"]), status="opened"),
    *(a_case(n, recent, status=st.sampled_from(["customer_asked", "reopened"])) for n in NUMBERS),
    refused,
    refused_in,
    happening("friction", recent, kind=st.sampled_from(["payment_error", "pickup_unavailable", "out_of_stock"])),
    happening("return", recent, order_id=st.sampled_from(["o1", "o2"]), lines=BACK),
    happening("contact", recent, action_id="recommended_items", status="dismiss"),
    happening("profile", recent, refused=["interest"]),
    late,
    happening("hold", recent, action="add", hold_id="staff2", person="liisa", review_at=NOON.isoformat(),
              channels=st.sampled_from([["email"], []]), categories=st.sampled_from([["sales"], ["care"], []])),
    happening("score", recent, model="dissatisfaction", version="1", value=0.9),
    happening("incident", recent, action="declare", person="liisa", reason="lorry"),
)  # fmt: skip
"""What never makes her easier to sell to."""
