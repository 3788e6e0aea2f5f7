"""A shop that sends coupons, as arrays: purchases, items, campaigns and redemptions, and what was known on a day.

Customers, orders, items and coupons are whole numbers. Days are counted in the shop's own local time from any fixed
midnight; a whole number is a midnight. A coupon is good for any of its items, and may come back in a later campaign.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from features.errors import DataError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """Columns of equal length, one of them `day`."""

    day: Floats

    def __post_init__(self) -> None:
        """Raises `DataError` where the columns are not of one length."""
        lengths = {f.name: len(getattr(self, f.name)) for f in fields(self)}
        if len(set(lengths.values())) > 1:
            raise DataError(f"{type(self).__name__} has columns of {lengths} rows. Give every column one value a row.")

    def before(self, day: float) -> Self:
        """The rows with a day strictly before the given one."""
        return self.take(self.day < day)

    def take(self, rows: Flags | Ints) -> Self:
        """The rows of a mask or of numbers."""
        return type(self)(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@dataclass(frozen=True)
class Lines(Rows):
    """Lines of orders: money paid for the line, in major units, and whether a coupon or a reduced price was used."""

    customer: Ints
    order: Ints
    item: Ints
    paid: Floats
    coupon_used: Flags
    reduced: Flags


@dataclass(frozen=True)
class Redemptions(Rows):
    """Coupons used; `day` is the local day, so known at its end: `before(midnight)` holds what was known then."""

    customer: Ints
    campaign: Ints
    coupon: Ints


@dataclass(frozen=True)
class Items:
    """What is known of the items: for each level (category, maker, ...) the group of each item, `[items]`."""

    groups: Mapping[str, Ints]

    def __len__(self) -> int:
        return len(next(iter(self.groups.values())))

    def members(self, level: str) -> sparse.csr_array:
        """`[items, groups]`, 1 where an item belongs to a group."""
        group = self.groups[level]
        n = len(group)
        return sparse.csr_array((np.ones(n), (np.arange(n), group)), shape=(n, int(group.max(initial=-1)) + 1))


@dataclass(frozen=True)
class Campaign:
    """A mailing: `customers` `[n]` were sent `coupons` `[k]`; `items` `[k, items]` holds 1 where a coupon is good.

    Good from `start` (a midnight) to the end of the day `end`. `kind` is the shop's own word for its sort, a number.
    """

    number: int
    kind: int
    start: float
    end: float
    customers: Ints
    coupons: Ints
    items: sparse.csr_array

    def __post_init__(self) -> None:
        """Raises `DataError` where a campaign has nobody, nothing, or an item matrix of another size."""
        n, k = len(self.customers), len(self.coupons)
        if not n or not k or self.items.shape[0] != k:
            raise DataError(
                f"Campaign {self.number} has {n} customers, {k} coupons and items of {self.items.shape[0]} coupons. "
                "Leave campaigns without receivers or coupons out, and give a row of items for each coupon."
            )


@dataclass(frozen=True)
class CouponShop:
    """All of it; `first_day` is the midnight from which purchases are there at all."""

    lines: Lines
    items: Items
    campaigns: tuple[Campaign, ...]
    redemptions: Redemptions
    first_day: float

    def before(self, day: float) -> "CouponShop":
        """What was known at that midnight: campaigns started, lines and redemptions of the days before."""
        begun = tuple(c for c in self.campaigns if c.start < day)
        return CouponShop(self.lines.before(day), self.items, begun, self.redemptions.before(day), self.first_day)


def redeemed(campaign: Campaign, redemptions: Redemptions) -> Floats:
    """The truth `[n, k]`: 1 where the receiver used the coupon in this campaign, however often."""
    own = redemptions.take(redemptions.campaign == campaign.number)
    found = np.zeros((len(campaign.customers), len(campaign.coupons)))
    row, known_customer = positions(campaign.customers, own.customer)
    column, known_coupon = positions(campaign.coupons, own.coupon)
    both = known_customer & known_coupon
    found[row[both], column[both]] = 1.0
    return found


def positions(names: Ints, wanted: Ints) -> tuple[Ints, Flags]:
    """Where each wanted value stands in `names` (0 where it does not), and whether it does."""
    order = np.argsort(names, kind="stable")
    place = np.minimum(np.searchsorted(names[order], wanted), max(len(names) - 1, 0))
    found = np.asarray(names[order][place] == wanted) if len(names) else np.zeros(len(wanted), np.bool_)
    return np.where(found, order[place] if len(names) else 0, 0).astype(np.int64), found
