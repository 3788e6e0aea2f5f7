"""`python -m pipelines.cli` is `tahdikas`."""

from pipelines.cli import main

main()
