"""The page docs/decisions-explained.md, written by running the story."""

import hashlib
import json
import textwrap
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from features.customer.holds import RELEASE_CODES
from pipelines.explained.arithmetic import draw_told, gains_told
from pipelines.explained.story import WHO, Story, told
from pipelines.show import money
from serving.core.decision import Decision
from serving.core.gate_names import NAMES
from serving.core.words import HOLDS
from serving.record_body import pack

PAGE = Path(__file__).parents[2] / "docs" / "decisions-explained.md"
COMMAND = "tahdikas explain-decision"
WIDTH = 125


def explained_page() -> str:
    """The whole page, the same whenever and wherever it is made."""
    with told() as story:
        return _page(story)


def _page(story: Story) -> str:
    """Each part says one step; the sentences between are for a newcomer."""
    letter = story.asks("email", "email", record=True)
    story.sent(letter)
    story.now += timedelta(hours=2)
    opened = story.posts("case", touchpoint="support", case_id="rma-7", kind="exchange", status="opened",
                         order_id="order-5", reason="too small")  # fmt: skip
    story.now += timedelta(days=1)
    asked = story.posts("case", touchpoint="support", case_id="rma-7", kind="exchange", status="customer_asked")
    story.now += timedelta(seconds=1)
    decision = story.asks("front_page", "web", n=2, record=True)
    force = story.service.in_force(story.now)
    why = story.service.explained(decision.decision_id) or {}
    replay = story.service.replay(decision.decision_id) or {}
    customer = story.service.customer(WHO, story.now) or {}
    parts = [
        _beginning(letter),
        _events([opened, asked]),
        _facts(customer),
        _view(decision, customer),
        _question(decision),
        _evidence(decision, [w.days for w in force.policy.file.contact_cap.windows]),
        _gates(why),
        gains_told(decision, force.policy, force.catalogue),
        draw_told(decision, force.policy),
        _answer(decision),
        _record(decision, replay),
        _why(why),
        _afterwards(story),
    ]
    return "\n\n".join(_filled(part) for part in parts) + "\n"


def _beginning(letter: Decision) -> str:
    action = letter.actions[0]
    return f"""# One decision, taken apart

This page follows one decision of the real service from the event that came in to the answer that went out. Nothing
here is written by hand but the sentences: `{COMMAND}` runs a tiny shop and prints the page, and a test compares. What
each word means is told in [How one decision is made](decisions-api.md) and [Holds](holds.md).

**The story.** Aino is a regular customer of a small shop: four orders of coffee, and nine days ago a pair of
sneakers. On the morning of {letter.decided_at:%-d %B %Y} the shop asks what its newsletter may bring her, and the
answer is `{action.action_id}` ({action.text.lower()}), with an expected gain of {money(action.expected_gain)} euros.
It is sent. Two hours later she opens an exchange: the sneakers are too small. The next day she has to ask what is
becoming of it. A second later she comes to the front page. What may the shop show her?"""


def _events(events: Sequence[dict[str, Any]]) -> str:
    shown = "\n".join(json.dumps(event, ensure_ascii=False) for event in events)
    return f"""## 1. The events

The shop posts what happens to `/v1/events`. These are the last two about her:

{_block(_wrapped(shown), "json")}

Each is checked ([Events](events.md) says for what), written to the disk, and answered with `accepted`. From that
moment every decision knows it, in every channel and on every worker."""


def _facts(customer: dict[str, Any]) -> str:
    orders = ", ".join(f"{o['order_id']} ({', '.join(o['items'])})" for o in customer["orders"])
    (case,) = customer["cases"]
    contacts = ", ".join(f"{c['action_id']} by {c['channel']}, {c['status']}" for c in customer["contacts"])
    consents = ", ".join(f"{c['purpose']} {c['status']}" for c in customer["consents"])
    return f"""## 2. The facts, folded into her state

Her accepted events, in the order in which they happened, are her facts. A fold turns them into one compact state, the
same whatever order they arrived in. In words it says:

| | |
|---|---|
| orders | {orders} |
| consents | {consents} |
| cases | {case["case_id"]}: {case["kind"]}, {case["status"]}, asked {case["asked"]} time, still open |
| contacts | {contacts} |

The state holds instants, never ages: an age is taken when somebody asks."""


def _view(decision: Decision, customer: dict[str, Any]) -> str:
    rows = []
    for hold in decision.holds:
        covers = ", ".join((*hold.covers.categories, *hold.covers.groups))
        channels = "every channel" if len(hold.covers.channels) == 7 else ", ".join(hold.covers.channels)
        ends = f"{hold.ends_at:%Y-%m-%d}" if hold.ends_at else f"when {RELEASE_CODES[hold.release_when]}"
        review = f"{hold.review_at:%Y-%m-%d}" if hold.review_at else ""
        what = f"{HOLDS[hold.kind][0]} (`{hold.kind}`)"
        rows.append((what, str(hold.severity), covers, channels, ends, review))
    features = {f: v for f, v in decision.observed.items() if f in ("open_cases", "max_case_severity")}
    told = ", ".join(f"`{name}` {value:g}" for name, value in features.items())
    return f"""## 3. The view: what that means now

At {decision.decided_at:%H:%M:%S} UTC the state is looked at. Holds follow from it; nobody switched one on:

{_table(("hold", "severity", "covers", "where", "ends", "a person looks by"), rows)}

An open exchange has severity 2. She had to ask once, which makes it 3. The same look gives the features that rules
speak of, {told} among them, and the state's status: `{customer["state_status"]}`. Were it anything else, nothing
could be sold at all."""


