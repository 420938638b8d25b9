"""Golden scripts: blocks of ``command``, input, ``----``, expected output, separated by empty lines.

Lines that begin with ``#`` are comments of the script. ``pytest --rewrite`` writes what came out instead of comparing;
the change is then read as a diff.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SEPARATOR = "----"


@dataclass(frozen=True, slots=True)
class Block:
    """One case of a script: the comment above it, the command with its words, the input, what is expected."""

    comment: str
    command: str
    text: str
    expected: str
    line: int


def read(path: Path) -> list[Block]:
    """Return the blocks of a script."""
    blocks = []
    lines = path.read_text(encoding="utf-8").split("\n")
    index = 0
    while index < len(lines):
        if not lines[index].strip():
            index += 1
            continue
        start = index
        while index < len(lines) and lines[index].startswith("#"):
            index += 1
        comment, command = "\n".join(lines[start:index]), lines[index]
        separator = lines.index(SEPARATOR, index)
        end = separator + 1
        while end < len(lines) and lines[end].strip():
            end += 1
        text, expected = "\n".join(lines[index + 1 : separator]), "\n".join(lines[separator + 1 : end])
        blocks.append(Block(comment, command, text, expected, index + 1))
        index = end
    return blocks


def check(path: Path, run: Callable[[Block], str], *, rewrite: bool) -> None:
    """Run each block; compare, or rewrite the script with what came out. Outputs must not hold empty lines."""
    blocks = read(path)
    outputs = [run(block).rstrip("\n") for block in blocks]
    if rewrite:
        parts = [
            "\n".join(filter(None, (block.comment, block.command, block.text, SEPARATOR, output)))
            for block, output in zip(blocks, outputs, strict=True)
        ]
        path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
        return
    for block, output in zip(blocks, outputs, strict=True):
        assert output == block.expected, f"{path.name}:{block.line}\n{block.text}\n{SEPARATOR}\n{output}"
