"""The pure decision core: values in, decisions out; no clock, no store, no network."""
