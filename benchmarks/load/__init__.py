"""Load on a running service, from a process of its own: planned beforehand, whatever becomes of the answers."""
