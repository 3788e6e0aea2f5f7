"""docs/console.md speaks of every role, template and reason that there is."""

from pathlib import Path

from serving.campaigns.spec import REASONS, TEMPLATES
from serving.console.roles import ROLES

PAGE = (Path(__file__).parents[2] / "docs" / "console.md").read_text(encoding="utf-8")


def test_every_role_template_and_reason_of_a_campaign_is_told() -> None:
    untold = [one for one in [*ROLES, *TEMPLATES, *REASONS] if f"| `{one}` |" not in PAGE]
    assert untold == []
