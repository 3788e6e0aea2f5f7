"""What is read to fold one customer does not grow with how many others there are, or how many ids are theirs."""

from contextlib import closing
from typing import Any

from log_contents import NOW, event, link, new_home, purchase

from features.home import Home
from features.log.event_log import EventLog
from features.log.refolding import facts_by_customer, facts_ever_of
from features.log.store import connect, transaction

STEPS = 100  # of SQLite's machine between two calls of the counter


def _shop(folder: Any, others: int) -> Home:
    """Aino, known by two ids, among others who have each two of theirs."""
    home = new_home(folder)
    with closing(EventLog(home, durable=False)) as log:
        for who in ["aino", *(f"other-{n}" for n in range(others))]:
            seen = [event(f"{who}-{n}", "browse", f"~{who}-{n}", 1, action="view", session_id="s") for n in (1, 2)]
            ids = [link(f"{who}-link-{n}", f"{who}-{n}", who, 2) for n in (1, 2)]
            log.append_live([purchase(f"{who}-bought", who, 3), *seen, *ids], source="test", now=NOW)
    return home


def _work(home: Home) -> int:
    """How much SQLite does to read Aino's facts, in hundreds of steps."""
    done: list[int] = []
    with closing(connect(home)) as run, transaction(run):
        run.set_progress_handler(lambda: done.append(1), STEPS)  # type: ignore[attr-defined]
        ((_, _, hers),) = facts_by_customer(run, ["aino"])
        ever, spans = facts_ever_of(run, ["aino"])
        run.set_progress_handler(None, 0)  # type: ignore[attr-defined]
    assert len(hers) == len(ever["aino"]) == 5 and len(spans["aino"]) == 2
    return len(done)


def test_the_links_of_others_are_not_read(tmp_path: Any) -> None:
    few, many = _work(_shop(tmp_path / "few", 1)), _work(_shop(tmp_path / "many", 400))
    assert many <= few + 5, f"{few * STEPS:,} steps in a shop of two, {many * STEPS:,} in one of 401"
