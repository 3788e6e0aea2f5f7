"""The console of a small shop, and campaigns made in it as people would."""

from contextlib import ExitStack
from typing import Any

import pyarrow.parquet as pq

from pipelines.campaign_work import do_all
from serving import campaign_lists as lists
from serving.campaigns.life import Campaigns
from tests.scenarios.conftest import Shop

from .sitting import Sitting

REGULARS = ("aino", "bea", "cilla", "dora")


class Room(Sitting):
    """The console of a small shop, with a worker that is called by hand."""

    def __init__(self, shop: Shop, stack: ExitStack) -> None:
        self.shop = shop
        super().__init__(shop.home, shop.app, stack, lambda: shop.now)

    @property
    def campaigns(self) -> Campaigns:
        campaigns: Campaigns = self.app.state.wiring.campaigns
        return campaigns

    def works(self) -> int:
        """What waits is done; gives how many jobs were ended."""
        return do_all(self.shop.home, lambda: self.shop.now)

    def makes(self, name: str = "Autumn", template: str = "anything") -> str:
        answer = self.send("/console/campaigns/new", template=template, name=name)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].rsplit("/", 1)[-1]

    def saves(self, campaign_id: str, then: str = "", **fields: Any) -> Any:
        wish = {"name": "Autumn", "place": "email/email", "holdout": "0"} | fields
        if "version" not in fields:
            wish["version"] = str(self.version(campaign_id))
        return self.send(f"/console/campaigns/{campaign_id}/save", then=then, **wish)

    def version(self, campaign_id: str) -> int:
        found = self.campaigns.find(campaign_id)
        assert found is not None
        return found.version

    def status(self, campaign_id: str) -> str:
        found = self.campaigns.find(campaign_id)
        assert found is not None
        return found.status

    def does(self, campaign_id: str, deed: str, **fields: Any) -> Any:
        return self.send(f"/console/campaigns/{campaign_id}/{deed}", version=str(self.version(campaign_id)), **fields)

    def sees(self, campaign_id: str, tab: str = "") -> str:
        answer = self.get(f"/console/campaigns/{campaign_id}?tab={tab}")
        assert answer.status_code == 200, answer.text
        return answer.text

    def builds(self, **fields: Any) -> str:
        """Maija makes a campaign and has its list built."""
        self.becomes("Maija", "marketer")
        campaign_id = self.makes()
        assert self.saves(campaign_id, "build", **fields).status_code == 303
        self.works()
        return campaign_id

    def approves(self, campaign_id: str) -> Any:
        self.becomes("Aku", "approver")
        return self.does(campaign_id, "approve")

    def listed(self, campaign_id: str) -> list[str]:
        return sorted(row["customer_id"] for row in self.rows(campaign_id, "list"))

    def kept(self, campaign_id: str) -> dict[str, str]:
        return {row["customer_id"]: row["reason"] for row in self.rows(campaign_id, "kept_off")}

    def rows(self, campaign_id: str, name: str) -> list[dict[str, Any]]:
        found = self.campaigns.find(campaign_id)
        assert found is not None and found.list_id is not None
        return pq.read_table(lists.folder_of(self.shop.home, found.list_id) / f"{name}.parquet").to_pylist()
