"""Converters: each turns one source's raw rows into canonical events."""
