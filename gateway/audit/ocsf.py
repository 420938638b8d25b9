"""Audit entries as events of the Open Cybersecurity Schema Framework: statements as Datastore Activity (class 6005),
logins as Authentication (3002), alerts as Detection Finding (2004), what the audit says of itself as Application
Lifecycle (6002).

https://schema.ocsf.io
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib import metadata
from typing import Any

SCHEMA_VERSION = "1.5.0"
_VERSION = metadata.version("lakegate")
_DATASTORE, _AUTHENTICATION, _LIFECYCLE, _DETECTION = 6005, 3002, 6002, 2004
_CREATE, _NEW = 1, 1
_LOGON, _LOGOFF = 1, 2
_QUERY, _OTHER = 4, 99
_START, _STOP = 3, 4
_INFORMATIONAL, _LOW, _MEDIUM, _HIGH = 1, 2, 3, 4
_UNKNOWN, _SUCCESS, _FAILURE = 0, 1, 2
_STATUS = {_UNKNOWN: "Unknown", _SUCCESS: "Success", _FAILURE: "Failure"}
_RELATIONAL, _DATABASE, _TABLE = 1, 1, 3


def ocsf_event(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the event of an entry; None for an intent: its outcome tells the same, and more."""
    if entry["phase"] == "intent":
        return None
    match entry["event"]:
        case "statement":
            return _statement(entry)
        case "login" | "logout":
            return _login(entry)
        case "alert":
            return _alert(entry)
        case "cancel":
            return _common(entry, _DATASTORE, _OTHER) | {
                "activity_name": "Cancel",
                "actor": {"app_name": "unknown"},
                "src_endpoint": _endpoint(entry["address"]),
                "database": {"name": "lake", "type_id": _RELATIONAL},
            }
        case _:
            activity = {"start": _START, "stop": _STOP}.get(entry["event"], _OTHER)
            event = _common(entry, _LIFECYCLE, activity)
            return event | {"app": _product(), "activity_name": str(entry["event"]), "unmapped": entry.get("detail")}


def _statement(entry: Mapping[str, Any]) -> dict[str, Any]:
    event = _common(entry, _DATASTORE, _QUERY) | {
        "activity_name": "Query",
        "actor": _actor(entry),
        "src_endpoint": _endpoint(entry["address"]),
        "database": {"name": entry["database"], "type_id": _RELATIONAL},
        "type_id": _TABLE if entry.get("tables") else _DATABASE,
        "duration": round(entry.get("duration_ms", 0)),
        "query_info": {
            "query_string": entry["text"],
            "uid": entry.get("statement"),
            "bytes": entry.get("bytes", 0),
        },
        "unmapped": {
            key: entry[key] for key in ("rows", "lane", "columns", "snapshots", "resumed", "claims") if key in entry
        },
    }
    tables = entry.get("tables", [])
    if tables:
        event["table"] = {"name": tables[0], "uid": entry.get("snapshots", {}).get(tables[0], tables[0])}
        event["unmapped"]["tables"] = tables
    if entry.get("policies"):
        event["unmapped"]["policies"] = entry["policies"]
    if entry.get("shadow_policies"):
        event["unmapped"]["shadow_policies"] = entry["shadow_policies"]
    return event


def _alert(entry: Mapping[str, Any]) -> dict[str, Any]:
    detail = entry["detail"]
    event = _common(entry, _DETECTION, _CREATE)
    return event | {
        "activity_name": "Create",
        "severity_id": _HIGH,
        "status_id": _NEW,
        "status": "New",
        "is_alert": True,
        "count": detail["count"],
        "finding_info": {"title": detail["what"], "uid": event["metadata"]["uid"]},
        "evidences": [
            {"src_endpoint": _endpoint(entry["address"]), "actor": {"user": {"name": entry["user"], "type_id": 1}}}
        ],
        "unmapped": detail,
    }


def _login(entry: Mapping[str, Any]) -> dict[str, Any]:
    activity = _LOGON if entry["event"] == "login" else _LOGOFF
    event = _common(entry, _AUTHENTICATION, activity) | {
        "activity_name": "Logon" if activity == _LOGON else "Logoff",
        "user": _user(entry),
        "actor": _actor(entry),
        "src_endpoint": _endpoint(entry["address"]),
        "service": {"name": "lakegate", "uid": entry["node"]},
        "session": {"uid": _session(entry)},
        "is_remote": True,
    }
    method = (entry.get("detail") or {}).get("method")
    if method:
        event |= {"auth_protocol_id": _OTHER, "auth_protocol": method}
    return event


def _common(entry: Mapping[str, Any], class_: int, activity: int) -> dict[str, Any]:
    sqlstate = entry.get("sqlstate", "00000")
    status = _UNKNOWN if sqlstate is None else _SUCCESS if sqlstate == "00000" else _FAILURE
    severity = _MEDIUM if entry["class"] == "denied" else _LOW if status == _FAILURE else _INFORMATIONAL
    event: dict[str, Any] = {
        "class_uid": class_,
        "category_uid": class_ // 1000,
        "activity_id": activity,
        "type_uid": class_ * 100 + activity,
        "severity_id": severity,
        "time": round(datetime.fromisoformat(entry["at"]).timestamp() * 1000),
        "status_id": status,
        "status": _STATUS[status],
        "metadata": {
            "version": SCHEMA_VERSION,
            "product": _product(),
            "uid": f"{entry['node']}:{entry['sequence']}",
            "sequence": entry["sequence"],
            "log_name": "audit",
            "correlation_uid": entry.get("statement") or entry.get("connection") or entry["instance"],
        },
    }
    if sqlstate not in {None, "00000"}:
        event["status_code"] = sqlstate
    return event


def _product() -> dict[str, str]:
    return {"name": "Lakegate", "vendor_name": "Lakegate", "version": _VERSION}


def _actor(entry: Mapping[str, Any]) -> dict[str, Any]:
    actor: dict[str, Any] = {"user": _user(entry), "session": {"uid": _session(entry)}}
    if entry.get("application_name"):
        actor["app_name"] = entry["application_name"]
    return actor


def _user(entry: Mapping[str, Any]) -> dict[str, Any]:
    user = {"name": entry["user"], "type_id": 1}
    return user | {"groups": [{"name": role} for role in entry["roles"]]}


def _session(entry: Mapping[str, Any]) -> str:
    return f"{entry['instance']}.{entry.get('connection')}"


def _endpoint(address: str) -> dict[str, Any]:
    host, colon, port = address.rpartition(":")
    if not colon:
        return {"name": address}
    return {"ip": host, "port": int(port)}
