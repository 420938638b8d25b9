"""Lines of keys, checked against the values that ``tomllib`` reads: each value in the text is its line's number."""

from __future__ import annotations

import tomllib

from gateway.configuration.toml_lines import KeyPath, key_lines

TEXT = '''a = 1
"quoted key" = 2
b.c = 3
[table] # 4
x = 5
"y.z" = 6
'single # [' = 7
[table."in quotes".deeper]
x = 9
text = """
# [not.a.table] = 1
key = "value \\""""" # its line is 10
after = 13
literal = \'\'\'
x = 1
\'\'\' # its line is 14
array = [ # its line is 17
  18, # ] not the end
  { k = 19, l = { m = 19 } },
  [20,
   21],
]
last = { k = 23, "l m" = 23, n.o = 23 }
[[tables]]
k = 25
[tables.sub]
k = 27
[[tables]]
k = 29
[[tables.inner]]
k = 31
'''


def numbers(value: object, path: KeyPath = ()) -> dict[KeyPath, int]:
    """Return every number in parsed TOML with its path."""
    if isinstance(value, dict):
        return {key: line for name, item in value.items() for key, line in numbers(item, (*path, name)).items()}
    if isinstance(value, list):
        return {key: line for index, item in enumerate(value) for key, line in numbers(item, (*path, index)).items()}
    return {path: value} if isinstance(value, int) else {}


def test_every_key_has_the_line_it_stands_on() -> None:
    wanted = numbers(tomllib.loads(TEXT))
    lines = key_lines(TEXT)
    assert len(wanted) == 20
    assert {path: lines.get(path) for path in wanted} == wanted


def test_tables_and_long_values_have_the_line_they_begin_on() -> None:
    lines = key_lines(TEXT)
    table = ("table", "in quotes", "deeper")
    assert lines["table",] == 4
    assert lines[table] == 8
    assert lines[*table, "text"] == 10
    assert lines[*table, "literal"] == 14
    assert lines[*table, "array"] == 17
    assert lines["tables", 1] == 28
