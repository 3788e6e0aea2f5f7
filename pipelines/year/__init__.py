"""A year in three customers' lives, lived day by day through the running system: the page docs/a-year.md."""
