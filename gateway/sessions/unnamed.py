"""A session's unnamed prepared statement, which the mirror may not have: a text that comes again and again is prepared
there under a name of the gateway's.
"""

from __future__ import annotations

from gateway.sessions.owed_answers import OwedAnswers
from gateway.wire import frontend


class UnnamedStatement:
    """That of one session. ``parse`` is the last message that made it, as the mirror is to have it, which
    ``is_missing``: it was not sent.
    """

    def __init__(self, owed: OwedAnswers) -> None:
        self._owed = owed
        self.is_missing = False
        self.parse: frontend.Parse | None = None

    def made(self, parse: frontend.Parse, *, elsewhere: bool = False) -> None:
        """Note a Parse message; ``elsewhere``: the mirror was not sent it."""
        if not parse.name:
            self.parse = parse
            self.is_missing = elsewhere

    def used(self, name: str) -> None:
        """Have the mirror be sent the statement before a message that names it, if that one is without a name."""
        if not name and self.is_missing and self.parse is not None:
            self.is_missing = False
            self._owed.send_before(self.parse)
