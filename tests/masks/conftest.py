"""A server with a store and a mirror, as the tests of the catalogue have them."""

from tests.catalog.conftest import mirror, server, session_folder, store

__all__ = ["mirror", "server", "session_folder", "store"]
