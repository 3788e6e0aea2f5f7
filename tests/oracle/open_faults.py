"""Faults of the product that the oracle found and that are not mended yet: it looks away from these, and only these.

Each has a test in test_found.py that fails until it is mended; then its name goes from here.
"""

OPEN = {
    "places",  # a contact promised to a visitor is forgotten when she turns out to be a customer
    "doubt",  # a visitor's doubtful event, named beside a customer, silences her other questions of the same batch
}
