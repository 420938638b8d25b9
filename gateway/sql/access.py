"""Statements that give and take access: which forms are served, and what PostgreSQL gets of them.

What they do is PostgreSQL's affair, in the mirror. Here is decided, by the words alone, what may reach it: a statement
of a listed form, without a password.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.errors import SqlError
from catalog.mirror.access_statements import AccessStatement, StateOfPolicy
from catalog.sqlstate import SqlState
from catalog.store.rows import PolicyState
from gateway.sql.tokens import Token, tokens
from gateway.sql.view_statements import is_view_statement

_ROLES = frozenset({"ROLE", "USER", "GROUP"})
_OTHER_OBJECTS = frozenset(  # that GRANT … ON may name, before a name
    (*("DOMAIN", "FOREIGN", "LANGUAGE", "LARGE", "PARAMETER", "SEQUENCE", "TABLESPACE", "TYPE", "ALL", "PROPERTY"),)
)
_NOT_IN_FORCE = {"DRAFT": PolicyState.DRAFT, "SHADOW": PolicyState.SHADOW}
_STATES = {**_NOT_IN_FORCE, "ENFORCE": PolicyState.ENFORCED}
_ROW_SECURITY = ("ROW", "LEVEL", "SECURITY")
_ROW_ACTIONS = frozenset({"ENABLE", "DISABLE", "FORCE", "NO"})
_DESCRIBED = frozenset({"TABLE", "COLUMN", "SCHEMA", "VIEW", "POLICY", "ROLE", "DATABASE"})
_OURS = "lakegate."
_LOWER_CASE = f"Names that begin with {_OURS} are in lower case."
_ENDS_OF_NAMES = frozenset({",", ".", "TO", "FROM"})
_ALL_OBJECTS = frozenset({"TABLES", "SEQUENCES", "FUNCTIONS", "PROCEDURES", "ROUTINES"})  # of which there may be none


def is_access(part: Sequence[Token]) -> bool:
    """Say whether a statement gives or takes access, or defines a view; raise 0A000 for forms that are not served."""
    words = [_word(token) for token in part]
    head, second = words[0], words[1] if len(words) > 1 else ""
    if head in {"GRANT", "REVOKE"}:
        _check_objects(words)
        return True
    if head in {"CREATE", "ALTER", "DROP"} and second in _ROLES:
        return words[2:3] != ["MAPPING"] and (not _sets(words) or _check_settings(part, words))
    if [head, second] == ["ALTER", "DATABASE"]:
        return _sets(words) and words[4:5] != ["TABLESPACE"] and _check_settings(part, words)
    if [head, second] == ["ALTER", "DEFAULT"]:
        return True
    if head == "COMMENT":
        return _comments(words[1:])
    if second == "OWNED":
        return head in {"DROP", "REASSIGN"}
    if second == "POLICY" or (second in _NOT_IN_FORCE and words[2:3] == ["POLICY"]):
        return head == "CREATE" or (second == "POLICY" and head in {"ALTER", "DROP"})
    if [head, second] in (["ALTER", "TABLE"], ["ALTER", "VIEW"]) and _alters_access(words):
        return True
    return is_view_statement(words)


def access_statement(text: str, start: int = 0) -> AccessStatement:
    """Return what the mirror gets of a statement for which `is_access` holds. ``start`` is its place in the client's
    text. Raises SqlError 42601 where a password is not written as one.
    """
    part = tokens(text)
    words = [_word(token) for token in part]
    about_role = words[0] in {"CREATE", "ALTER"} and words[1:2] and words[1] in _ROLES
    if about_role and not (_sets(words) and "PASSWORD" not in words):
        return _without_password(text, start, part, words)
    if words[:2] == ["ALTER", "VIEW"] and "SECURITY" in words and _alters_access(words):
        view = _view_name(part, words)
        return AccessStatement(text, start=start) if view is None else _on_view(text, start, part[1], view)
    state = _policy_state(part, words)
    made = AccessStatement(text, start=start) if state is None else _with_state(text, start, state)
    on_rows = "POLICY" in words[1:3] or (words[:2] == ["ALTER", "TABLE"] and "SECURITY" in words)
    drops = _dropped_views(part, words) if words[:2] == ["DROP", "VIEW"] else ()
    return replace(made, on_rows=on_rows, drops_owned=words[:2] == ["DROP", "OWNED"], drops=drops)


def _dropped_views(part: Sequence[Token], words: Sequence[str]) -> tuple[str, ...]:
    first = 4 if words[2:4] == ["IF", "EXISTS"] else 2
    last = len(part) - 1 if words[-1] in {"CASCADE", "RESTRICT"} else len(part)
    names: list[str] = [""]
    for token in part[first:last]:
        if token.text == ",":
            names.append("")
        else:
            names[-1] += token.text
    return tuple(names)


def _view_name(part: Sequence[Token], words: Sequence[str]) -> str | None:
    """The view that ALTER VIEW names; None where it is written as only a table is (``ONLY v``, ``v *``)."""
    first = 4 if words[2:4] == ["IF", "EXISTS"] else 2
    last = first + 1
    while words[last : last + 1] == ["."]:
        last += 2
    if "*" in words or (words[first] == "ONLY" and part[last].kind != "sign" and words[last] not in _ROW_ACTIONS):
        return None
    return "".join(token.text for token in part[first:last])


def _on_view(text: str, start: int, word: Token, view: str) -> AccessStatement:
    """Put TABLE in the place of VIEW: PostgreSQL knows of row security with tables alone."""
    sent = f"{text[: word.start]}TABLE{text[word.end :]}"
    longer = len("TABLE") - len(word.text)
    return AccessStatement(sent, None, start, word.end + longer, -longer, on_rows=True, on_view=view)


@dataclass(frozen=True, slots=True)
class _State:
    """The word for a state in a statement on a row policy: PostgreSQL has none."""

    word: Token
    state: StateOfPolicy


def _policy_state(part: Sequence[Token], words: Sequence[str]) -> _State | None:
    """Return the state in ``CREATE DRAFT|SHADOW POLICY …`` or ``ALTER POLICY … ON … DRAFT|SHADOW|ENFORCE``."""
    if words[0] == "CREATE" and words[1] in _NOT_IN_FORCE:
        word, name, state = part[1], 3, _NOT_IN_FORCE[words[1]]
    elif words[:2] == ["ALTER", "POLICY"] and words[-1] in _STATES:
        word, name, state = part[-1], 2, _STATES[words[-1]]
    else:
        return None
    end = name + 3
    while words[end : end + 1] == ["."]:
        end += 2
    if words[name + 1 : name + 2] != ["ON"] or end > len(part) or (words[0] == "ALTER" and end != len(part) - 1):
        return None if words[0] == "ALTER" else _State(word, StateOfPolicy("", "", state))  # PostgreSQL will refuse it
    table = "".join(token.text for token in part[name + 2 : end])
    return _State(word, StateOfPolicy(_name(part[name]), table, state))


def _with_state(text: str, start: int, state: _State) -> AccessStatement:
    """Leave the word out, with no place moved."""
    sent = text[: state.word.start] + " " * len(state.word.text) + text[state.word.end :]
    return AccessStatement(sent, start=start, state=state.state)


def tells_password(text: str) -> bool:
    """Say whether a text that cannot be read may hold a password: then it must not get into any server's log."""
    return "password" in text.lower()


