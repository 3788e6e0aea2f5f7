"""Batch features, their history for training and their packed records for serving; Feast over both."""