def _question(decision: Decision) -> str:
    asked = {
        "customer_id": WHO, "channel": decision.channel, "placement": decision.placement, "n": decision.n,
    }  # fmt: skip
    return f"""## 4. The question

The shop asks `POST /v1/decisions` what the two positions of its front page may show:

{_block(json.dumps(asked), "json")}"""


def _evidence(decision: Decision, windows: Sequence[float]) -> str:
    shown: dict[str, Any] = msgspec.to_builtins(
        dict(zip(decision.evidence.__struct_fields__, msgspec.structs.astuple(decision.evidence), strict=True))
    )
    shown["holds"] = [{"hold_id": h.hold_id, "kind": h.kind, "severity": h.severity, "…": "…"} for h in decision.holds]
    shown["features"] = {name: float(f"{value:.6g}") for name, value in decision.observed.items()}
    shown["items"] = {a: [i.item_id for i in items] for a, items in decision.evidence.items.items()}
    shown = {name: value for name, value in shown.items() if value not in (None, "", [], {}, (), False)}
    lines = [f'  "{name}": {json.dumps(value, ensure_ascii=False)}' for name, value in shown.items()]
    return f"""## 5. The evidence

Before deciding, all that the decision may look at is laid down in one record. From here on no store, model or clock is
asked: this record, the question, the policy and the catalogue of actions give the answer, today and in a year.

{_block(_wrapped("{" + chr(10) + ("," + chr(10)).join(lines) + chr(10) + "}"), "json")}

`features` are the values that rules speak of. `spent` is how much she has heard from us in the windows of the contact
cap, {_listed([f"{days:g}" for days in windows])} days: yesterday's letter weighs 1. `items` are the products each
action would show. `about` says when her case, her deliveries and her orders last changed, in seconds since 1970. What
is empty is left out here, and this tiny shop has no models, so chances of a response are those stated in the
catalogue."""


def _gates(why: dict[str, Any]) -> str:
    columns = [gate for gate in NAMES if any(gate in c["gates"] for c in why["candidates"])]
    rows = [
        (f"`{c['action_id']}`", c["category"], *("closed" if g in c["gates"] else "" for g in columns))
        for c in why["candidates"]
    ]
    words: dict[str, str] = {}
    for candidate in why["candidates"]:
        words |= {block["gate"]: block["text"] for block in candidate["blocks"]}
    legend = "\n".join(f"- `{gate}`: {words[gate]}" for gate in columns)
    open_ones = _listed([f"`{c['action_id']}`" for c in why["candidates"] if not c["gates"]])
    return f"""## 6. The gates

Every gate looks at every action, also where another has closed already, so that nothing depends on their order and
every reason is on record. {len(NAMES)} gates looked; these were closed for something:

{_table(("action", "category", *(f"`{c}`" for c in columns)), rows)}

{legend}

Only {open_ones} stand. The hold alone keeps back everything that sells. It does not touch the status of her case:
help to put things right is never held. Where `applicability` is closed, an action's own rule is not met: no parcel is
late, no case waits for the question whether it went well, and at severity 3 nobody has to be called yet."""


def _answer(decision: Decision) -> str:
    plain = decision.plain()
    shown = {
        "state_status": plain["state_status"],
        "actions": [
            {k: a[k] for k in ("action_id", "treatment_id", "category", "rank", "logging_propensity", "message")}
            | {"reasons": [r["text"] for r in a["reasons"]]}
            for a in plain["actions"]
        ],
        "withheld": {k: plain["withheld"][k] for k in ("action_id", "gates")}
        | {"expected_gain": round(plain["withheld"]["expected_gain"], 3)},
        "holds": [h["hold_id"] for h in plain["holds"]],
    }
    return f"""## 9. The answer

Shortened to what matters here (the API's page at `/docs` shows every field, and each text in Finnish too):

{_block(json.dumps(shown, indent=2, ensure_ascii=False), "json")}

The front page shows her the status of her exchange, and nothing is sold beside it. `withheld` is what she would have
got, and what stood before it: that is how the cost of silence can be told later."""


def _record(decision: Decision, replay: dict[str, Any]) -> str:
    size = len(pack(_nameless(decision)))
    different = "no difference" if replay["exact"] else f"differences: {replay['differences']}"
    return f"""## 10. The record, and the replay

Before the answer leaves, it is on the disk, with the evidence and with how each of the {len(decision.candidates)}
actions fared: about {size / 1024:.0f} KiB. The texts of the policy and of the catalogue are kept once, by their
hashes, for as long as a record rests on them.

`tahdikas replay` takes the decision again from that record alone, gate by gate and draw by draw, and compares
everything: **{different}**. That stays so after later events, other models and another policy."""