def _word(token: Token) -> str:
    return token.text.upper() if token.kind in {"word", "sign"} else ""


def _check_objects(words: Sequence[str]) -> None:
    """Refuse privileges on kinds of objects that there are not."""
    if "ON" not in words:
        return
    at = words.index("ON") + 1
    kind = words[at] if at < len(words) else ""
    following = words[at + 1] if at + 1 < len(words) else ""
    if kind not in _OTHER_OBJECTS or following in _ENDS_OF_NAMES:
        return
    if (kind == "ALL" and following in _ALL_OBJECTS) or [kind, following] == ["FOREIGN", "SERVER"]:
        return
    name = f"{kind} {following}" if kind in {"ALL", "LARGE"} else "FOREIGN DATA WRAPPER" if kind == "FOREIGN" else kind
    raise SqlError(
        SqlState.FEATURE_NOT_SUPPORTED,
        f"privileges on {name} are not supported",
        hint="Privileges are given on tables, columns, views, schemas, functions, foreign servers and the database, and"
        " by membership in roles.",
    )


def _comments(words: Sequence[str]) -> bool:
    """Whether COMMENT is on what clients may describe."""
    return len(words) > 1 and words[0] == "ON" and words[1] in _DESCRIBED


def _sets(words: Sequence[str]) -> bool:
    """Whether ALTER ROLE or ALTER DATABASE is about settings with which sessions begin."""
    at = _place_of_set(words)
    return words[0] == "ALTER" and words[1] != "GROUP" and words[at : at + 1] in (["SET"], ["RESET"])


def _place_of_set(words: Sequence[str]) -> int:
    return 6 if words[3:5] == ["IN", "DATABASE"] else 3


