"""What we decide: the pure decision `core`, what it reads and records beside it, the `api` and `console` around it."""
