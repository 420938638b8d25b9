"""Copies of whole queries, made often while a statement is planned.

sqlglot's own ``copy`` copies the type of every node and all of its notes, node by node: most of the time that planning
takes. Types are never changed in place here, so a copy may share them.
"""

from __future__ import annotations

from typing import TypeVar

from sqlglot import exp

from optimizer.census import Census

E = TypeVar("E", bound=exp.Expr)


def copied(tree: E) -> E:
    """Return a copy of a tree whose nodes are its own. Types, and what the notes (``meta``) of nodes hold, are shared:
    replace them, never change them in place.
    """
    root = tree.__class__()
    _copy_into([root], tree, share_names=False)
    return root


def copied_with_census(tree: E) -> tuple[E, Census]:
    """Return such a copy, and its census. Identifiers are shared, too: half of the nodes. They are no nodes to replace,
    nor to change.
    """
    root = tree.__class__()
    made: list[exp.Expr] = [root]
    _copy_into(made, tree, share_names=True)
    return root, Census(made, frozenset(map(type, made)))


def _copy_into(made: list[exp.Expr], tree: exp.Expr, *, share_names: bool) -> None:
    """Copy a tree into the empty node in ``made``, to which the copies of the nodes below it are added."""
    shared = exp.Identifier if share_names else None
    originals = [tree]
    for original, node in zip(originals, made, strict=False):  # both lists grow meanwhile
        node._type = original._type  # all in one loop: a call for each node would cost as much as what is done for it
        if original._hash is not None:
            node._hash = original._hash
        if original._meta:
            node._meta = dict(original._meta)
        if original.comments is not None:
            node.comments = [*original.comments]
        args = node.args
        for name, value in original.args.items():
            kind = value.__class__
            if kind is str or kind is bool or kind is shared:
                args[name] = value
            elif kind is list:
                values = args[name] = []
                for at, one in enumerate(value):
                    if one.__class__ is not shared and isinstance(one, exp.Expr):
                        child = one.__class__()
                        child.parent, child.arg_key, child.index = node, name, at
                        values.append(child)
                        originals.append(one)
                        made.append(child)
                    else:
                        values.append(one)
            elif kind is exp.Identifier:  # has nothing below it
                child = args[name] = _copied_name(value)
                child.parent, child.arg_key = node, name
            elif isinstance(value, exp.Expr):
                child = args[name] = kind()
                child.parent, child.arg_key = node, name
                originals.append(value)
                made.append(child)
            else:
                args[name] = value


def _copied_name(name: exp.Identifier) -> exp.Identifier:
    made = exp.Identifier()
    made.args.update(name.args)
    if name._hash is not None:
        made._hash = name._hash
    if name._meta:
        made._meta = dict(name._meta)
    if name._type is not None:
        made._type = name._type
    return made
