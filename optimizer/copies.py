"""Copies of whole queries, made often while a statement is planned.

sqlglot's own ``copy`` copies the type of every node and all of its notes, node by node: most of the time that planning
takes. Types are never changed in place here, so a copy may share them.
"""

from __future__ import annotations

from typing import TypeVar

from sqlglot import exp

E = TypeVar("E", bound=exp.Expr)


def copied(tree: E) -> E:
    """Return a copy of a tree whose nodes are its own. Types, and what the notes (``meta``) of nodes hold, are shared:
    replace them, never change them in place.
    """
    root = tree.__class__()
    waiting: list[tuple[exp.Expr, exp.Expr]] = [(tree, root)]
    while waiting:  # all in one loop: a call for each node would cost as much as what is done for it
        node, made = waiting.pop()
        made._type, made._hash = node._type, node._hash
        if node._meta is not None:
            made._meta = dict(node._meta)
        if node.comments is not None:
            made.comments = [*node.comments]
        for name, value in node.args.items():
            if value.__class__ is list:
                values = made.args[name] = []
                for at, one in enumerate(value):
                    if isinstance(one, exp.Expr):
                        child = one.__class__()
                        child.parent, child.arg_key, child.index = made, name, at
                        values.append(child)
                        waiting.append((one, child))
                    else:
                        values.append(one)
            elif isinstance(value, exp.Expr):
                child = made.args[name] = value.__class__()
                child.parent, child.arg_key = made, name
                waiting.append((value, child))
            else:
                made.args[name] = value
    return root
