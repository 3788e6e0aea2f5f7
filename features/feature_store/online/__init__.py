"""The newest features of each customer, packed, for serving: records, the stores that keep them, reading and writing.

Importing this loads neither Feast nor a server's client.
"""

from features.feature_store.online.reading import OnlineFeatures
from features.feature_store.online.records import BATCH_VIEW, OnlineRecord, RecordSchema
from features.feature_store.online.writing import OnlineWriter

__all__ = ["BATCH_VIEW", "OnlineFeatures", "OnlineRecord", "OnlineWriter", "RecordSchema"]
