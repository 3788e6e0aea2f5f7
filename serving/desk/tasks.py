"""What a person should do for one customer, task by task: call her, bring a case to an end, look at a hold again."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from features.customer.holds import Hold
from features.customer.view_parts import CaseView
from features.instants import to_us
from serving.core.words import HOLDS
from serving.desk.call_list import Call
from serving.desk.lens import Standing
from serving.desk.watch_list import UNKNOWN_SEVERITY
from serving.desk.words import UNKNOWN_ENDS

KINDS = ("call", "quarantine", "bad_resolution", "open_case", "review", "predicted")
"""Of equally grave tasks the earlier kind comes first."""

GRAVE_CASE = 2
"""From this severity on an open case is a task; an ordinary return on time or a question is none."""

WAITS_FOR_HER = "waiting_customer"

CASES_FI = {
    "return": "palautus",
    "exchange": "vaihto",
    "complaint": "reklamaatio",
    "warranty": "takuuasia",
    "delivery_claim": "toimitusreklamaatio",
    "question": "kysymys",
}


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do. Which of the later fields say anything follows from the kind.

    `days_open`, `promised_by`, `late` (the promise is broken) and `asked` are of a case; `detail` says what a hold is
    about, `rejected` names rejected events, `quiet` that it is night where she lives: call later.
    """

    kind: str
    severity: int
    since: datetime | None
    text: str
    text_fi: str
    action_id: str | None = None
    quiet: bool = False
    hold_id: str | None = None
    case_id: str | None = None
    days_open: int | None = None
    promised_by: datetime | None = None
    late: bool = False
    asked: int = 0
    detail: str = ""
    rejected: list[str] = []

    @property
    def urgency(self) -> tuple[bool, int, int]:
        """A call outranks all; then the gravest, then by kind."""
        return self.kind != "call", -self.severity, KINDS.index(self.kind)


def tasks_of(
    standing: Standing, cases: Sequence[CaseView], call: Call | None, rejected: Sequence[str], now: datetime
) -> list[Task]:
    """All her tasks, the most urgent first. Who was erased is nobody's task; nor is what an incident holds."""
    if standing.problem == "erased":
        return []
    found = [
        *(() if call is None else (_call(call),)),
        *((_quarantine(rejected),) if standing.problem == "rejected_event" else ()),
        *(task for hold in standing.holds for task in _of_hold(hold, now)),
        *(_open_case(case, now) for case in cases if case.is_open and case.severity >= GRAVE_CASE),
    ]
    return sorted(found, key=lambda t: (*t.urgency, _us(t.since), t.case_id or "", t.hold_id or ""))


def _us(moment: datetime | None) -> int:
    return 0 if moment is None else to_us(moment)


def _call(call: Call) -> Task:
    return Task(
        kind="call",
        severity=call.severity,
        since=call.since,
        text=call.text,
        text_fi=call.text_fi,
        action_id=call.action_id,
        quiet=call.quiet,
    )


def _quarantine(rejected: Sequence[str]) -> Task:
    english, finnish = UNKNOWN_ENDS["rejected_event"]
    return Task(
        kind="quarantine",
        severity=UNKNOWN_SEVERITY,
        since=None,
        text=f"Until then nothing is sold to her: {english}",
        text_fi=f"Siihen asti hänelle ei myydä mitään: {finnish}",
        rejected=list(rejected),
    )


def _of_hold(hold: Hold, now: datetime) -> Iterator[Task]:
    """A hold may be a task for what it is, and for its review that is due."""
    why, why_fi = HOLDS.get(hold.kind, (hold.kind, hold.kind))
    if hold.kind == "bad_resolution":
        yield _about(
            hold,
            "bad_resolution",
            "Ask her what is still wrong, put it right, then release the hold",
            "Kysy, mikä on yhä pielessä, korjaa se ja vapauta sitten pito",
        )
    if hold.kind == "predicted":
        yield _about(
            hold,
            "predicted",
            "Look what went wrong before she complains",
            "Katso, mikä meni vikaan, ennen kuin hän valittaa",
        )
    if hold.kind != "incident" and hold.is_past_review(now):
        yield _about(
            hold,
            "review",
            f"Look at it again ({why}), and release the hold if its cause is over",
            f"Tarkista tilanne uudelleen ({why_fi}) ja vapauta pito, jos sen syy on poistunut",
        )


def _about(hold: Hold, kind: str, text: str, text_fi: str) -> Task:
    return Task(
        kind=kind,
        severity=hold.severity,
        since=hold.opened_at,
        text=text,
        text_fi=text_fi,
        hold_id=hold.hold_id,
        case_id=hold.case_id,
        detail=hold.detail,
    )


def _open_case(case: CaseView, now: datetime) -> Task:
    days, late = (now - case.opened_at).days, case.promised_by is not None and case.promised_by <= now
    english, finnish = (
        [f"open for {days} day{'' if days == 1 else 's'}"],
        [f"auki {days} päivä{'n' if days == 1 else 'ä'}"],
    )
    if case.promised_by is not None:
        day = case.promised_by
        english.append(f"promised by {day:%Y-%m-%d}{', late' if late else ''}")
        finnish.append(f"luvattu {day.day}.{day.month}.{day.year}{', myöhässä' if late else ''}")
    if case.asked:
        english.append(f"she had to ask {'once' if case.asked == 1 else f'{case.asked} times'}")
        finnish.append(f"hän on joutunut kysymään {'kerran' if case.asked == 1 else f'{case.asked} kertaa'}")
    waits = case.status == WAITS_FOR_HER
    todo, todo_fi = ("Help her answer", "Auta häntä vastaamaan") if waits else ("Bring to an end", "Hoida loppuun")
    return Task(
        kind="open_case",
        severity=case.severity,
        since=case.opened_at,
        text=f"{todo}: {case.kind} {case.case_id}; {'; '.join(english)}",
        text_fi=f"{todo_fi}: {CASES_FI.get(case.kind, case.kind)} {case.case_id}; {'; '.join(finnish)}",
        case_id=case.case_id,
        days_open=days,
        promised_by=case.promised_by,
        late=late,
        asked=case.asked,
    )
