"""What a hold covers: action categories or groups, in some channels. Help to put things right is never covered."""

from collections.abc import Iterable

import msgspec

from features.events import CHANNELS

CATEGORIES = ("regulation", "data", "service", "care", "sales")
OUTBOUND_CHANNELS = ("email", "phone", "social", "partner")
ONSITE_CHANNELS = ("web", "app", "store")
CHANNEL_WORDS: dict[str, tuple[str, ...]] = {
    "any": CHANNELS,
    "outbound": OUTBOUND_CHANNELS,
    "onsite": ONSITE_CHANNELS,
    **{channel: (channel,) for channel in CHANNELS},
}
RECOVERY_GROUP = "recovery"
FEEDBACK_GROUP = "feedback_request"


class Covers(msgspec.Struct, frozen=True):
    """The actions a hold suppresses: those of `categories` or of `groups`, in `channels`."""

    categories: tuple[str, ...]
    channels: tuple[str, ...]
    groups: tuple[str, ...] = ()

    def blocks(self, category: str, group: str, channel: str) -> bool:
        """Whether an action is suppressed there. Group `recovery` and category `regulation` never are.

        >>> covers = Covers(("sales",), OUTBOUND_CHANNELS)
        >>> covers.blocks("sales", "offers", "email"), covers.blocks("sales", "offers", "web")
        (True, False)
        """
        if group == RECOVERY_GROUP or category == "regulation":
            return False
        return channel in self.channels and (category in self.categories or group in self.groups)


def channels_of(words: Iterable[str]) -> tuple[str, ...]:
    """The channels meant by channel names and the words `any`, `outbound`, `onsite`; raises `ValueError`."""
    named: set[str] = set()
    for word in words:
        if word not in CHANNEL_WORDS:
            raise ValueError(f"channel {word!r} is not known; use one of {', '.join(CHANNEL_WORDS)}")
        named.update(CHANNEL_WORDS[word])
    return tuple(channel for channel in CHANNELS if channel in named)
