"""The tidy relations that batch features are aggregated from: who, when, what, seen from each cutoff.

Each has the columns `customer_id`, `event_timestamp` (the cutoff T) and `since_<days>d` (T minus every declared
window), and holds only what was known at its cutoff: `occurred_at < T` and `received_at <= T`. Events of visitors
count for the customer they were linked to by T; those linked to nobody are left out.

All of it is Ibis, in spellings that give equal values on every engine (`features/feature_store/engine_rules.py`).
"""

from features.feature_store.batch_relations.known import KEYS, KNOWING_TYPES, Known, Relation

__all__ = ["KEYS", "KNOWING_TYPES", "Known", "Relation"]
