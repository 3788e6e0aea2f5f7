"""One customer: her facts folded into state, and what the state means at a moment, holds included."""
