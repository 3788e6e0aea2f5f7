"""What the watchdogs say, as a serving process has it: from the lookout's file, or by looking itself."""

from datetime import datetime, timedelta

import msgspec

from features.home import Home
from serving.lookout.file import asked, last_look
from serving.lookout.looked import Finding, Looked
from serving.silence_share import SilenceShare
from serving.watchdogs import Watchdogs, jump_of

SLACK_MINUTES = 2.0
"""How long a look, or the lookout's start, may take before it is told as late."""


class Told:
    """The lookout's last look, with what this process sees itself. Cheap; never looks at everybody."""

    def __init__(self, home: Home, share: SilenceShare, minutes: float) -> None:
        self._home, self._share = home, share
        self._minutes = timedelta(minutes=2 * minutes + SLACK_MINUTES)
        self._since: datetime | None = None

    def look(self, now: datetime) -> Looked:
        """As of the last look; the watchdog `lookout` barks where that was too long ago."""
        self._since = since = self._since or now
        last = asked(self._home, last_look)
        if last is None or last.at > now:
            last = Looked(now, [], {}, {})
        else:
            since = max(since, last.at)
        mine = [jump_of(self._share, now), self._late(now - since)]
        return msgspec.structs.replace(last, findings=last.findings + [one for one in mine if one is not None])

    def _late(self, ago: timedelta) -> Finding | None:
        if ago <= self._minutes:
            return None
        minutes = ago / timedelta(minutes=1)
        text = (
            f"The lookout has not looked at everybody for {minutes:.0f} minutes: its log lines on standard error say "
            "why. Lists of the desk look themselves meanwhile, which slows decisions"
        )
        return Finding("lookout", minutes, text)


class Own:
    """Watchdogs that look in this process, for one that is served without a lookout."""

    def __init__(self, watchdogs: Watchdogs, share: SilenceShare) -> None:
        self._watchdogs, self._share = watchdogs, share

    def look(self, now: datetime) -> Looked:
        """Look at everything once."""
        looked, jump = self._watchdogs.look(now), jump_of(self._share, now)
        return looked if jump is None else msgspec.structs.replace(looked, findings=[*looked.findings, jump])
