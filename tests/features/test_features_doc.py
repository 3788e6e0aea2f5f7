"""docs/features.md says what the code does."""

from features.feature_store.documentation import PAGE, feature_page, measured_last


def test_the_page_is_up_to_date() -> None:
    page = feature_page(measured_last())
    assert PAGE.read_text("utf-8") == page, "run `python -m features.feature_store.documentation`"
