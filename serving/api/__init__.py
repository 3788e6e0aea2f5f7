"""The HTTP API: one file per resource, one factory."""

from serving.api.app import create_app

__all__ = ["create_app"]
