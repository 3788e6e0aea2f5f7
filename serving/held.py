"""Which actions a hold keeps back, where."""

from features.coverage import OUTBOUND_CHANNELS
from features.holds import Hold
from serving.catalogue import Action


def covers(hold: Hold, action: Action, *, channel: str, outbound: bool) -> bool:
    """Whether `hold` keeps `action` back there. A push in an on-site channel is outbound like a letter."""
    asked = (channel, *OUTBOUND_CHANNELS) if outbound and channel not in OUTBOUND_CHANNELS else (channel,)
    return any(hold.blocks(action.category, action.group, one) for one in asked)
