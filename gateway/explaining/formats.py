"""What EXPLAIN shows, written as JSON, YAML and XML as PostgreSQL writes them, as a tree for people, or for Mermaid."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from xml.sax.saxutils import escape

Shown = Mapping[str, object]
_XMLNS = "http://www.postgresql.org/2009/explain"


def written(shown: Shown, form: str) -> list[str]:
    """Return the rows that EXPLAIN answers with: one, with lines in it, but for the tree. ``form`` is one of JSON,
    YAML, XML, TREE, MERMAID.
    """
    return _FORMATS[form](shown)


def _json(shown: Shown) -> list[str]:
    return [json.dumps([shown], indent=2, ensure_ascii=False)]


# YAML: PostgreSQL quotes every text as JSON does, and indents lists with their dash.


def _yaml(shown: Shown) -> list[str]:
    lines = [*_yaml_of(shown, 1)]
    return ["\n".join(["- " + lines[0].lstrip(), *lines[1:]])]


def _yaml_of(shown: Shown, depth: int) -> Iterator[str]:
    indent = "  " * depth
    for name, value in shown.items():
        if isinstance(value, Mapping):
            yield f"{indent}{name}: "
            yield from _yaml_of(value, depth + 1)
        elif isinstance(value, list | tuple):
            yield f"{indent}{name}: {'' if value else '[]'}"
            for item in value:
                yield from _yaml_item(item, depth + 1)
        else:
            yield f"{indent}{name}: {_scalar(value)}"


def _yaml_item(item: object, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if not isinstance(item, Mapping):
        yield f"{indent}- {_scalar(item)}"
        return
    inner = [*_yaml_of(item, depth + 1)]
    yield f"{indent}- {inner[0].lstrip()}" if inner else f"{indent}- {{}}"
    yield from inner[1:]


def _scalar(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


# XML


def _xml(shown: Shown) -> list[str]:
    lines = [f'<explain xmlns="{_XMLNS}">', "  <Query>", *_xml_of(shown, 2), "  </Query>", "</explain>"]
    return ["\n".join(lines)]


def _xml_of(shown: Shown, depth: int) -> Iterator[str]:
    for name, value in shown.items():
        yield from _element(name, value, depth)


def _element(name: str, value: object, depth: int) -> Iterator[str]:
    indent, tag = "  " * depth, _tag(name)
    if isinstance(value, Mapping):
        yield f"{indent}<{tag}>"
        yield from _xml_of(value, depth + 1)
        yield f"{indent}</{tag}>"
    elif isinstance(value, list | tuple):
        yield f"{indent}<{tag}>"
        for item in value:
            yield from _element(name[:-1] if name == "Plans" else "Item", item, depth + 1)
        yield f"{indent}</{tag}>"
    else:
        text = value if isinstance(value, str) else _scalar(value)
        yield f"{indent}<{tag}>{escape(text)}</{tag}>"


def _tag(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)


# A tree, and a flow chart


def _tree(shown: Shown) -> list[str]:
    plan = shown["Plan"]
    assert isinstance(plan, Mapping)
    lines = [_headline(plan), *_branches(plan, "")]
    lines += [f"{name}: {_flat(shown[name])} ms" for name in ("Planning Time", "Execution Time") if name in shown]
    lines += [f"{name}: {shown[name]}" for name in ("Worst Estimate",) if name in shown]
    for part in _listed(shown.get("Fragments")):
        table = part["Table"]
        lines += [f"{table} reads {_flat(part[name])}" for name in ("Remote SQL", "Session SQL") if name in part]
        lines += [f"{table} is read by a dynamic filter: {one}" for one in _texts(part.get("Dynamic Filters"))]
        for one in _listed(part.get("Not Pushed Down")):
            lines.append(f"{table} is not asked {one['Condition']}: {one['Reason']}")
    for one in _listed(shown.get("Not Pushed Down")):
        lines.append(f"Not pushed down: {one['Operation']}: {one['Reason']}")
    return lines


def _listed(value: object) -> list[Shown]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _branches(plan: Shown, before: str) -> Iterator[str]:
    below = _plans(plan)
    for at, child in enumerate(below):
        is_last = at == len(below) - 1
        yield f"{before}{'└─ ' if is_last else '├─ '}{_headline(child)}"
        yield from _branches(child, before + ("   " if is_last else "│  "))


def _plans(plan: Shown) -> Sequence[Shown]:
    found = plan.get("Plans", ())
    assert isinstance(found, list | tuple)
    return found


def _headline(plan: Shown) -> str:
    words = [str(plan["Node Type"])]
    if "Relation Name" in plan:
        words.append(f"on {'.'.join(str(plan[name]) for name in ('Schema', 'Relation Name') if name in plan)}")
    words += [f"({_flat(plan[name])})" for name in ("Hash Cond", "Filter", "Group Key", "Sort Key") if name in plan]
    if "Plan Rows" in plan:
        words.append(f"rows={plan['Plan Rows']}")
    if "Actual Rows" in plan:
        words.append(f"actual={_flat(plan['Actual Rows'])}")
    if "Actual Total Time" in plan:
        words.append(f"time={plan['Actual Total Time']} ms")
    return " ".join(words)


def _flat(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_flat, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else _scalar(value)


def _mermaid(shown: Shown) -> list[str]:
    plan = shown["Plan"]
    assert isinstance(plan, Mapping)
    lines = ["flowchart BT"]
    _chart(plan, lines, None)
    return ["\n".join(lines)]


def _chart(plan: Shown, lines: list[str], above: str | None) -> None:
    name = f"n{sum(1 for line in lines if '[' in line)}"
    lines.append(f'  {name}["{_entities(_headline(plan))}"]')
    if above is not None:
        lines.append(f"  {name} --> {above}")
    for child in _plans(plan):
        _chart(child, lines, name)


def _entities(text: str) -> str:
    """Write what means something in a label as Mermaid's entities."""
    return "".join(f"#{ord(letter)};" if letter in '"#;<>[]{}|`&' else letter for letter in text)


_FORMATS: Mapping[str, Callable[[Shown], list[str]]] = MappingProxyType(
    {"JSON": _json, "YAML": _yaml, "XML": _xml, "TREE": _tree, "MERMAID": _mermaid}
)
