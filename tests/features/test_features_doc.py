"""docs/features.md says what the code does."""

from features.feature_store.documentation import PAGE, feature_page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == feature_page(), "run `python -m features.feature_store.documentation`"
