"""A campaign's life, from template to results, by the pages and the worker behind them."""

import csv
import json
import re
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from features.errors import DataError
from features.log.store import transaction
from pipelines.export import export_campaign
from serving import campaign_lists as lists
from serving.campaigns.kept_results import keep_results, results_lately
from serving.campaigns.life import Campaigns, NotNowError, OvertakenError
from serving.campaigns.results import results
from serving.campaigns.spec import Spec, held_out
from serving.console.people import People

from .conftest import QUICK
from .room import REGULARS, Room


def test_a_campaigns_life_from_template_to_results(room: Room) -> None:
    room.becomes("Maija", "marketer")
    campaign_id = room.makes("Autumn")
    assert "A preview asks about some of your customers" in room.sees(campaign_id)
    room.saves(campaign_id, "preview")
    assert "waits for its turn" in room.sees(campaign_id, "plan") and room.works() == 1
    assert "All known customers were asked about" in room.sees(campaign_id, "plan")
    assert not room.shop.home.campaigns.joinpath("list.parquet").exists() and room.status(campaign_id) == "draft"

    room.saves(campaign_id, "build")
    assert room.status(campaign_id) == "building" and room.works() == 1
    assert room.listed(campaign_id) == list(REGULARS) and room.status(campaign_id) == "review"
    assert "somebody with the role approver" in room.sees(campaign_id)
    assert room.does(campaign_id, "approve").status_code == 403
    assert room.does(campaign_id, "export").status_code == 409  # nobody approved it

    assert room.approves(campaign_id).status_code == 303 and room.status(campaign_id) == "approved"
    room.becomes("Maija")
    room.shop.wait(minutes=5)
    room.shop.happens("feedback", "bea", kind="complaint", text="Never again, it is broken")
    room.does(campaign_id, "export")
    assert room.works() == 1 and room.status(campaign_id) == "exported"
    text = room.sees(campaign_id)
    (address,) = re.findall(r'href="([^"]+/list\.csv)"', text)
    assert "3 rows left" in text and "1 dropped out" in text
    rows = list(csv.DictReader(room.get(address).text.lstrip("\ufeff").splitlines()))
    assert [row["customer_id"] for row in rows] == ["aino", "cilla", "dora"] and all(row["valid_until"] for row in rows)
    dropped = re.findall(r'href="([^"]+tab=dropped[^"]+)"', text)[0].replace("&amp;", "&")
    assert "bea" in room.get(dropped).text and "complaint" in room.get(dropped).text
    assert "at least 30 are needed" in room.sees(campaign_id, "results")
    told = re.findall(r"<strong>(\w+)</strong> ([a-z ]+)", room.sees(campaign_id, "history"))
    assert [(who, deed.strip()) for who, deed in told][::-1] == [
        ("Maija", "made the campaign"), ("Maija", "changed it"), ("Maija", "asked for a list"),
        ("Maija", "had the list built"), ("Aku", "approved the list"), ("Maija", "asked for an export"),
        ("Maija", "exported the list"),
    ]  # fmt: skip


def test_a_preview_leaves_no_trace_and_says_what_the_list_will_say(room: Room) -> None:
    run = room.app.state.wiring.service.records.connection()

    def decisions() -> int:
        return int(run.execute("select count(*) from decisions").fetchone()[0])

    room.becomes("Maija", "marketer")
    campaign_id, before = room.makes(), decisions()
    room.saves(campaign_id, "preview")
    room.works()
    assert decisions() == before
    (job,) = room.campaigns.jobs(campaign_id)
    preview = lists.read_list(room.shop.home, job.result["list_id"], "", "", 1, 50)
    room.saves(campaign_id, "build")
    room.works()
    assert decisions() == before + len(REGULARS)
    assert sorted(row["customer_id"] for row in preview.rows) == room.listed(campaign_id)


