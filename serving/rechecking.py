"""Asking again before acting: on earlier answers, or on rows of a list that a person changed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from features.customer.holds import Hold
from features.log.value_lists import parts
from serving.answering import Answering, standing
from serving.core.decision import Reason
from serving.core.question import Request
from serving.core.recheck import Answer, ListRow, acted_on, has_place, recheck, row_blocks, without
from serving.core.standing import Standing
from serving.core.words import reason
from serving.in_force import InForce
from serving.records import Records
from serving.reservations import OvertakenError, Seen, sells

TRIES = 5
AT_ONCE = 500
"""So many customers are held in memory together."""


class Recheck(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an earlier answer may still be acted on, and if not, why."""

    decision_id: str
    allowed: bool
    reasons: list[Reason] = []
    holds: list[Hold] = []


class Rechecking:
    """Asks the gates again; writes nothing but the places that a sender takes."""

    def __init__(self, answering: Answering, records: Records) -> None:
        self._answering, self._records = answering, records

    def recheck(
        self, decision_ids: Sequence[str], now: datetime, *, send_at: datetime | None, reserve: bool, tries: int = TRIES
    ) -> list[Recheck]:
        """As `DecisionService.recheck`; who was overtaken by another sender is asked for again, so many times."""
        force = self._answering.force(now)
        firsts, seen, found = dict[str, Answer](), dict[str, Seen](), list[Recheck]()
        for part in parts(decision_ids, AT_ONCE):
            answers = self._records.answers(part)
            agains = self._agains(answers, now, send_at, force)
            found += [_rechecked(one, answers.get(one), agains.get(one), force) for one in part]
            seen |= {one: _seen(one, again) for one, again in agains.items() if sells(answers[one])}
            firsts |= answers
        taken = [one.decision_id for one in found if one.allowed and firsts[one.decision_id].actions]
        if not reserve or not taken:
            return found
        try:
            self._records.reserve(
                [firsts[one] for one in taken],
                now,
                timedelta(hours=force.policy.file.contact_cap.reservation_hours),
                seen=[seen[one] for one in taken if one in seen],
            )
            return found
        except OvertakenError as error:
            late = error.decision_ids
        if not tries:
            full = [reason("contact_cap")]
            late_ones = {one: Recheck(decision_id=one, allowed=False, reasons=full) for one in late}
        else:
            late_ones = {
                one: self.recheck([one], now, send_at=send_at, reserve=True, tries=tries - 1)[0] for one in sorted(late)
            }
        fine = [one for one in decision_ids if one not in late]
        rest = self.recheck(fine, now, send_at=send_at, reserve=True, tries=tries) if fine else []
        verdicts = late_ones | {one.decision_id: one for one in rest}
        return [verdicts[one] for one in decision_ids]

    def _agains(
        self, firsts: dict[str, Answer], now: datetime, send_at: datetime | None, force: InForce
    ) -> dict[str, Standing]:
        """How each stands now, without what her answer brought about itself, where the policy knows the place."""
        asked = {
            one: _question(first, now, send_at)
            for one, first in firsts.items()
            if has_place(first.channel, first.placement, force.policy)
        }
        requests = list(asked.values())
        snapshots = [without(s, d) for s, d in zip(self._answering.read(requests, force), asked, strict=True)]
        return dict(zip(asked, standing(requests, snapshots, [acted_on(firsts[d]) for d in asked], force), strict=True))

    def rows(self, rows: Sequence[ListRow], now: datetime, *, send_at: datetime | None) -> list[Recheck]:
        """As `DecisionService.recheck_rows`."""
        force = self._answering.force(now)
        asked = {
            i: Request(
                customer_id=row.customer_id,
                channel=row.channel,
                placement=row.placement,
                mode="manual",
                now=now,
                send_at=send_at,
            )
            for i, row in enumerate(rows)
            if has_place(row.channel, row.placement, force.policy)
        }
        requests = list(asked.values())
        snapshots = self._answering.read(requests, force)
        answers = dict(
            zip(asked, standing(requests, snapshots, [{rows[i].action_id} for i in asked], force), strict=True)
        )
        found = []
        for i, row in enumerate(rows):
            again = answers.get(i)
            blocked = [reason("placement")] if again is None else row_blocks(row, again, force.articles)
            holds = [] if again is None else list(again.snapshot.holds)
            found.append(Recheck(decision_id="", allowed=not blocked, reasons=blocked, holds=holds))
        return found


def _rechecked(decision_id: str, first: Answer | None, again: Standing | None, force: InForce) -> Recheck:
    if first is None or again is None:
        code = "unknown_decision" if first is None else "placement"
        return Recheck(decision_id=decision_id, allowed=False, reasons=[reason(code)])
    allowed, reasons = recheck(first, again, force.articles, force.catalogue)
    return Recheck(decision_id=decision_id, allowed=allowed, reasons=reasons, holds=list(again.snapshot.holds))


def _seen(decision_id: str, again: Standing) -> Seen:
    """By which places an answer may go."""
    asked, known = again.request, again.snapshot
    visitor = asked.anonymous_id if asked.customer_id is not None else None
    return Seen(decision_id, known.customer_key, visitor, asked.now, known.versions.get("reservations"))


def _question(first: Answer, now: datetime, send_at: datetime | None) -> Request:
    """The question that was answered, asked now, without a trace."""
    return Request(
        customer_id=first.customer_key,
        anonymous_id=first.anonymous_id,
        channel=first.channel,
        placement=first.placement,
        context=first.context,
        n=max(1, len(first.actions)),
        mode="simulate",
        now=now,
        send_at=send_at,
    )
