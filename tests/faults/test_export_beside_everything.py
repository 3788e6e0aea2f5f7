"""What leaves the house while others act: two exports at once, and an export again after its rows were sent."""

import threading

import pyarrow.parquet as pq
import pytest
from regular_customer import MINUTE

from features.errors import DataError
from pipelines.campaigns import build_campaign
from pipelines.export import export_campaign
from serving.service import Outcome


@pytest.fixture
def letters(shop):
    return build_campaign(shop.home, name="autumn", channel="email", placement="email", now=shop.now).id


def listed(export):
    return pq.read_table(export.file.with_suffix(".parquet")).to_pylist()


def test_of_exports_at_once_each_is_whole_or_told_to_wait(shop, letters):
    exports, told = [], []

    def run():
        try:
            exports.append(export_campaign(shop.home, letters, now=shop.now))
        except DataError as error:
            told.append(str(error))

    workers = [threading.Thread(target=run) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert exports and len(exports) + len(told) == 4 and all("being exported" in text for text in told)
    assert all([row["customer_id"] for row in listed(export)] == ["aino"] for export in exports)
    leftovers = [path.name for path in (shop.home.campaigns / letters).iterdir() if path.name.startswith(".export-")]
    assert leftovers == []


def test_who_was_sent_her_letter_is_not_in_the_next_export_of_the_list(shop, letters):
    (row,) = listed(export_campaign(shop.home, letters, now=shop.now))
    again = export_campaign(shop.home, letters, now=shop.now + MINUTE)
    assert again.kept == 1, "a file that was lost can be made once more"
    outcome = Outcome(decision_id=row["decision_id"], outcome="sent", occurred_at=shop.now + MINUTE)
    assert shop.service.record_outcome(outcome, shop.now + MINUTE)
    late = export_campaign(shop.home, letters, now=shop.now + 2 * MINUTE)
    assert late.kept == 0 and [one["reason"] for one in late.dropped] == ["already_told"]
