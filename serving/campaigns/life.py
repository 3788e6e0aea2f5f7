"""The life of a campaign, kept in the live store: draft, build, review, approval by another person, export.

Every deed is written beside the change it made, in the same transaction, and never altered. Whoever changes a campaign
names the version she saw: of two who change the same one, the second is told what the first did. Any change takes an
approval back.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from features.errors import DataError
from features.home import Home
from features.log.connection import Connection
from features.log.per_thread import PerThread
from features.log.store import from_micros, to_micros, transaction
from serving.campaigns.rows import (
    COLUMNS,
    JOB_COLUMNS,
    TABLES,
    Campaign,
    Deed,
    Job,
    Kind,
    Status,
    campaign_of,
    job_of,
    text_of,
)  # fmt: skip
from serving.campaigns.spec import Spec
from serving.desk.forgotten import not_forgotten
from serving.said import said

MAKING = ("made", "changed", "built", "took off", "put back")
"""Deeds of those who made a list: none of them may approve it."""

_NOT_NOW = {
    "draft": said("The campaign is a draft: this takes a list. Save the plan and build the list first."),
    "building": said("The list is being built. Wait until it is there, or stop it."),
    "review": said("The list waits for its approval. This can be done once somebody else has approved it."),
    "approved": said("The list was approved already. It can leave; to have it built anew, change the plan."),
    "exported": said("The list has left. Make another campaign for what is to come after it."),
    "closed": said("The campaign is closed: nothing of it can be changed any more."),
}


class OvertakenError(DataError):
    """Somebody changed the campaign meanwhile; `campaign` is how it stands now."""

    def __init__(self, campaign: Campaign) -> None:
        super().__init__(
            said(
                "%(person)s changed this campaign after you had opened it. "
                "Nothing of yours was written. Look at what it says now, then change it again.",
                person=campaign.changed_by,
            )
        )
        self.campaign = campaign


class NotNowError(DataError):
    """The campaign is not at the point where this can be done, or not by this person."""


class Campaigns:
    """The campaigns of one data folder. Safe to share between threads; every change is durable when it returns."""

    def __init__(self, home: Home) -> None:
        self._own = PerThread(home, TABLES)

    def connection(self) -> Connection:
        """This thread's connection to the live store."""
        return self._own.connection()

    def close(self) -> None:
        """Let go of this thread's connection."""
        self._own.close()

    def all(self) -> list[Campaign]:
        """Every campaign, the one changed last first."""
        query = f"select {COLUMNS} from campaigns order by changed_at desc, campaign_id"
        return [campaign_of(row) for row in self.connection().execute(query).fetchall()]

    def find(self, campaign_id: str) -> Campaign | None:
        """One campaign."""
        return _found(self.connection(), campaign_id)

    def of_list(self, list_id: str) -> Campaign | None:
        """The campaign that a list was built for, None where it was built by hand."""
        query = f"select {COLUMNS} from campaigns where list_id = ?"
        row = self.connection().execute(query, (list_id,)).fetchone()
        return None if row is None else campaign_of(row)

    def deeds(self, campaign_id: str) -> list[Deed]:
        """What was done, first to last."""
        query = "select at, person, deed, detail from campaign_deeds where campaign_id = ? order by n"
        rows = self.connection().execute(query, (campaign_id,)).fetchall()
        return [
            Deed(at=from_micros(at), person=who, deed=deed, detail=msgspec.json.decode(detail))
            for at, who, deed, detail in rows
        ]

    def make(self, spec: Spec, person: str, now: datetime) -> Campaign:
        """A new draft."""
        campaign_id, at = secrets.token_hex(5), to_micros(now)
        with transaction(self.connection()) as run:
            row = (campaign_id, 1, "draft", text_of(spec), person, at, person, at, None)
            run.execute(f"insert into campaigns ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            _note(run, campaign_id, person, "made", now, {"template": spec.template})
            return _sure(run, campaign_id)

    def save(self, campaign_id: str, version: int, spec: Spec, person: str, now: datetime) -> Campaign:
        """Change what is wanted: it is a draft again, whatever was built stays to be looked at.

        Raises `OvertakenError` where another version is there, `NotNowError` while it is built or once it has left.
        """
        with transaction(self.connection()) as run:
            was = _at(run, campaign_id, version, ("draft", "review", "approved"))
            if was.spec == spec:
                return was
            _change(run, was, "draft", person, now, spec=spec)
            _note(run, campaign_id, person, "changed", now, _differences(was.spec, spec))
            return _sure(run, campaign_id)

    def ask(self, campaign_id: str, version: int, kind: Kind, person: str, now: datetime, total: int = 0) -> Job:
        """Have a preview, a list or an export made in the background; asked again while it is made, it is the same.

        Raises `OvertakenError`; `NotNowError` where the campaign is not at that point.
        """
        wanted = {"preview": ("draft", "review"), "build": ("draft", "review"), "export": ("approved", "exported")}
        with transaction(self.connection()) as run:
            query = f"""select {JOB_COLUMNS} from campaign_jobs where campaign_id = ? and kind = ? and version = ?
                and (status = 'waiting' or status = 'running')"""
            row = run.execute(query, (campaign_id, kind, version)).fetchone()
            if row is not None:
                return job_of(row)
            was = _at(run, campaign_id, version, wanted[kind])
            job_id = f"{kind}-{secrets.token_hex(5)}"
            last = "select coalesce(max(asked_at), 0) from campaign_jobs where campaign_id = ?"
            asked_at = max(to_micros(now), run.execute(last, (campaign_id,)).fetchone()[0] + 1)
            values = (job_id, campaign_id, kind, version, text_of(was.spec), person, asked_at, "waiting", 0, total)
            run.execute(
                f"insert into campaign_jobs ({JOB_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '{{}}', null)", values
            )
            if kind == "build":
                _change(run, was, "building", person, now)
                _note(run, campaign_id, person, "asked for a list", now, {})
            if kind == "export":
                _note(run, campaign_id, person, "asked for an export", now, {})
            return _sure_job(run, job_id)

    def built(self, job: Job, list_id: str, summary: Mapping[str, Any], now: datetime) -> None:
        """The list is there: the campaign is to be reviewed."""
        with transaction(self.connection()) as run:
            was = _sure(run, job.campaign_id)
            if _end(run, job, "done", {"list_id": list_id}, now) and was.status == "building":
                _change(run, was, "review", job.asked_by, now, list_id=list_id)
                run.execute(  # whom a person took off stays off, until a person puts her back
                    """insert into campaign_off select ?, customer_id, person, reason, at from campaign_off
                    where list_id = ? on conflict (list_id, customer_id) do nothing""",
                    (list_id, was.list_id),
                )
                told = {name: summary[name] for name in ("listed", "kept_off", "expected_gain")}
                _note(run, job.campaign_id, job.asked_by, "built", now, {"list_id": list_id, **told})

    def exported(self, job: Job, result: Mapping[str, Any], now: datetime) -> None:
        """An export has left, or the one that had left was given once more."""
        with transaction(self.connection()) as run:
            was = _sure(run, job.campaign_id)
            if _end(run, job, "done", result, now):
                if was.status == "approved":
                    run.execute("update campaigns set status = 'exported' where campaign_id = ?", (was.campaign_id,))
                deed = "was given the export" if result.get("was_there") else "exported"
                _note(run, job.campaign_id, job.asked_by, deed, now, dict(result))

    def previewed(self, job: Job, result: Mapping[str, Any], now: datetime) -> None:
        """A preview is there to be looked at."""
        with transaction(self.connection()) as run:
            _end(run, job, "done", result, now)

    def failed(self, job: Job, why: str, now: datetime) -> None:
        """It could not be made: a campaign that was being built is a draft again."""
        self._given_up(job, "failed", job.asked_by, {"why": why}, now)

    def stop(self, job_id: str, person: str, now: datetime) -> None:
        """Give up what is waiting or running."""
        job = self.job(job_id)
        if job is not None:
            self._given_up(job, "stopped", person, {}, now)

    def _given_up(self, job: Job, status: str, person: str, told: dict[str, Any], now: datetime) -> None:
        with transaction(self.connection()) as run:
            if not _end(run, job, status, told, now):
                return
            was = _found(run, job.campaign_id)
            if was is not None and was.status == "building" and job.kind == "build":
                _change(run, was, "draft", person, now)
            _note(run, job.campaign_id, person, f"{job.kind} {status}", now, told)

    def take_off(
        self, campaign_id: str, version: int, customer_id: str, person: str, reason: str, now: datetime
    ) -> Campaign:
        """Take somebody off the list, with a reason, and off those built after it; an approval is taken back.

        Raises as `save`, and as `not_forgotten`.
        """
        if not reason.strip():
            raise DataError(said("Say why she is taken off: the next person wants to know."))
        with transaction(self.connection()) as run:
            was = _at(run, campaign_id, version, ("review", "approved"))
            not_forgotten(run, customer_id)
            run.execute(
                "insert into campaign_off values (?, ?, ?, ?, ?) on conflict (list_id, customer_id) do nothing",
                (was.list_id, customer_id, person, reason.strip(), to_micros(now)),
            )
            _change(run, was, "review", person, now)
            _note(run, campaign_id, person, "took off", now, {"customer_id": customer_id, "reason": reason.strip()})
            return _sure(run, campaign_id)

    def put_back(self, campaign_id: str, version: int, customer_id: str, person: str, now: datetime) -> Campaign:
        """Put somebody back who was taken off. Raises as `take_off`."""
        with transaction(self.connection()) as run:
            was = _at(run, campaign_id, version, ("review", "approved"))
            not_forgotten(run, customer_id)
            run.execute("delete from campaign_off where list_id = ? and customer_id = ?", (was.list_id, customer_id))
            _change(run, was, "review", person, now)
            _note(run, campaign_id, person, "put back", now, {"customer_id": customer_id})
            return _sure(run, campaign_id)

    def off(self, list_id: str) -> dict[str, dict[str, Any]]:
        """Who was taken off a list by hand: by whom, why, when."""
        query = "select customer_id, person, reason, at from campaign_off where list_id = ? order by customer_id"
        rows = self.connection().execute(query, (list_id,)).fetchall()
        return {key: {"person": who, "reason": why, "at": from_micros(at)} for key, who, why, at in rows}

    def approve(self, campaign_id: str, version: int, person: str, now: datetime) -> Campaign:
        """Approve the list as it is in this version. Raises as `save`, `NotNowError` for one of those who made it."""
        with transaction(self.connection()) as run:
            was = _at(run, campaign_id, version, ("review",))
            if person in self.makers(campaign_id):
                raise NotNowError(said("You made or changed this list yourself. Somebody else has to approve it."))
            _change(run, was, "approved", person, now, keep_version=True)
            _note(run, campaign_id, person, "approved", now, {"version": version, "list_id": was.list_id})
            return _sure(run, campaign_id)

    def makers(self, campaign_id: str) -> set[str]:
        """Who made the campaign or changed it: none of them may approve it."""
        return {one.person for one in self.deeds(campaign_id) if one.deed in MAKING}

    def send_back(self, campaign_id: str, version: int, person: str, reason: str, now: datetime) -> Campaign:
        """Send a list back to who made it, with a reason. Raises as `save`."""
        if not reason.strip():
            raise DataError(said("Say what should be different: whoever made it wants to know."))
        with transaction(self.connection()) as run:
            was = _at(run, campaign_id, version, ("review", "approved"))
            _change(run, was, "draft", person, now)
            _note(run, campaign_id, person, "sent back", now, {"reason": reason.strip()})
            return _sure(run, campaign_id)

    def end(self, campaign_id: str, version: int, person: str, now: datetime) -> Campaign:
        """Close a campaign: nothing more leaves, what it brought can still be seen. Raises as `save`."""
        with transaction(self.connection()) as run:
            was = _at(run, campaign_id, version, ("draft", "review", "approved", "exported"))
            _change(run, was, "closed", person, now)
            _note(run, campaign_id, person, "closed", now, {})
            return _sure(run, campaign_id)

    def job(self, job_id: str) -> Job | None:
        """One job."""
        row = (
            self.connection().execute(f"select {JOB_COLUMNS} from campaign_jobs where job_id = ?", (job_id,)).fetchone()
        )
        return None if row is None else job_of(row)

    def jobs(self, campaign_id: str) -> list[Job]:
        """The jobs of a campaign, the one asked for last first."""
        query = f"select {JOB_COLUMNS} from campaign_jobs where campaign_id = ? order by asked_at desc, job_id"
        return [job_of(row) for row in self.connection().execute(query, (campaign_id,)).fetchall()]

    def waiting(self) -> list[Job]:
        """What is to be done, in the order in which it was asked for; what was begun and never ended among it."""
        query = f"""select {JOB_COLUMNS} from campaign_jobs where status = 'waiting' or status = 'running'
            order by asked_at, job_id"""
        return [job_of(row) for row in self.connection().execute(query).fetchall()]

    def goes_on(self, job: Job, done: int, total: int) -> bool:
        """Tell how far it is; whether it is still wanted."""
        with transaction(self.connection()) as run:
            query = """update campaign_jobs set status = 'running', done = ?, total = ?
                where job_id = ? and (status = 'waiting' or status = 'running')"""
            return bool(run.execute(query, (done, total, job.job_id)).rowcount)


def _at(run: Connection, campaign_id: str, version: int, wanted: Sequence[str]) -> Campaign:
    found = _sure(run, campaign_id)
    if found.version != version:
        raise OvertakenError(found)
    if found.status not in wanted:
        raise NotNowError(_NOT_NOW[found.status])
    return found


def _change(
    run: Connection, was: Campaign, status: Status, person: str, now: datetime, *, spec: Spec | None = None,
    list_id: str | None = None, keep_version: bool = False,
) -> None:  # fmt: skip
    run.execute(
        """update campaigns set version = ?, status = ?, spec = ?, changed_by = ?, changed_at = ?, list_id = ?
        where campaign_id = ?""",
        (
            was.version + (not keep_version),
            status,
            text_of(spec or was.spec),
            person,
            to_micros(now),
            list_id or was.list_id,
            was.campaign_id,
        ),
    )


def _note(run: Connection, campaign_id: str, person: str, deed: str, now: datetime, detail: dict[str, Any]) -> None:
    query = "select coalesce(max(n), 0) + 1 from campaign_deeds where campaign_id = ?"
    (n,) = run.execute(query, (campaign_id,)).fetchone()
    text = msgspec.json.encode(detail).decode()
    run.execute(
        "insert into campaign_deeds values (?, ?, ?, ?, ?, ?)", (campaign_id, n, to_micros(now), person, deed, text)
    )


def _end(run: Connection, job: Job, status: str, result: Mapping[str, Any], now: datetime) -> bool:
    query = """update campaign_jobs set status = ?, result = ?, ended_at = ?
        where job_id = ? and (status = 'waiting' or status = 'running')"""
    text = msgspec.json.encode(dict(result)).decode()
    return bool(run.execute(query, (status, text, to_micros(now), job.job_id)).rowcount)


def _differences(was: Spec, now: Spec) -> dict[str, Any]:
    pairs = ((name, getattr(was, name), getattr(now, name)) for name in Spec.__struct_fields__)
    return {name: [msgspec.to_builtins(a), msgspec.to_builtins(b)] for name, a, b in pairs if a != b}


def _found(run: Connection, campaign_id: str) -> Campaign | None:
    row = run.execute(f"select {COLUMNS} from campaigns where campaign_id = ?", (campaign_id,)).fetchone()
    return None if row is None else campaign_of(row)


def _sure(run: Connection, campaign_id: str) -> Campaign:
    found = _found(run, campaign_id)
    if found is None:
        raise DataError(said("There is no campaign %(id)s.", id=campaign_id))
    return found


def _sure_job(run: Connection, job_id: str) -> Job:
    return job_of(run.execute(f"select {JOB_COLUMNS} from campaign_jobs where job_id = ?", (job_id,)).fetchone())
