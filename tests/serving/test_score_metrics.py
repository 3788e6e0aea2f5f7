"""The mean chance that models give shows in the metrics; a decision without a model counts nowhere."""

from datetime import UTC, datetime

from serving.core.decision import Decision, Fared
from serving.core.evidence import Evidence
from serving.metrics import Metrics

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


def decision(evidence: Evidence) -> Decision:
    return Decision(
        decision_id="d-1", customer_key="c-1", decided_at=NOON, mode="serve", channel="web", placement="front_page",
        arm="treated", state_status="ok", actions=[], holds=[], no_action_reason=None, withheld=None,
        fared=Fared((), (), b"", b"", b"", b"", b"", ()), evidence=evidence, versions={},
    )  # fmt: skip


def test_scores_are_summed_and_counted_by_model() -> None:
    metrics = Metrics()
    for evidence in (Evidence(churn=0.25), Evidence(churn=0.5, second_purchase=0.125), Evidence()):
        metrics.decided(decision(evidence))
    text = metrics.text().decode()
    for line in (
        'tahdikas_scores_sum{model="churn"} 0.75',
        'tahdikas_scores_count{model="churn"} 2.0',
        'tahdikas_scores_sum{model="second_purchase"} 0.125',
        'tahdikas_scores_count{model="second_purchase"} 1.0',
    ):
        assert line in text, text
