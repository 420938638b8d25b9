"""What a policy knows of who asks: ``current_user`` and its kin become constants before a policy is planned.

So a condition such as ``tenant = lakegate.claim('tenant')`` is a comparison with a constant by then, which sources
understand and by which files are skipped. Nothing that a client can set is among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from catalog.errors import SqlError
from catalog.principals import Principal, claim_text
from catalog.sqlstate import SqlState

SCHEMA = "lakegate"  # of the functions below
_Functions = Mapping[str, Callable[[exp.Anonymous, Principal], exp.Expr]]


def bind_identity(node: exp.Expr, principal: Principal) -> exp.Expr:
    """Return a copy in which who asks is a constant, and what is known by that is folded away."""
    return _bound(node.copy(), principal, _FUNCTIONS)


def bind_role(node: exp.Expr, principal: Principal) -> exp.Expr:
    """Return a copy as `bind_identity` does, in which claims that the principal does not have stay as written, for a
    login may bring them: for telling, not for planning.
    """
    return _bound(node.copy(), principal, {**_FUNCTIONS, "claim": _claim_if_known})


def _bound(node: exp.Expr, principal: Principal, functions: _Functions) -> exp.Expr:
    """Bind and fold from the inside outwards: AND, OR, NOT and CASE whose conditions are known."""
    for key, value in [*node.args.items()]:
        if isinstance(value, exp.Expr):
            node.set(key, _bound(value, principal, functions))
        elif isinstance(value, list):
            node.set(key, [_bound(one, principal, functions) if isinstance(one, exp.Expr) else one for one in value])
    constant = _constant(node, principal, functions)
    fold = _FOLDS.get(type(constant))
    return constant if fold is None else fold(constant)


def _constant(node: exp.Expr, principal: Principal, functions: _Functions) -> exp.Expr:
    if isinstance(node, exp.CurrentUser):
        return _text(principal.name)
    if isinstance(node, exp.SessionUser):
        return _text(principal.session_user or principal.name)
    if isinstance(node, exp.Cast) and node.to.sql("postgres").lower() == "name":
        return _expr(node.this)  # PostgreSQL compares current_user with it as names; the constant is whole
    if isinstance(node, exp.EQ) and isinstance(node.expression, exp.Any):
        return _list_of_constants(node)
    if isinstance(node, exp.Dot) and node.name and isinstance(node.this, exp.Identifier) and node.this.name == SCHEMA:
        return _identity_function(node, principal, functions)
    return node


def _list_of_constants(node: exp.EQ) -> exp.Expr:
    """Return ``x = ANY (ARRAY[…])``, as PostgreSQL keeps it, in the form ``x IN (…)`` that it was written in."""
    array = node.expression.this.unnest()
    if not isinstance(array, exp.Array) or not all(
        isinstance(one, exp.Literal | exp.Cast) for one in array.expressions
    ):
        return node
    return exp.In(this=node.this, expressions=array.expressions)


def _identity_function(node: exp.Dot, principal: Principal, functions: _Functions) -> exp.Expr:
    call = node.expression
    found = functions.get(str(call.name).lower()) if isinstance(call, exp.Anonymous) else None
    return node if found is None else found(call, principal)


def _principal(call: exp.Anonymous, principal: Principal) -> exp.Expr:
    return _text(principal.name)


def _claim(call: exp.Anonymous, principal: Principal) -> exp.Expr:
    value = principal.claims.get(_argument(call))
    if value is None:
        return exp.cast(exp.null(), "text")
    return _text(claim_text(value))


def _claim_if_known(call: exp.Anonymous, principal: Principal) -> exp.Expr:
    return _claim(call, principal) if _argument(call) in principal.claims else _called(call)


def _called(call: exp.Anonymous) -> exp.Expr:
    return exp.Dot(this=exp.to_identifier(SCHEMA), expression=call.copy())


def _is_member(call: exp.Anonymous, principal: Principal) -> exp.Expr:
    return exp.true() if _argument(call) in principal.roles else exp.false()


_FUNCTIONS: _Functions = {
    "principal": _principal,
    "claim": _claim,
    "is_member": _is_member,
}


def _argument(call: exp.Anonymous) -> str:
    """Return the one argument, a constant: what is computed from rows could ask for anything."""
    node = call.expressions[0].unnest() if len(call.expressions) == 1 else None
    while isinstance(node, exp.Cast):
        node = node.this.unnest()
    if not isinstance(node, exp.Literal) or not node.is_string:
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"the argument of {SCHEMA}.{call.name} must be a constant text")
    return str(node.this)


def _text(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def _truth(node: exp.Expr | None) -> bool | None:
    inner = node.unnest() if node is not None else None
    return bool(inner.this) if isinstance(inner, exp.Boolean) else None


def _expr(node: object) -> exp.Expr:
    assert isinstance(node, exp.Expr)
    return node


def _fold_connector(node: exp.Expr) -> exp.Expr:
    """Fold AND and OR: one truth of a side decides, with the other that side says nothing."""
    decides = isinstance(node, exp.Or)
    left, right = _truth(node.this), _truth(node.expression)
    if decides in (left, right):
        return exp.true() if decides else exp.false()
    if left is not None:
        return _expr(node.expression)
    return _expr(node.this) if right is not None else node


def _fold_not(node: exp.Expr) -> exp.Expr:
    truth = _truth(node.this)
    return node if truth is None else exp.false() if truth else exp.true()


def _fold_case(node: exp.Expr) -> exp.Expr:
    if node.this is not None:
        return node
    branches: list[exp.Expr] = []
    for branch in node.args["ifs"]:
        truth = _truth(branch.this)
        if truth is True and not branches:
            return _expr(branch.args["true"])
        if truth is True:
            node.set("default", branch.args["true"])
            break
        if truth is None:
            branches.append(branch)
    if not branches:
        return node.args.get("default") or exp.null()
    node.set("ifs", branches)
    return node


_FOLDS: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.And: _fold_connector,
    exp.Or: _fold_connector,
    exp.Not: _fold_not,
    exp.Case: _fold_case,
}
