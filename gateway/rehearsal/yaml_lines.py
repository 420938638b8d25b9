"""YAML read as plain data, with the line of each key: scalars stay texts as they are written, but for NULL.

What a policy is tested with are values of SQL, and only the column's type says what ``1`` or ``yes`` is. Aliases and
tags are refused: a file of a few lines could stand for gigabytes, or for Python objects.
"""

from __future__ import annotations

import yaml

from gateway.configuration.error import Problem, dotted
from gateway.configuration.toml_lines import KeyPath

Plain = str | None | list["Plain"] | dict[str, "Plain"]
_NULL = "tag:yaml.org,2002:null"
_KNOWN = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "timestamp", "value", "null", "seq", "map")
)
_MOST_DEPTH = 20


class YamlError(Exception):
    """A text that cannot be used."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(problem.message for problem in problems))
        self.problems = problems


def read_yaml(text: str) -> tuple[Plain, dict[KeyPath, int]]:
    """Return a document's data, and the 1-based line of each key and element. Raises `YamlError`."""
    try:
        aliased = next(
            (one for one in yaml.parse(text, Loader=yaml.SafeLoader) if isinstance(one, yaml.AliasEvent)), None
        )
        if aliased is not None:
            raise YamlError(Problem(aliased.start_mark.line + 1, "", "aliases (*name) are not supported"))
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(Problem(mark.line + 1 if mark else 0, "", f"not YAML: {error.problem}")) from None
    except yaml.YAMLError as error:
        raise YamlError(Problem(0, "", f"not YAML: {error}")) from None
    except RecursionError:
        raise YamlError(Problem(1, "", "nested too deeply")) from None
    lines: dict[KeyPath, int] = {}
    return (None if node is None else _plain(node, (), lines)), lines


def _plain(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int]) -> Plain:
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if len(path) > _MOST_DEPTH:
        raise YamlError(Problem(line, dotted(path), "nested too deeply"))
    if node.tag not in _KNOWN:
        raise YamlError(Problem(line, dotted(path), f"the tag {node.tag} is not supported"))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, at), lines) for at, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Plain] = {}
        for key, value in node.value:
            at = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise YamlError(Problem(at, dotted(path), "a key is a plain word"))
            if key.value in found:
                raise YamlError(Problem(at, dotted((*path, key.value)), "is given twice"))
            lines[(*path, key.value)] = at
            found[key.value] = _plain(value, (*path, key.value), lines)
        return found
    assert isinstance(node, yaml.ScalarNode)
    return None if node.tag == _NULL else str(node.value)
