"""What is answered: the decision, how every action fared, and why."""

from datetime import datetime
from typing import Any, Literal

import msgspec
import numpy as np

from features.customer.holds import Hold
from serving.core.evidence import Evidence, RunsOut
from serving.core.gate_names import names_of
from serving.core.question import Mode, Request

Arm = Literal["treated", "control", "holdout"]


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why, as a documented code and in plain words in English and Finnish."""

    code: str
    text: str
    text_fi: str = ""


class Item(msgspec.Struct, frozen=True, gc=False):
    """One product inside an action; `probability` is the chance that she buys it, where a model says so.

    `logging_propensity` is the chance with which it was drawn for its position, given those before it; 1 where ranked.
    `quantity` is what she usually takes of a favourite, `runs_out` when it does; `knowledge_url` tells what is worth
    knowing of it.
    """

    item_id: str
    title: str | None = None
    probability: float | None = None
    logging_propensity: float = 1.0
    quantity: int | None = None
    knowledge_url: str | None = None
    runs_out: RunsOut | None = None


class ChosenAction(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. Gains are minor units; `logging_propensity` is the unrounded chance with which it was drawn.

    `message` is what to tell her, in `language`; `text` and `text_fi` are the same for staff.
    """

    action_id: str
    treatment_id: str
    category: str
    rank: int
    response_probability: float
    expected_gain: float
    logging_propensity: float
    items: list[Item] = []
    message: str = ""
    language: str = ""
    text: str = ""
    text_fi: str = ""
    reasons: list[Reason] = []


class Candidate(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """How one action of the catalogue fared.

    `failed` is a bit mask (`gates.GATES` gives the bits), `rank` its place by gain among the survivors (0: blocked),
    `chances` its probability at each position drawn.
    """

    action_id: str
    category: str
    failed: int
    gates: tuple[str, ...]
    response_probability: float
    incremental_response: float
    expected_gain: float
    rank: int
    chances: tuple[float, ...] = ()


class Fared(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How all m actions fared, column by column: little-endian uint32 masks, float64 figures, uint16 ranks as bytes.

    `chances` has one column a position drawn.
    """

    actions: tuple[str, ...]
    categories: tuple[str, ...]
    failed: bytes
    response: bytes
    incremental: bytes
    gain: bytes
    ranks: bytes
    chances: tuple[bytes, ...]

    def candidates(self) -> list[Candidate]:
        """The same, one record an action."""
        masks: list[int] = np.frombuffer(self.failed, "<u4").tolist()
        odds = list(zip(*(np.frombuffer(c, "<f8").tolist() for c in self.chances), strict=True))
        columns = (np.frombuffer(c, "<f8").tolist() for c in (self.response, self.incremental, self.gain))
        ranks = np.frombuffer(self.ranks, "<u2").tolist()
        rows = zip(self.actions, self.categories, masks, *columns, ranks, strict=True)
        return [
            Candidate(
                action_id=action,
                category=category,
                failed=mask,
                gates=names_of(mask),
                response_probability=response,
                incremental_response=incremental,
                expected_gain=gain,
                rank=rank,
                chances=odds[j] if odds and not mask else (),
            )
            for j, (action, category, mask, response, incremental, gain, rank) in enumerate(rows)
        ]


class Withheld(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The would-be winner: what she would have got, and the gates that stood before it."""

    action_id: str
    category: str
    expected_gain: float
    gates: tuple[str, ...]
    item_ids: tuple[str, ...] = ()


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One answer and everything needed to explain and to replay it.

    `anonymous_id` is the visitor's, where asked with both ids. `arm_probability` is the chance with which she came into
    her arm; `crossover` are the arms that other identities of hers were in before they were known to be hers.
    `released_holds` were let go by chance (`exploration.predicted_release`).
    """

    decision_id: str
    customer_key: str
    decided_at: datetime
    mode: Mode
    channel: str
    placement: str
    arm: Arm
    state_status: str
    actions: list[ChosenAction]
    holds: list[Hold]
    no_action_reason: Reason | None
    withheld: Withheld | None
    fared: Fared
    evidence: Evidence
    versions: dict[str, str]
    no_action_propensity: float = 0.0
    arm_probability: float = 1.0
    crossover: tuple[str, ...] = ()
    released_holds: tuple[str, ...] = ()
    seed: str = ""
    context: dict[str, Any] = {}
    n: int = 1
    send_at: datetime | None = None
    anonymous_id: str | None = None
    superseded: bool = False
    latency_seconds: float = 0.0

    @property
    def candidates(self) -> list[Candidate]:
        """How each action of the catalogue fared."""
        return self.fared.candidates()

    @property
    def observed(self) -> dict[str, float]:
        """The features that conditions spoke of, where known."""
        return self.evidence.features

    def question(self) -> Request:
        """The question it answers, asked of the customer herself."""
        return Request(
            customer_id=self.customer_key,
            anonymous_id=self.anonymous_id,
            channel=self.channel,
            placement=self.placement,
            now=self.decided_at,
            context=self.context,
            n=self.n,
            mode=self.mode,
            send_at=self.send_at,
        )

    def bare(self) -> "Decision":
        """The decision without what only its record needs: of the evidence, the chances that a model gave alone."""
        evidence = Evidence(churn=self.evidence.churn, second_purchase=self.evidence.second_purchase)
        return msgspec.structs.replace(self, fared=_NOTHING, evidence=evidence)

    def plain(self) -> dict[str, Any]:
        """The decision in plain types for people: candidates one by one, without what only a replay needs."""
        found: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(self, fared=_NOTHING, evidence=Evidence()))
        del found["fared"], found["evidence"]
        return found | {
            "candidates": [msgspec.structs.asdict(c) for c in self.candidates],
            "observed": self.observed,
        }


_NOTHING = Fared((), (), b"", b"", b"", b"", b"", ())
