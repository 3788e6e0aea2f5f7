"""Decisions of the past: told as they were, by the policy and catalogue of then, and taken again."""

from datetime import datetime
from typing import Any

from features.errors import BundleError, DataError
from features.home import Home
from serving.bundle import Bundle, load
from serving.core.catalogue import Catalogue, parse_catalogue
from serving.core.decision import Decision
from serving.core.explain import explain
from serving.core.policy import Policy, parse_policy
from serving.core.scorer import NO_MODEL
from serving.records import Records
from serving.replaying import replay


class Past:
    """What is on record in one data folder, in plain types; `DataError` where a decision's texts are not kept."""

    def __init__(self, home: Home, records: Records) -> None:
        self._home, self._records = home, records

    def explained(self, decision: Decision | None, action: str | None = None) -> dict[str, Any] | None:
        """A decision with the verdict on every action, or on one; None for none."""
        if decision is None:
            return None
        return {"source": "record"} | explain(decision, *self._texts(decision), action=action)

    def last(
        self, customer_id: str, at: datetime, action: str | None, channel: str | None, placement: str | None
    ) -> dict[str, Any] | None:
        """Her latest decision at or before `at`, explained; None where there is none."""
        return self.explained(self._records.last(customer_id, at, channel=channel, placement=placement), action)

    def replay(self, decision_id: str) -> dict[str, Any] | None:
        """A decision taken again from its evidence, compared with the record; None for an unknown id."""
        decision = self._records.get(decision_id)
        return None if decision is None else replay(decision, *self._texts(decision), self._bundle_of(decision))

    def _texts(self, decision: Decision) -> tuple[Policy, Catalogue]:
        """The policy and catalogue a decision rests on. Raises `DataError` where they are not kept."""
        texts = {name: self._records.kept(decision.versions[name]) for name in ("policy", "catalogue")}
        for name, text in texts.items():
            if text is None:
                raise DataError(
                    f"The {name} {decision.versions[name][:12]} that decision {decision.decision_id} rests on is not "
                    "kept. Restore the live store from a copy."
                )
        return (
            parse_policy(str(texts["policy"]), name="the policy of then"),
            parse_catalogue(str(texts["catalogue"]), known=None, name="the actions of then"),
        )

    def _bundle_of(self, decision: Decision) -> Bundle | None:
        """The models of then, None where there were none, or they are gone."""
        name = decision.versions["bundle"]
        try:
            return None if name == NO_MODEL else load(self._home.bundles / name)
        except BundleError:
            return None
