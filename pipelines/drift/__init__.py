"""Drift in operation: what the models saw and said in live decisions, held against what they learned from."""
