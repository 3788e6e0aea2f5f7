"""Which actions a hold keeps back, where."""

from features.customer.coverage import OUTBOUND_CHANNELS
from features.customer.holds import Hold
from serving.core.actions import Action


def covers(hold: Hold, action: Action, *, channel: str, outbound: bool) -> bool:
    """Whether `hold` keeps `action` back there. A push in an on-site channel is outbound like a letter."""
    return blocks(hold, action.category, action.group, channel=channel, outbound=outbound)


def blocks(hold: Hold, category: str, group: str, *, channel: str, outbound: bool) -> bool:
    """The same for any action of a category and group."""
    asked = (channel, *OUTBOUND_CHANNELS) if outbound and channel not in OUTBOUND_CHANNELS else (channel,)
    return any(hold.blocks(category, group, one) for one in asked)
