"""Simulated shops whose truth is known: what was learned of them beside what was so."""
