"""What a model was trained on: the profile of its newest snapshot and counts of its events, beside it as JSON."""

from datetime import date, datetime
from pathlib import Path

import msgspec

from features.errors import DataError
from features.feature_store.quality.profile import SnapshotProfile


class TrainingProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The newest snapshot that a model learned from, and what the log had told by `as_of`.

    `since` is the day history begins; `events` counts what happened before the day `until`, by type.
    """

    as_of: datetime
    since: date | None
    until: date
    events: dict[str, int]
    snapshot: SnapshotProfile


def write_profile(path: Path, profile: TrainingProfile) -> None:
    """Write it as JSON; the same profile gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(profile) + b"\n")


def read_profile(path: Path) -> TrainingProfile | None:
    """Read one; None where there is no such file. Raises `DataError` if it is torn or of another form."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=TrainingProfile)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise DataError(
            f"{path} is no profile of training ({error}). Remove it; the next retraining writes it."
        ) from error
