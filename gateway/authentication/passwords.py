"""Rules for new passwords. They are checked where a password is set in plain text; a verifier tells nothing."""

from __future__ import annotations

import stringprep
import unicodedata
from typing import Final

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.authentication.scram import prepared

DEFAULT_MIN_LENGTH: Final = 8
_LONGEST: Final = 1024  # bytes; a client must send it, and PBKDF2 takes more time for more
_FEWEST_DIFFERENT: Final = 4
_SHORTEST_NAME: Final = 3  # a shorter name is in many good passwords
_ROWS: Final = ("abcdefghijklmnopqrstuvwxyz", "0123456789", "qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm")
_COMMON: Final = frozenset(
    (
        *("admin", "administrator", "changeme", "changeit", "default", "football", "iloveyou", "lakegate", "letmein"),
        *("login", "master", "monkey", "password", "passwort", "postgres", "princess", "secret", "sunshine"),
        *("superuser", "trustno", "welcome"),
    )
)


def check_password(role: str, password: str, *, min_length: int = DEFAULT_MIN_LENGTH) -> None:
    """Raise SqlError 22023, which says why, for a password that a role must not have.

    Characters count after SASLprep (RFC 4013), as a client will prepare it.
    """
    if any(stringprep.in_table_c21_c22(character) for character in password):
        raise _refused("password has control characters", "Not every client can send them.")
    text = prepared(password)
    if not text.strip():
        raise _refused("password is empty")
    if len(text) < min_length:
        raise _refused("password is too short", f"It must have at least {min_length} characters.")
    if len(text.encode(errors="surrogatepass")) > _LONGEST:
        raise _refused("password is too long", f"It may have at most {_LONGEST} bytes.")
    folded = _folded(text)
    name = _folded(role)
    if folded == name or (len(name) >= _SHORTEST_NAME and (name in folded or name[::-1] in folded)):
        raise _refused("password must not contain user name")
    if len(set(folded)) < min(_FEWEST_DIFFERENT, min_length):
        raise _refused("password is too simple", f"It must have at least {_FEWEST_DIFFERENT} different characters.")
    if _is_row(folded):
        raise _refused("password is too simple", "It is a row of neighbours on the keyboard or in the alphabet.")
    if folded.strip("0123456789!?.,-_@#$%&* ") in _COMMON:
        raise _refused("password is too common", "It is among the first that are guessed.")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _is_row(text: str) -> bool:
    return any(
        text in (row * (len(text) // len(row) + 2)) or text[::-1] in (row * (len(text) // len(row) + 2))
        for row in _ROWS
    )


def _refused(message: str, hint: str | None = None) -> SqlError:
    return SqlError(SqlState.INVALID_PARAMETER_VALUE, message, hint=hint)