def _why(why: dict[str, Any]) -> str:
    blocked = next(c for c in why["candidates"] if c["action_id"] == why["withheld"]["action_id"])
    ends = [(f"`{b['gate']}`", b["text"], b["ends"]) for b in blocked["blocks"]]
    by_text: dict[str, list[str]] = {}
    for one in why["without"]:
        by_text.setdefault(one["text"], []).append(f"`{one['gate']}`")
    without = [(_listed(sorted(gates), "or"), text.replace("Without it ", "")) for text, gates in by_text.items()]
    return f"""## 11. Why, and why not

`tahdikas why` tells the same to people. What keeps `{blocked["action_id"]}` back, and until when:

{_table(("gate", "because", "it opens"), ends)}

And what would have been best for the first position had one gate alone stood open, all else being as it was:

{_table(("without", "then"), without)}

No single gate keeps an offer back here: the open exchange closes two, and even beside an open offer its status would
have come first, since it is worth more to her and to the shop."""


def _afterwards(story: Story) -> str:
    step = {"touchpoint": "support", "case_id": "rma-7", "kind": "exchange"}
    bad: dict[str, Any] = {"touchpoint": "support", "kind": "csat", "case_id": "rma-7", "score": 1}

    def release(hold_id: str) -> dict[str, Any]:
        return {"action": "release", "hold_id": hold_id, "person": "liisa", "reason": "called, all is well"}

    happenings: list[tuple[str, float, str, dict[str, Any]]] = [
        ("She asks again", 1, "case", step | {"status": "customer_asked"}),
        ("The right shoes arrive, and the case is resolved", 2, "case", step | {"status": "resolved"}),
        ("She says it went badly: 1 of 5", 1, "feedback", bad),
        ("Liisa calls her, puts it right, and ends both holds of the case", 1, "hold", release("bad_resolution:rma-7")),
        ("", 0, "hold", release("open_case:rma-7")),
        (
            "She rates the service desk again: 5 of 5",
            3,
            "feedback",
            {"touchpoint": "support", "kind": "csat", "score": 5},
        ),
    ]
    rows = []
    for place, (words, days, kind, payload) in enumerate(happenings):
        story.now += timedelta(days=days)
        story.posts(kind, **payload)
        if place + 1 == len(happenings) or happenings[place + 1][0]:
            said = words or happenings[place - 1][0]
            rows.append((f"{story.now:%-d %b}", said, *_stands(story)))
    heads = ("day", "what happens", "holds after it", "front page", "newsletter")
    return f"""## 12. What the next events change

The story goes on. After each event the same two questions are asked again, without leaving a trace (`simulate`):

{_table(heads, rows)}

In brackets is the severity. Asking again makes the case grave, and at severity 4 the next best action is a person's
call: nothing else stands beside it. A bad word about how a case was resolved holds until a person has seen to it; no
clock ends that one. A bad rating ends with time, or with a good one for the same touchpoint. Each answer follows from
facts alone, and each can be taken apart as this one was."""


def _stands(story: Story) -> tuple[str, str, str]:
    page, letter = story.asks("front_page", "web"), story.asks("email", "email")
    holds = ", ".join(f"`{h.kind}` ({h.severity})" for h in page.holds) or "none"
    return holds, _shown(page), _shown(letter)


def _shown(decision: Decision) -> str:
    if decision.actions:
        return f"`{decision.actions[0].action_id}`"
    reason = decision.no_action_reason
    return f"nothing: {reason.text}" if reason else "nothing"


def _nameless(decision: Decision) -> Decision:
    """The same without what differs from run to run: its id, its latency, and the versions' hashes."""
    versions = {k: hashlib.sha256(k.encode()).hexdigest()[: len(v)] for k, v in decision.versions.items()}
    return msgspec.structs.replace(decision, decision_id="d" * 30, latency_seconds=0.0, versions=versions)


def _listed(words: Sequence[str], last: str = "and") -> str:
    """Words as a sentence lists them."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _filled(part: str) -> str:
    """Paragraphs in lines of even length; headings, tables, lists and blocks as they are."""
    found, block = [], False
    for paragraph in part.strip().split("\n\n"):
        plain = not block and not paragraph.startswith(("#", "|", "-", "```"))
        found.append(textwrap.fill(" ".join(paragraph.split()), WIDTH) if plain else paragraph)
        block ^= paragraph.count("```") % 2 == 1
    return "\n\n".join(found)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (heads, *rows)]
    return "\n".join([lines[0], "|---" * len(heads) + "|", *lines[1:]])


def _block(text: str, language: str) -> str:
    return f"```{language}\n{text}\n```"


def _wrapped(text: str, width: int = WIDTH) -> str:
    """Long lines broken after a comma, what follows indented."""
    lines = []
    for line in text.splitlines():
        while len(line) > width and (cut := line.rfind(", ", 0, width)) > 20:
            lines.append(line[: cut + 1])
            line = "      " + line[cut + 2 :]
        lines.append(line)
    return "\n".join(lines)
