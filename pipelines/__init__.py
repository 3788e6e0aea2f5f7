"""When it runs: one thin module per step, the command line, the DVC stages."""
