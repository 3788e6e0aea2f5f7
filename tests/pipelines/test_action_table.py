"""The table of shipped actions in docs/actions.md is that of the file."""

from pipelines.action_table import PAGE, action_table, with_table


def test_the_table_is_up_to_date():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page), "run `python -m pipelines.action_table`"


def test_every_row_says_what_when_and_where():
    rows = {row.split("`")[1]: row for row in action_table().splitlines()[2:]}
    assert "`orders_total == 1`" in rows["welcome"] and "once per order" in rows["welcome"]
    assert "a sample of 20%" in rows["touchpoint_question"]
    assert "`stage == lapsing`" in rows["lapsing_question"], "names, not numbers"
    assert "1 in 28 days by email, its whole group counted" in rows["recommended_items"]