def test_audience_messages_bounds_and_those_held_out(room: Room) -> None:
    for number in range(40):
        room.shop.regular(f"x{number:02}", orders=2)
    campaign_id = room.builds(orders_to="2")
    assert set(room.listed(campaign_id)) == {f"x{number:02}" for number in range(40)}
    assert "Not in the audience" in room.sees(campaign_id)
    campaign_id = room.builds(at_most="3")
    assert len(room.listed(campaign_id)) == 3 and set(room.kept(campaign_id).values()) == {"over_budget"}
    everybody = {row["customer_id"]: row for row in room.rows(room.builds(), "list")}
    best = sorted(everybody.values(), key=lambda row: (-row["expected_gain"], row["customer_id"]))
    assert room.listed(campaign_id) == sorted(row["customer_id"] for row in best[:3])
    campaign_id = room.builds(budget="0.05")  # a letter costs a cent
    assert len(room.listed(campaign_id)) == 5
    campaign_id = room.builds(actions=["check_in"])
    assert room.listed(campaign_id) == [] and set(room.kept(campaign_id).values()) == {"other_message"}
    campaign_id = room.builds(least_gain="99999")
    assert room.listed(campaign_id) == [] and set(room.kept(campaign_id).values()) == {"least_gain"}
    campaign_id = room.builds(holdout="50")
    out = {who for who, why in room.kept(campaign_id).items() if why == "campaign_holdout"}
    assert out == {one for one in everybody if held_out(campaign_id, one, 0.5)} and 0 < len(out) < len(everybody)
    assert out.isdisjoint(room.listed(campaign_id))


def test_of_two_who_change_one_campaign_the_second_is_told(room: Room) -> None:
    room.becomes("Maija", "marketer")
    campaign_id = room.makes()
    version = room.version(campaign_id)
    room.becomes("Minna", "marketer")
    assert room.saves(campaign_id, name="Minna's", version=str(version)).status_code == 303
    room.becomes("Maija")
    late = room.saves(campaign_id, name="Maija's", version=str(version))
    assert late.status_code == 409 and "Minna changed this campaign" in late.text and "Nothing was changed" in late.text
    assert "Minna&#39;s" in room.sees(campaign_id)


