"""Links of the documents lead somewhere, and the list of decisions has all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
_LISTED = re.compile(r"^\| \[(\d{4})\]\((\S+)\) \| (.+) \|$", re.MULTILINE)
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_DOCUMENTS = sorted(
    path
    for folder in (".", "benchmarks", "catalog", "connectors", "docs", "gateway", "optimizer", "policies", "tests")
    for path in (_ROOT / folder).glob("*.md" if folder == "." else "**/*.md")
    if "node_modules" not in path.parts  # of clients that are tested
)


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: str(path.relative_to(_ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = _CODE.sub("", document.read_text(encoding="utf-8"))
    targets = {found["target"] for found in _LINK.finditer(text)}
    assert [target for target in sorted(targets) if not _exists(document, target)] == []


def test_the_list_of_decisions_is_whole() -> None:
    folder = _ROOT / "docs" / "decisions"
    listed = _LISTED.findall((folder / "README.md").read_text(encoding="utf-8"))
    kept = [(path.name[:4], path.name) for path in sorted(folder.glob("[0-9]*.md"))]
    assert [(number, name) for number, name, _ in listed] == kept
    for number, name, title in listed:
        first = (folder / name).read_text(encoding="utf-8").partition("\n")[0]
        assert first == f"# {number} {title}"


def _exists(document: Path, target: str) -> bool:
    """Whether a link of a document leads to a file or folder, and to a heading of it where it names one."""
    if re.match(r"[a-z]+:", target):
        return True  # another site's
    name, _, heading = target.partition("#")
    place = (document.parent / name).resolve() if name else document
    if not place.exists():
        return False
    return not heading or heading in {_anchor(found["text"]) for found in _HEADING.finditer(place.read_text("utf-8"))}


def _anchor(heading: str) -> str:
    """Return the name under which a heading is linked to."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
