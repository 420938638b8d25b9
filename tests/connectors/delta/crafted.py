"""Commits that deltalake cannot write: column mapping, deletion vectors."""

from __future__ import annotations

import json
import struct
import uuid
import zlib
from pathlib import Path
from typing import Any

from pyroaring import BitMap64

_Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_VECTORS = {
    "protocol": {
        "minReaderVersion": 3,
        "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors"],
        "writerFeatures": ["deletionVectors"],
    }
}


def actions(table: Path, version: int) -> list[dict[str, Any]]:
    """Return the actions of a commit."""
    text = (table / f"_delta_log/{version:020d}.json").read_text()
    return [json.loads(line) for line in text.splitlines()]


def commit(table: Path, version: int, *new: dict[str, Any]) -> None:
    """Write a commit."""
    lines = [{"commitInfo": {"operation": "TEST", "timestamp": 1}}, *new]
    (table / f"_delta_log/{version:020d}.json").write_text("\n".join(json.dumps(line) for line in lines))


def metadata(table: Path, version: int) -> dict[str, Any]:
    """Return the metadata action of a commit, its schema as ``fields``."""
    found: dict[str, Any] = next(each["metaData"] for each in actions(table, version) if "metaData" in each)
    return {**found, "fields": json.loads(found["schemaString"])["fields"]}


def commit_mapping(table: Path, version: int, changed: dict[str, Any], mode: str = "name") -> None:
    """Commit a schema with column mapping; fields carry ``delta.columnMapping.*`` already."""
    new = {key: value for key, value in changed.items() if key != "fields"}
    new["schemaString"] = json.dumps({"type": "struct", "fields": changed["fields"]})
    new["configuration"] = {"delta.columnMapping.mode": mode, "delta.columnMapping.maxColumnId": "99"}
    commit(table, version, {"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}}, {"metaData": new})


def mapped(fields: list[dict[str, Any]]) -> None:
    """Give every field an id and its present name as the physical one."""
    for number, field in enumerate(fields, 1):
        field["metadata"] = {
            "delta.columnMapping.id": number,
            "delta.columnMapping.physicalName": field["name"],
        }
        if isinstance(field["type"], dict) and field["type"]["type"] == "struct":
            for inner, each in enumerate(field["type"]["fields"], number * 10):
                each["metadata"] = {
                    "delta.columnMapping.id": inner,
                    "delta.columnMapping.physicalName": each["name"],
                }


def delete_rows(table: Path, version: int, add: dict[str, Any], positions: list[int], inline: bool) -> None:
    """Commit a deletion vector for a file, in the log itself or in a file of its own."""
    blob = struct.pack("<I", 1681511377) + BitMap64(positions).serialize()
    if inline:
        padded = blob + b"\0" * (-len(blob) % 4)
        vector = {"storageType": "i", "pathOrInlineDv": _z85(padded), "sizeInBytes": len(padded)}
    else:
        name = uuid.uuid4()
        content = b"\x01" + struct.pack(">I", len(blob)) + blob + struct.pack(">I", zlib.crc32(blob))
        (table / f"deletion_vector_{name}.bin").write_bytes(content)
        vector = {"storageType": "u", "pathOrInlineDv": _z85(name.bytes), "offset": 1, "sizeInBytes": len(blob)}
    remove = {"path": add["path"], "deletionTimestamp": 1, "dataChange": True, "size": add["size"]}
    remove["partitionValues"] = add["partitionValues"]
    new = {**add, "deletionVector": {**vector, "cardinality": len(positions)}}
    commit(table, version, _VECTORS, {"remove": remove}, {"add": new})


def adds(table: Path, versions: int) -> list[dict[str, Any]]:
    """Return the add actions of the first commits."""
    return [each["add"] for version in range(versions) for each in actions(table, version) if "add" in each]


def _z85(data: bytes) -> str:
    text = ""
    for at in range(0, len(data), 4):
        number = int.from_bytes(data[at : at + 4], "big")
        text += "".join(_Z85[number // 85**place % 85] for place in (4, 3, 2, 1, 0))
    return text
