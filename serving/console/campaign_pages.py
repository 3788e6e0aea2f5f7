"""Campaigns: all of them, a new one from a template, and the life of one from draft to results."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from serving import campaign_lists as lists
from serving.api.problems import ProblemError
from serving.api.wiring import Wiring, wired
from serving.campaigns.compared import difference, others, overlap
from serving.campaigns.kept_results import results_lately
from serving.campaigns.rows import Campaign, Job, Kind
from serving.campaigns.spec import TEMPLATES, Spec, checked, from_template
from serving.console import campaign_form
from serving.console.asking import answered, currency
from serving.console.campaign_form import wished
from serving.console.funnel import action_name, groups
from serving.console.names import name_of
from serving.console.pages import back, link, page, tongue_of
from serving.console.seat import Form, Needs, Posted, Seat, right_host
from serving.desk.faults import NotThereError
from serving.said import said

router = APIRouter(prefix="/console/campaigns", include_in_schema=False, dependencies=[Depends(right_host)])

Look = Annotated[Seat, Depends(Needs("look"))]
Draft = Annotated[Seat, Depends(Needs("draft"))]
Approve = Annotated[Seat, Depends(Needs("approve"))]
Export = Annotated[Seat, Depends(Needs("export"))]
Id = Annotated[str, Path(max_length=40)]
_THEN: dict[str, Kind] = {"preview": "preview", "build": "build"}
TABS = ("plan", "list", "results", "history")


@router.get("")
async def all_of_them(request: Request, seat: Look) -> Response:
    """All campaigns, and the lists that were built by hand."""
    app = wired(request)
    found = await answered(app.reads, app.campaigns.all)
    summaries = {one["id"]: one for one in await answered(app.reads, lists.summaries, app.home)}
    rows = [{"campaign": one, "summary": summaries.pop(one.list_id or "", None)} for one in found]
    by_hand = list(summaries.values())
    return page(request, "campaigns.html", {"rows": rows, "by_hand": by_hand, "expired": _expiry(app)})


@router.get("/new")
async def templates(request: Request, seat: Draft) -> Response:
    """Templates to begin from."""
    return page(request, "campaign_new.html", {"templates": list(TEMPLATES)})


@router.post("/new")
async def make(request: Request, seat: Draft, form: Posted) -> Response:
    """A draft from a template."""
    app = wired(request)
    template = form.get("template")
    called = form.get("name") or tongue_of(request).gettext(name_of("template", template))
    spec = await answered(app.reads, from_template, template, called)
    made = await answered(app.writes, _made, app, spec, seat.name)
    return back(f"/console/campaigns/{made.campaign_id}")


@router.get("/{campaign_id}")
async def one(
    request: Request, seat: Look, campaign_id: Id, tab: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """One campaign: its plan and preview, its list, what became of it, and all that was done."""
    app = wired(request)
    campaign = await _campaign(app, campaign_id)
    tab = tab if tab in TABS else "plan" if campaign.status in ("draft", "building") else "list"
    jobs = await answered(app.reads, app.campaigns.jobs, campaign_id)
    values: dict[str, Any] = {"campaign": campaign, "tab": tab, "job": _latest(jobs, "build", "export")}
    if tab == "plan":
        values |= await _plan(request, app, campaign, jobs)
    elif tab == "list":
        values |= await _list(request, app, campaign)
    elif tab == "results":
        values |= await _results(app, campaign)
    else:
        deeds = await answered(app.reads, app.campaigns.deeds, campaign_id)
        money = await answered(app.reads, currency, app)
        values |= {"deeds": deeds[::-1], "currency": money, "wished": partial(wished, tongue_of(request), money)}
    values["makers"] = await answered(app.reads, app.campaigns.makers, campaign_id)
    return page(request, "campaign.html", values)


@router.get("/{campaign_id}/progress/{job_id}")
async def progress(
    request: Request, seat: Look, campaign_id: Id, job_id: Annotated[str, Path(max_length=40)]
) -> Response:
    """How far a job is: a part of a page, asked for again and again until it is over."""
    app = wired(request)
    job = await answered(app.reads, app.campaigns.job, job_id)
    if job is None or job.campaign_id != campaign_id:
        raise ProblemError("not-found", said("There is nothing under way by the name %(id)s.", id=job_id))
    if not job.under_way and request.headers.get("hx-request"):
        tab = "plan" if job.kind == "preview" or job.status != "done" else "list"
        return Response(headers={"hx-redirect": link(f"/console/campaigns/{campaign_id}", tab=tab)})
    return page(request, "progress.html", {"job": job})


@router.post("/{campaign_id}/save")
async def save(request: Request, seat: Draft, campaign_id: Id, form: Posted) -> Response:
    """Change what is wanted; with `then` a preview or the list is asked for at once."""
    app = wired(request)
    campaign = await answered(app.writes, _saved, app, campaign_id, form.version(), form, seat.name)
    then = _THEN.get(form.get("then"))
    if then is not None:
        await answered(app.writes, app.campaigns.ask, campaign_id, campaign.version, then, seat.name, app.clock())
        app.wake()
    return back(f"/console/campaigns/{campaign_id}", tab="plan", told="" if then else "saved")


@router.post("/{campaign_id}/stop")
async def stop(request: Request, seat: Draft, campaign_id: Id, form: Posted) -> Response:
    """Give up what is under way."""
    app = wired(request)
    job = await answered(app.reads, app.campaigns.job, form.get("job"))
    if job is not None and job.campaign_id == campaign_id:
        await answered(app.writes, app.campaigns.stop, job.job_id, seat.name, app.clock())
    return back(f"/console/campaigns/{campaign_id}", told="stopped")


@router.post("/{campaign_id}/take-off")
async def take_off(request: Request, seat: Draft, campaign_id: Id, form: Posted) -> Response:
    """Take somebody off the list."""
    app = wired(request)
    await answered(
        app.writes, app.campaigns.take_off, campaign_id, form.version(), form.get("customer"), seat.name,
        form.get("reason"), app.clock(),
    )  # fmt: skip
    return back(f"/console/campaigns/{campaign_id}", tab="list", told="taken_off")


@router.post("/{campaign_id}/put-back")
async def put_back(request: Request, seat: Draft, campaign_id: Id, form: Posted) -> Response:
    """Put somebody back onto the list."""
    app = wired(request)
    await answered(
        app.writes, app.campaigns.put_back, campaign_id, form.version(), form.get("customer"), seat.name, app.clock()
    )
    return back(f"/console/campaigns/{campaign_id}", tab="list", told="put_back")


@router.post("/{campaign_id}/approve")
async def approve(request: Request, seat: Approve, campaign_id: Id, form: Posted) -> Response:
    """Approve the list as it is."""
    app = wired(request)
    await answered(app.writes, app.campaigns.approve, campaign_id, form.version(), seat.name, app.clock())
    return back(f"/console/campaigns/{campaign_id}", tab="list", told="approved")


@router.post("/{campaign_id}/send-back")
async def send_back(request: Request, seat: Approve, campaign_id: Id, form: Posted) -> Response:
    """Send the list back, with a reason."""
    app = wired(request)
    await answered(
        app.writes, app.campaigns.send_back, campaign_id, form.version(), seat.name, form.get("reason"), app.clock()
    )
    return back(f"/console/campaigns/{campaign_id}", tab="plan", told="sent_back")


@router.post("/{campaign_id}/export")
async def export(request: Request, seat: Export, campaign_id: Id, form: Posted) -> Response:
    """Have every row asked about once more, and written to files."""
    app = wired(request)
    campaign = await _campaign(app, campaign_id)
    summary = await answered(app.reads, lists.summary, app.home, campaign.list_id or "none")
    total = 0 if summary is None else summary["listed"]
    await answered(app.writes, app.campaigns.ask, campaign_id, form.version(), "export", seat.name, app.clock(), total)
    app.wake()
    return back(f"/console/campaigns/{campaign_id}", tab="list")


@router.post("/{campaign_id}/close")
async def close(request: Request, seat: Draft, campaign_id: Id, form: Posted) -> Response:
    """Nothing more leaves."""
    app = wired(request)
    await answered(app.writes, app.campaigns.end, campaign_id, form.version(), seat.name, app.clock())
    return back(f"/console/campaigns/{campaign_id}", tab="history", told="closed")


async def _campaign(app: Wiring, campaign_id: str) -> Campaign:
    found = await answered(app.reads, app.campaigns.find, campaign_id)
    if found is None:
        raise ProblemError("not-found", said("There is no campaign %(id)s.", id=campaign_id))
    return found


def _made(app: Wiring, spec: Spec, person: str) -> Campaign:
    return app.campaigns.make(_checked(app, spec), person, app.clock())


def _saved(app: Wiring, campaign_id: str, version: int, form: Form, person: str) -> Campaign:
    was = app.campaigns.find(campaign_id)
    if was is None:
        raise NotThereError(said("There is no campaign %(id)s.", id=campaign_id))
    wish = _checked(app, campaign_form.read(form, was.spec))
    return app.campaigns.save(campaign_id, version, wish, person, app.clock())


def _checked(app: Wiring, spec: Spec) -> Spec:
    force = app.service.in_force(app.clock())
    return checked(spec, force.policy, force.catalogue.index)


async def _plan(request: Request, app: Wiring, campaign: Campaign, jobs: list[Job]) -> dict[str, Any]:
    force = app.service.in_force(app.clock())
    places = campaign_form.places(force.policy)
    preview = _latest([one for one in jobs if one.spec == campaign.spec], "preview")
    values: dict[str, Any] = {
        "currency": await answered(app.reads, currency, app),
        "places": places,
        "messages": campaign_form.messages(force.catalogue, [campaign.spec.channel]),
        "preview_job": preview,
        "preview": None,
    }
    if preview is not None and preview.status == "done":
        summary = await answered(app.reads, lists.summary, app.home, preview.result["list_id"])
        if summary is not None:
            values["preview"] = _estimated(summary)
            values |= await _about(request, app, summary, campaign)
    return values


async def _list(request: Request, app: Wiring, campaign: Campaign) -> dict[str, Any]:
    if campaign.list_id is None:
        return {"summary": None}
    summary = await answered(app.reads, lists.summary, app.home, campaign.list_id)
    if summary is None:
        return {"summary": None}
    off = await answered(app.reads, app.campaigns.off, campaign.list_id)
    exports = await answered(app.reads, lists.exports, app.home, campaign.list_id)
    deeds = await answered(app.reads, app.campaigns.deeds, campaign.campaign_id)
    built = [deed.detail["list_id"] for deed in deeds if deed.deed == "built"]
    before = built[built.index(campaign.list_id) - 1] if campaign.list_id in built[1:] else None
    changed = None
    if before is not None:
        changed = await answered(app.reads, difference, app.home, before, campaign.list_id)
    left = next((deed for deed in reversed(deeds) if deed.deed == "exported"), None)
    more = {
        "left": left,
        "summary": summary,
        "off": off,
        "exports": exports,
        "changed": changed,
        "expired": _expiry(app)(summary),
    }
    return more | await _about(request, app, summary, campaign)


async def _about(request: Request, app: Wiring, summary: dict[str, Any], campaign: Campaign) -> dict[str, Any]:
    """A list at a glance: the funnel, examples, and who is on other lists too."""
    tongue = tongue_of(request)
    found = others(await answered(app.reads, app.campaigns.all), campaign.campaign_id, summary["id"])
    shared = await answered(app.reads, overlap, app.home, summary["id"], list(found))
    examples = await answered(app.reads, lists.read_list, app.home, summary["id"], "", "", 1, 5)
    return {
        "summary": summary,
        "groups": groups(summary, tongue),
        "called": lambda action: action_name(summary, action, tongue),
        "here": f"/console/lists/{summary['id']}",
        "overlaps": [(found[one], count) for one, count in shared.items()],
        "examples": examples.rows,
    }


async def _results(app: Wiring, campaign: Campaign) -> dict[str, Any]:
    if campaign.list_id is None:
        return {"results": None}
    found = await answered(app.staff, results_lately, app.service, app.home, campaign.list_id, app.clock())
    as_of, told = found or (None, None)
    return {"results": told, "as_of": as_of, "currency": await answered(app.reads, currency, app)}


def _estimated(summary: dict[str, Any]) -> dict[str, Any]:
    """A preview told for everybody: counts times what the sample stands for, the gain with its 95 % interval."""
    sampled, known = summary["customers"], summary["known"]
    times = known / sampled if sampled else 0.0
    rest = (1 - sampled / known) ** 0.5 if known > sampled else 0.0
    either = 1.96 * summary["gain_spread"] * sampled**0.5 * rest * times
    gain = summary["expected_gain"] * times
    return {"times": times, "gain": gain, "low": gain - either, "high": gain + either, "exact": sampled == known}


def _latest(jobs: list[Job], *kinds: str) -> Job | None:
    return next((job for job in jobs if job.kind in kinds), None)


def _expiry(app: Wiring) -> Any:
    now = app.clock()
    return lambda summary: summary is not None and now > datetime.fromisoformat(summary["valid_until"])
