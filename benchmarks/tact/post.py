"""What goes out in a week, whoever decided it, and how the log tells of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import numpy as np
import pyarrow as pa

from pipelines.shop.arrays import Flags, Floats, Ints
from pipelines.shop.letters import SENT_AT, Letters
from pipelines.shop.parameters import OFFERS
from pipelines.shop.registrations import CONTACT_STATUS, received
from pipelines.shop.telling import Coded, Told, tell

NOBODY: Ints = np.empty(0, dtype=np.int64)
DISCOUNT, FREE_DELIVERY, NEWS = range(len(OFFERS))


@dataclass(frozen=True)
class Message:
    """One message that sells nothing: service, care, or whatever else is no offer."""

    who: int
    action: str
    treatment: str
    category: str


@dataclass(frozen=True)
class Post:
    """Letters that sell, one a row by rising customer number, with the offer whose effect they have; and messages."""

    who: Ints = field(default_factory=NOBODY.copy)
    offer: Ints = field(default_factory=NOBODY.copy)
    actions: Sequence[str] = ()
    treatments: Sequence[str] = ()
    messages: Sequence[Message] = ()

    @classmethod
    def of(cls, who: Ints, offer: int) -> "Post":
        """The old shop's letter with one offer to all of `who`."""
        name = OFFERS[offer].action_id
        return cls(who, np.full(len(who), offer, dtype=np.int64), [name] * len(who), ["letter"] * len(who))


class Sender(Protocol):
    """A policy. It is told what the log received and nothing else, and asked each week."""

    def hear(self, events: pa.Table) -> None:
        """Events received since the last time, before this week's post."""

    def send(self, week: int, now: datetime) -> Post:
        """What goes out at `now`, in week `week`."""


class Nothing:
    """Sends nothing."""

    def hear(self, events: pa.Table) -> None:
        """It need not know."""

    def send(self, week: int, now: datetime) -> Post:
        """Nothing."""
        return Post()


class Mailing:
    """Sends everybody who granted it the week's letter: the offers take turns, or always the same.

    `among` are those whom it writes to at all; without it everybody.
    """

    def __init__(self, size: int, offer: int | None = None, among: Flags | None = None) -> None:
        self.granted: Flags = np.zeros(size, dtype=np.bool_)
        self._among = np.ones(size, dtype=np.bool_) if among is None else among
        self._offer = offer

    def hear(self, events: pa.Table) -> None:
        """Keep who granted marketing by e-mail, by the latest word of each."""
        said = events.filter(
            (pa.compute.field("purpose") == "marketing") & (pa.compute.field("consent_channel") == "email")
        )
        for who, status in zip(numbers(said), said["status"].to_pylist(), strict=True):
            self.granted[who] = status == "granted"

    def send(self, week: int, now: datetime) -> Post:
        """The week's letter to all of them."""
        return Post.of(np.flatnonzero(self.granted & self._among), self.offer(week))

    def offer(self, week: int) -> int:
        """The week's offer."""
        return week % len(OFFERS) if self._offer is None else self._offer


def numbers(events: pa.Table) -> Ints:
    """The customers' numbers: c0000012 is 12."""
    names = events["customer_id"].drop_null()
    found: Ints = pa.compute.utf8_slice_codeunits(names, 1).cast(pa.int64()).to_numpy()
    return found


def told(post: Post, letters: Letters, week: int) -> list[Told]:
    """The contacts of a week's post, for the log; `letters` says how its letters were received, in their order."""
    row, status, at = received(letters)
    sent: Floats = np.full(len(post.messages), 7.0 * week + SENT_AT)
    who = np.array([message.who for message in post.messages], dtype=np.int64)
    return [
        tell(
            "contact",
            at,
            letters.who[row],
            "email",
            "newsletter",
            action_id=pa.array(post.actions, pa.string()).take(pa.array(row)),
            treatment_id=pa.array(post.treatments, pa.string()).take(pa.array(row)),
            status=Coded(status, CONTACT_STATUS),
        ),
        tell(
            "contact",
            sent,
            who,
            "email",
            "newsletter",
            action_id=pa.array([message.action for message in post.messages], pa.string()),
            treatment_id=pa.array([message.treatment for message in post.messages], pa.string()),
            status="sent",
        ),
    ]
