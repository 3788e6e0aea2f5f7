"""A made-up shop: its items, its customers, and two years of what happens between them (docs/simulated-shop.md)."""