def _check_settings(part: Sequence[Token], words: Sequence[str]) -> bool:
    """Refuse what only the client's own session could tell, and names of claims that are not in lower case: names of
    parameters are the same in any case, and PostgreSQL would write a claim's as somebody has written it before.
    """
    end = next((at for at, word in enumerate(words) if word in {"TO", "=", "FROM"}), len(words))
    named = part[_place_of_set(words) + 1 : end]
    name = "".join(map(_name, named))
    if name.lower().startswith(_OURS) and name != name.lower():
        raise SqlError(SqlState.INVALID_NAME, f'invalid configuration parameter name "{name}"', detail=_LOWER_CASE)
    if any(token.text[:2] in {"U&", "u&"} for token in named):
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "Unicode escapes in names of parameters are not supported")
    if words[-2:] == ["FROM", "CURRENT"]:
        message, hint = "SET … FROM CURRENT is not supported", "Write the value behind TO."
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, message, hint=hint)
    return True


def _alters_access(words: Sequence[str]) -> bool:
    """Whether ALTER TABLE changes the owner or row security, and nothing else."""
    at = 2
    if words[at : at + 2] == ["IF", "EXISTS"]:
        at += 2
    if words[at : at + 1] == ["ONLY"] and words[at + 1 : at + 2] not in (["."], []):
        at += 1
    at += 1
    while words[at : at + 1] == ["."]:
        at += 2
    if words[at : at + 1] == ["*"]:
        at += 1
    return at < len(words) and all(_is_access_action(action) for action in _actions(words[at:]))


def _actions(words: Sequence[str]) -> list[list[str]]:
    actions: list[list[str]] = [[]]
    for word in words:
        if word == ",":
            actions.append([])
        else:
            actions[-1].append(word)
    return actions


def _is_access_action(action: Sequence[str]) -> bool:
    if action[:2] == ["OWNER", "TO"]:
        return len(action) == 3
    rest = action[2:] if action[:2] == ["NO", "FORCE"] else action[1:]
    return action[:1] != [] and action[0] in _ROW_ACTIONS and tuple(rest) == _ROW_SECURITY


def _without_password(text: str, start: int, part: Sequence[Token], words: Sequence[str]) -> AccessStatement:
    """Put NULL in the place of a password. PostgreSQL sees whose it is, and who may set it."""
    found = [index for index, word in enumerate(words) if word == "PASSWORD" and index > 2]
    if not found:
        _refuse_stray_strings(start, part, words)
        return AccessStatement(text, start=start)
    at = found[0] + 1
    if len(found) > 1 or at >= len(part) or (part[at].kind != "string" and words[at] != "NULL"):
        raise _misplaced_password(text, start, part, found)
    _refuse_stray_strings(start, [*part[:at], *part[at + 1 :]], [*words[:at], *words[at + 1 :]])
    if words[at] == "NULL":
        return AccessStatement(text, start=start)
    token = part[at]
    shift = len(token.text) - len("NULL")
    sent = f"{text[: token.start]}NULL{text[token.end :]}"
    return AccessStatement(sent, _string(token, start), start, token.start + len("NULL"), shift)


def _misplaced_password(text: str, start: int, part: Sequence[Token], found: Sequence[int]) -> SqlError:
    if len(found) > 1:
        place = part[found[1]].start
        return SqlError(SqlState.SYNTAX_ERROR, "conflicting or redundant options", position=start + place + 1)
    if found[0] + 1 == len(part):
        return SqlError(SqlState.SYNTAX_ERROR, "syntax error at end of input", position=start + len(text) + 1)
    place = part[found[0] + 1].start  # what stands there may be the password, without its quotes
    return SqlError(SqlState.SYNTAX_ERROR, "syntax error behind PASSWORD", position=start + place + 1)


def _refuse_stray_strings(start: int, part: Sequence[Token], words: Sequence[str]) -> None:
    """A string in any other place may be a password behind a misspelled word; PostgreSQL would log it."""
    for index, token in enumerate(part):
        if token.kind in {"string", "dollar"} and words[index - 1] != "UNTIL":
            raise SqlError(SqlState.SYNTAX_ERROR, "syntax error at or near a string", position=start + token.start + 1)


def _string(token: Token, start: int) -> str:
    """Return the value of a plain string constant."""
    if not token.text.startswith("'"):
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            "a password is written as a plain string",
            position=start + token.start + 1,
        )
    return token.text[1:-1].replace("''", "'")


def _name(token: Token) -> str:
    return token.text[1:-1].replace('""', '"') if token.kind == "quoted" else token.text.lower()
