"""What we know: events, identity, state, feature definitions, catalogue, vocabulary."""
