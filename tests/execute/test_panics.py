"""A fault of the engine's is an error of the statement, not the end of the connection."""

from __future__ import annotations

from gateway.execute.engine import told
from gateway.execute.opened import Opened


class PanicException(BaseException):
    """As the engine raises it."""


def test_a_panic_is_an_error_of_ours() -> None:
    failure = told(PanicException("index out of bounds"), Opened(lambda text: None))
    assert isinstance(failure, Exception)
    assert "index out of bounds" in str(failure)
