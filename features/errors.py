"""The errors a person can do something about. Each message names the value, the place and the remedy."""


class TahdikasError(Exception):
    """Something the caller can put right; its text says how."""


class HomeError(TahdikasError):
    """The data folder cannot be used."""


class SourceError(TahdikasError):
    """A source file cannot be read as what it was said to be."""


class ConfigError(TahdikasError):
    """A policy, catalogue or parameter file is not valid."""


class DataError(TahdikasError):
    """There is too little or the wrong data for what was asked."""


class BundleError(TahdikasError):
    """A model bundle is missing, torn, altered or of another version."""