def test_writers_at_the_same_moment_get_one_version_each(room: Room) -> None:
    made = room.campaigns.make(Spec(name="Race"), "Maija", room.shop.now)
    told: list[str] = []

    def change(who: str) -> None:
        campaigns = Campaigns(room.shop.home)
        try:
            campaigns.save(made.campaign_id, 1, Spec(name=who), who, room.shop.now)
            told.append("written")
        except OvertakenError:
            told.append("overtaken")
        finally:
            campaigns.close()

    threads = [threading.Thread(target=change, args=(f"w{n}",)) for n in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(told) == ["overtaken"] * 5 + ["written"] and room.version(made.campaign_id) == 2


def test_nobody_approves_what_she_made_or_changed(room: Room) -> None:
    People(room.shop.home, QUICK).add("Boss", "correct horse battery", ["admin"], by="test", now=room.shop.now)
    campaign_id = room.builds()
    room.becomes("Boss")
    room.does(campaign_id, "take-off", customer="aino", reason="She asked for it")
    own = room.does(campaign_id, "approve")
    assert own.status_code == 409 and "Somebody else has to approve it" in own.text
    assert room.approves(campaign_id).status_code == 303


def test_any_change_takes_the_approval_back_and_an_older_version_cannot_be_approved(room: Room) -> None:
    campaign_id = room.builds()
    seen = room.version(campaign_id)
    room.does(campaign_id, "take-off", customer="aino", reason="A friend of the house")
    room.becomes("Aku", "approver")
    stale = room.send(f"/console/campaigns/{campaign_id}/approve", version=str(seen))
    assert stale.status_code == 409 and room.status(campaign_id) == "review"
    assert room.approves(campaign_id).status_code == 303
    room.becomes("Maija")
    room.does(campaign_id, "put-back", customer="aino")
    assert room.status(campaign_id) == "review" and room.does(campaign_id, "export").status_code == 409


def test_who_was_taken_off_does_not_leave(room: Room) -> None:
    campaign_id = room.builds()
    room.does(campaign_id, "take-off", customer="dora", reason="A <b>friend</b>")
    assert "A &lt;b&gt;friend&lt;/b&gt;" in room.sees(campaign_id)
    room.approves(campaign_id)
    room.becomes("Maija")
    room.does(campaign_id, "export")
    room.works()
    found = room.campaigns.find(campaign_id)
    assert found is not None and found.list_id is not None
    (export,) = lists.exports(room.shop.home, found.list_id)
    gone = lists.read_dropped(room.shop.home, found.list_id, export["name"], "", 1, 9)
    assert [(row["customer_id"], row["reason"]) for row in gone.rows] == [("dora", "taken_off")]


def test_no_other_way_out_for_a_list_that_nobody_approved(room: Room) -> None:
    campaign_id = room.builds()
    found = room.campaigns.find(campaign_id)
    assert found is not None and found.list_id is not None
    with pytest.raises(DataError, match="Have it approved"):
        export_campaign(room.shop.home, found.list_id, now=room.shop.now)


def test_what_was_begun_when_the_worker_died_is_done_once_by_the_next(room: Room) -> None:
    room.becomes("Maija", "marketer")
    campaign_id = room.makes()
    room.saves(campaign_id, "build")
    (job,) = room.campaigns.jobs(campaign_id)
    assert room.campaigns.goes_on(job, 1, 4)  # it had begun, and was killed
    assert room.works() == 1 and room.status(campaign_id) == "review"
    again = room.campaigns.job(job.job_id)
    assert again is not None and again.status == "done" and room.works() == 0
    first = [path.name for path in room.shop.home.campaigns.glob("*/summary.json")]
    run = room.campaigns.connection()
    run.execute("update campaign_jobs set status = 'running', ended_at = null")  # it ended, but could not say so
    run.execute("update campaigns set status = 'building', list_id = null")
    assert room.works() == 1 and room.status(campaign_id) == "review"
    assert [path.name for path in room.shop.home.campaigns.glob("*/summary.json")] == first


def test_an_export_interrupted_is_made_again_and_nobody_is_written_to_twice(room: Room) -> None:
    campaign_id = room.builds()
    room.approves(campaign_id)
    found = room.campaigns.find(campaign_id)
    assert found is not None and found.list_id is not None

    def die(_: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        export_campaign(room.shop.home, found.list_id, now=room.shop.now, progress=die)
    assert lists.exports(room.shop.home, found.list_id) == []
    room.becomes("Maija")
    room.shop.wait(minutes=5)
    room.does(campaign_id, "export")
    assert room.works() == 1
    (export,) = lists.exports(room.shop.home, found.list_id)
    assert (export["kept"], export["dropped"]) == (len(REGULARS), 0)
    row = room.rows(campaign_id, "list")[0]
    told = {"decision_id": row["decision_id"], "outcome": "sent", "occurred_at": room.shop.now.isoformat()}
    assert room.shop.http.post("/v1/outcomes", json=told).status_code < 300
    room.shop.wait(minutes=5)
    room.does(campaign_id, "export")
    room.works()
    assert [one["kept"] for one in lists.exports(room.shop.home, found.list_id)] == [len(REGULARS) - 1, len(REGULARS)]


def test_of_two_who_export_one_list_the_second_is_told_and_gets_the_same_file(room: Room) -> None:
    campaign_id = room.builds()
    room.approves(campaign_id)
    room.becomes("Maija")
    room.does(campaign_id, "export")
    room.becomes("Minna", "marketer")
    room.does(campaign_id, "export")  # while it is made: it is the same one
    assert "asked for by Maija" in room.sees(campaign_id) and room.works() == 1
    found = room.campaigns.find(campaign_id)
    assert found is not None and found.list_id is not None
    (first,) = lists.exports(room.shop.home, found.list_id)
    held = places(room)
    assert len(held) == len(REGULARS)

    room.shop.wait(minutes=5)
    room.does(campaign_id, "export")
    assert room.works() == 1 and places(room) == held
    assert lists.exports(room.shop.home, found.list_id) == [first]
    text = room.sees(campaign_id)
    assert "Maija exported this list" in text and "the same file" in text
    told = re.findall(r"<strong>(\w+)</strong> ([a-z ]+)", room.sees(campaign_id, "history"))
    assert [(who, deed.strip()) for who, deed in told][1::-1] == [
        ("Minna", "asked for an export"), ("Minna", "was given the file of before"),
    ]  # fmt: skip


def test_who_complains_between_two_exports_is_not_in_the_second_and_the_first_is_given_out_no_more(room: Room) -> None:
    campaign_id, address = exported(room)
    room.shop.wait(minutes=5)
    room.shop.happens("feedback", "bea", kind="complaint", text="Never again")
    room.does(campaign_id, "export")
    room.works()
    (later,) = re.findall(r'href="([^"]+/list\.csv)"', room.sees(campaign_id))
    assert later != address and "bea" not in room.get(later).text and "aino" in room.get(later).text
    assert room.get(address).status_code == 409
    assert "Maija exported this list" not in room.sees(campaign_id)


def test_exports_at_the_same_moment_reserve_each_place_once(room: Room) -> None:
    campaign_id = room.builds()
    room.approves(campaign_id)
    found = room.campaigns.find(campaign_id)
    assert found is not None and found.list_id is not None
    list_id, made, told = found.list_id, list[Path](), list[str]()

    def run() -> None:
        try:
            made.append(export_campaign(room.shop.home, list_id, now=room.shop.now).file)
        except DataError as error:
            told.append(str(error))

    workers = [threading.Thread(target=run) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert made and len(set(made)) == 1 and len(made) + len(told) == 3
    assert len(places(room)) == len(REGULARS)


def places(room: Room) -> list[tuple[Any, ...]]:
    """The places in the contact cap that are held for senders."""
    run = room.app.state.wiring.service.records.connection()
    rows: list[tuple[Any, ...]] = run.execute("select customer_key, decision_id from reservations").fetchall()
    return sorted(rows)


def test_who_is_on_two_lists_is_counted_and_it_is_remembered(room: Room) -> None:
    first, second = room.builds(), room.builds()
    assert "Autumn (4)" in room.sees(first, "list") and "Autumn (4)" in room.sees(second, "list")
    found = room.campaigns.find(second)
    assert found is not None and found.list_id is not None
    remembered = lists.folder_of(room.shop.home, found.list_id) / "compared.json"
    assert list(json.loads(remembered.read_text()).values()) == [4]
    remembered.write_text("{")
    assert "Autumn (4)" in room.sees(second, "list")
    room.becomes("Maija")
    room.saves(first, "build", least_gain="0")
    room.works()
    assert "0 came onto it and 0 left it" in room.sees(first, "list")


def test_results_are_counted_ahead_and_once_the_weeks_are_over_for_the_last_time(room: Room) -> None:
    campaign_id = room.builds()
    service = room.app.state.wiring.service
    assert not keep_results(service, room.shop.home, room.shop.now)  # nothing has left
    room.approves(campaign_id)
    room.becomes("Maija")
    room.does(campaign_id, "export")
    room.works()
    found = room.campaigns.find(campaign_id)
    assert found is not None and found.list_id is not None

    def told() -> tuple[timedelta, int]:
        as_of, shown = results_lately(service, room.shop.home, list_id, room.shop.now) or (None, None)
        assert as_of is not None and shown is not None and shown.treated is not None
        return room.shop.now - as_of, shown.treated.bought

    list_id, minute, nought = found.list_id, timedelta(minutes=1), timedelta(0)
    assert told() == (nought, 0)
    assert keep_results(service, room.shop.home, room.shop.now)
    assert not keep_results(service, room.shop.home, room.shop.now)
    room.shop.wait(minutes=5)
    room.shop.orders("aino", "coffee")
    assert told() == (5 * minute, 0) and "Counted 5 minutes ago" in room.sees(campaign_id, "results")
    room.shop.wait(minutes=6)
    assert keep_results(service, room.shop.home, room.shop.now) and told() == (nought, 1)
    room.shop.wait(hours=1)
    assert told() == (nought, 1)  # what is too old is counted anew
    lists.folder_of(room.shop.home, list_id).joinpath("results.json").write_text("torn")
    assert told() == (nought, 1)
    room.shop.wait(days=28)
    assert keep_results(service, room.shop.home, room.shop.now)
    room.shop.wait(days=10)
    assert told() == (timedelta(days=10), 1) and not keep_results(service, room.shop.home, room.shop.now)
    path = lists.folder_of(room.shop.home, list_id) / "results.json"
    path.write_text(path.read_text().replace(',"rule":2', ""))
    assert told() == (nought, 1)  # counted by an older rule


def test_an_older_preview_goes_when_another_is_made(room: Room) -> None:
    room.becomes("Maija", "marketer")
    campaign_id = room.makes()
    for bound in ("3", "2"):
        room.saves(campaign_id, "preview", at_most=bound)
        room.works()
    assert len(list(room.shop.home.campaigns.glob("previews/*/summary.json"))) == 1
    assert "Where the customers went" in room.sees(campaign_id, "plan")


def test_who_was_taken_off_stays_off_when_the_list_is_built_again(room: Room) -> None:
    campaign_id = room.builds()
    room.does(campaign_id, "take-off", customer="aino", reason="She was in tears on the phone")
    room.saves(campaign_id, "build", least_gain="0")
    assert room.works() == 1 and "aino" in room.listed(campaign_id)
    assert "in tears on the phone" in room.sees(campaign_id)
    room.approves(campaign_id)
    room.becomes("Maija")
    room.does(campaign_id, "export")
    room.works()
    found = room.campaigns.find(campaign_id)
    assert found is not None and found.list_id is not None
    (export,) = lists.exports(room.shop.home, found.list_id)
    assert (export["kept"], export["dropped"]) == (len(REGULARS) - 1, 1)


def test_who_is_taken_off_while_an_export_runs_does_not_leave_with_it(room: Room) -> None:
    campaign_id = room.builds()
    room.approves(campaign_id)
    found = room.campaigns.find(campaign_id)
    assert found is not None and found.list_id is not None

    room.becomes("Maija")

    def meanwhile(_: int) -> None:
        assert room.does(campaign_id, "take-off", customer="aino", reason="She has just called").status_code == 303

    with pytest.raises(DataError):
        export_campaign(room.shop.home, found.list_id, now=room.shop.now, progress=meanwhile)
    assert lists.exports(room.shop.home, found.list_id) == []


def test_a_build_that_fails_or_is_stopped_leaves_a_draft(room: Room) -> None:
    room.becomes("Maija", "marketer")
    campaign_id = room.makes()
    room.saves(campaign_id, "build")
    (job,) = room.campaigns.jobs(campaign_id)
    room.becomes("Minna", "marketer")
    room.send(f"/console/campaigns/{campaign_id}/stop", job=job.job_id)
    assert room.status(campaign_id) == "draft" and room.works() == 0
    last = room.campaigns.deeds(campaign_id)[-1]
    assert (last.person, last.deed, last.detail) == ("Minna", "build stopped", {}), (
        "who stopped it, not who asked for it"
    )
    assert "by Minna" in room.sees(campaign_id) and "Maija stopped" not in room.sees(campaign_id, "history")
    room.saves(campaign_id, "build")
    policy = room.shop.home.config / "policy.yaml"
    kept = policy.read_text(encoding="utf-8")
    policy.write_text("nonsense: true", encoding="utf-8")
    assert room.works() == 1 and room.status(campaign_id) == "draft"
    policy.write_text(kept, encoding="utf-8")
    assert "could not be made" in room.sees(campaign_id) and "nonsense" in room.sees(campaign_id)


def test_what_cannot_be_wanted_is_told_with_its_field(room: Room) -> None:
    room.becomes("Maija", "marketer")
    campaign_id = room.makes()
    for fields, fault in (
        ({"at_most": "many"}, "At most so many"), ({"name": " "}, "a name"), ({"place": "moon/email"}, "no place"),
        ({"actions": "gift"}, "no message gift"), ({"orders_from": "3", "orders_to": "2"}, "smaller number first"),
        ({"holdout": "80"}, "held out"), ({"version": ""}, "lacks its version"), ({"budget": "1,500"}, "thousands"),
    ):  # fmt: skip
        answer = room.saves(campaign_id, **fields)
        assert answer.status_code == 422 and fault in answer.text, fields
    with pytest.raises(NotNowError):
        room.campaigns.approve(campaign_id, room.version(campaign_id), "Aku", room.shop.now)


def test_templates_say_what_they_mean(room: Room) -> None:
    room.becomes("Maija", "marketer")
    for template in ("win_back", "second_purchase", "seasonal", "favourites", "check_in", "call_list"):
        campaign_id = room.makes("", template)
        assert room.status(campaign_id) == "draft" and "checked" in room.sees(campaign_id, "plan")


def test_numbers_are_read_and_shown_as_the_reader_writes_them(room: Room) -> None:
    room.becomes("Maija", "marketer")
    campaign_id = room.makes()
    assert room.saves(campaign_id, budget="1 500,50", holdout="2,5").status_code == 303
    for code, budget, share in (("fi", "1500,50", "2,5"), ("en", "1500.50", "2.5")):
        text = room.get(f"/console/campaigns/{campaign_id}?tab=plan&lang={code}").text
        assert f'value="{budget}"' in text and f'value="{share}"' in text


def test_one_row_is_one_row_and_history_writes_numbers_as_elsewhere(room: Room) -> None:
    campaign_id = room.builds(at_most="1")
    room.approves(campaign_id)
    room.becomes("Maija")
    room.does(campaign_id, "export")
    room.works()
    assert "1 row left" in room.sees(campaign_id)
    with transaction(room.campaigns.connection()) as run:
        run.execute("""update campaign_deeds set detail = '{"listed":12345}' where deed = 'built'""")
    assert "12,345" in room.sees(campaign_id, "history")


def exported(room: Room) -> tuple[str, str]:
    """A campaign that Maija exported, and the address of its file."""
    campaign_id = room.builds()
    room.approves(campaign_id)
    room.becomes("Maija")
    room.does(campaign_id, "export")
    room.works()
    (address,) = re.findall(r'href="([^"]+/list\.csv)"', room.sees(campaign_id))
    return campaign_id, address


def test_a_file_that_waited_is_not_given_out_once_somebody_in_it_complained(room: Room) -> None:
    campaign_id, address = exported(room)
    room.shop.wait(minutes=5)
    room.shop.happens("feedback", "stranger", kind="complaint", text="Not on the list")
    room.shop.happens("feedback", "aino", kind="rating", score=5)
    assert "bea" in room.get(address).text, "nothing that was heard speaks against anybody in it"
    room.shop.happens("feedback", "bea", kind="complaint", text="Never again")
    refused = room.get(address)
    assert refused.status_code == 409 and "Export the list again" in refused.text
    room.does(campaign_id, "export")
    room.works()
    (later,) = re.findall(r'href="([^"]+/list\.csv)"', room.sees(campaign_id))
    assert "bea" not in room.get(later).text and "aino" in room.get(later).text


def test_a_file_that_waited_long_is_asked_about_again_and_then_given_out(room: Room) -> None:
    campaign_id, address = exported(room)
    room.shop.wait(minutes=61)
    assert room.get(address).status_code == 409, "a promised day may have passed"
    room.does(campaign_id, "export")
    room.works()
    assert room.get(address).status_code == 200, "nobody dropped out: the same file"


def test_of_a_closed_campaign_nothing_leaves_any_more(room: Room) -> None:
    campaign_id, address = exported(room)
    assert room.get(address).status_code == 200
    room.does(campaign_id, "close")
    refused = room.get(address)
    assert refused.status_code == 409 and "is closed" in refused.text
    assert "list.csv" not in room.sees(campaign_id)


def test_what_silence_withheld_is_of_those_left_in_peace_alone(room: Room) -> None:
    room.shop.regular("erja", consent=False)
    room.shop.case("cilla", "opened")
    campaign_id = room.builds(at_most="1")
    off = {row["customer_id"]: row for row in room.rows(campaign_id, "kept_off")}
    assert off["erja"]["reason"] == "consent" and off["cilla"]["hold_kind"] == "open_case" and len(off) == 4
    found = room.campaigns.find(campaign_id)
    assert found is not None and found.list_id is not None
    told = results(room.app.state.wiring.service, room.shop.home, found.list_id, room.shop.now)
    assert told is not None and 0 < told.withheld == pytest.approx(off["cilla"]["would_be_gain"], abs=0.01)
