"""The event log: what happened, each event once; the door it comes in by, and who is who."""
