"""A campaign, what was done to it and what is under way for it, as they lie in the live store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from features.log.store import from_micros
from serving.campaigns.spec import Spec

Status = Literal["draft", "building", "review", "approved", "exported", "closed"]
Kind = Literal["preview", "build", "export"]

TABLES = (
    """create table if not exists campaigns(
        campaign_id text primary key, version integer not null, status text not null, spec text not null,
        made_by text not null, made_at integer not null, changed_by text not null, changed_at integer not null,
        list_id text) without rowid""",
    """create table if not exists campaign_deeds(
        campaign_id text not null, n integer not null, at integer not null, person text not null, deed text not null,
        detail text not null, primary key (campaign_id, n)) without rowid""",
    """create table if not exists campaign_off(
        list_id text not null, customer_id text not null, person text not null, reason text not null,
        at integer not null, primary key (list_id, customer_id)) without rowid""",
    """create table if not exists campaign_jobs(
        job_id text primary key, campaign_id text not null, kind text not null, version integer not null,
        spec text not null, asked_by text not null, asked_at integer not null, status text not null,
        done integer not null default 0, total integer not null default 0, result text not null default '{}',
        ended_at integer) without rowid""",
)
COLUMNS = "campaign_id, version, status, spec, made_by, made_at, changed_by, changed_at, list_id"
JOB_COLUMNS = "job_id, campaign_id, kind, version, spec, asked_by, asked_at, status, done, total, result, ended_at"


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as it stands; `list_id` is the list that was built for it last."""

    campaign_id: str
    version: int
    status: Status
    spec: Spec
    made_by: str
    made_at: datetime
    changed_by: str
    changed_at: datetime
    list_id: str | None


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did, when; `detail` in plain types."""

    at: datetime
    person: str
    deed: str
    detail: dict[str, Any]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Something that takes long: waiting, running, done, failed or stopped; `done` of `total` customers so far."""

    job_id: str
    campaign_id: str
    kind: Kind
    version: int
    spec: Spec
    asked_by: str
    asked_at: datetime
    status: Literal["waiting", "running", "done", "failed", "stopped"]
    done: int
    total: int
    result: dict[str, Any]
    ended_at: datetime | None

    @property
    def under_way(self) -> bool:
        """Whether it is not over yet."""
        return self.status in ("waiting", "running")


def text_of(spec: Spec) -> str:
    """A wish as it is kept."""
    return msgspec.json.encode(spec).decode()


def campaign_of(row: Sequence[Any]) -> Campaign:
    """A campaign of a row of `COLUMNS`."""
    campaign_id, version, status, spec, made_by, made_at, changed_by, changed_at, list_id = row
    return Campaign(
        campaign_id=campaign_id,
        version=version,
        status=status,
        spec=msgspec.json.decode(spec, type=Spec),
        made_by=made_by,
        made_at=from_micros(made_at),
        changed_by=changed_by,
        changed_at=from_micros(changed_at),
        list_id=list_id,
    )


def job_of(row: Sequence[Any]) -> Job:
    """A job of a row of `JOB_COLUMNS`."""
    job_id, campaign_id, kind, version, spec, asked_by, asked_at, status, done, total, result, ended_at = row
    return Job(
        job_id=job_id,
        campaign_id=campaign_id,
        kind=kind,
        version=version,
        spec=msgspec.json.decode(spec, type=Spec),
        asked_by=asked_by,
        asked_at=from_micros(asked_at),
        status=status,
        done=done,
        total=total,
        result=msgspec.json.decode(result),
        ended_at=None if ended_at is None else from_micros(ended_at),
    )
