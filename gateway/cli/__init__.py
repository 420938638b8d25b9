"""The command ``lakegate``."""

from gateway.cli.app import main

__all__ = ["main"]
