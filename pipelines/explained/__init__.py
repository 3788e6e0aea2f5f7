"""One decision taken apart from event to answer: the page docs/decisions-explained.md, made by running the service."""
