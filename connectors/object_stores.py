"""Where files are: local paths and object-store URLs, and the one set of options that names their credentials.

Delta, Iceberg and the engine spell the same options differently (``AWS_ACCESS_KEY_ID``, ``s3.access-key-id``,
``access_key_id``); everything of ours sees the last form.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from pyarrow import fs

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

_PREFIXES = ("aws_", "s3_", "azure_storage_", "azure_", "adls_", "google_", "gcs_")
_PLACE = re.compile(r"(?:\b[a-z][a-z0-9+.-]*://|(?<![\w.])/)[^\s\"'`]*[^\s\"'`.,:;!)]")
_SCHEMES = {"s3a": "s3", "s3n": "s3", "abfs": "az", "abfss": "az", "gcs": "gs"}
_SYNONYMS = {
    "endpoint_url": "endpoint",
    "region_name": "region",
    "default_region": "region",
    "access_key": "account_key",
}


def without_places(text: str) -> str:
    """Return what a library says without paths and URLs: readers of a table are not told where files are."""
    return _PLACE.sub("…", text)


def is_local(location: str) -> bool:
    """Say whether a location is a path of this machine, as a plain path or a ``file:`` URL."""
    return "://" not in location and not location.startswith("file:")


def plain_location(location: str) -> str:
    """Return a local path without ``file://``, an object-store URL with its usual scheme. Nothing is decoded."""
    if location.startswith("file:"):
        path = location[len("file:") :]
        return "/" + path.lstrip("/")
    scheme, separator, rest = location.partition("://")
    return _SCHEMES.get(scheme, scheme) + separator + rest if separator else location


def bucket_of(location: str) -> tuple[str, str]:
    """Return the scheme and the bucket (or container) of an object-store URL."""
    parts = urlsplit(location)
    return parts.scheme, parts.netloc


def storage_options(options: Mapping[str, str]) -> dict[str, str]:
    """Return the options under plain names: ``access_key_id``, ``secret_access_key``, ``region``, ``endpoint`` …"""
    plain: dict[str, str] = {}
    for key, value in options.items():
        name = key.lower().replace("-", "_").replace(".", "_")
        prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), "")
        name = name[len(prefix) :]
        plain[_SYNONYMS.get(name, name)] = str(value)
    return plain


def filesystem(location: str, options: Mapping[str, str]) -> tuple[fs.FileSystem, str]:
    """Return the file system that holds ``location`` and the path in it; options as `storage_options` takes them."""
    plain = plain_location(location)
    if is_local(plain):
        return fs.LocalFileSystem(), os.path.abspath(plain)  # noqa: PTH100
    scheme, bucket = bucket_of(plain)
    store = _object_store(scheme, tuple(sorted(storage_options(options).items())))
    return store, plain.partition("://")[2].rstrip("/") or bucket


@lru_cache(maxsize=64)
def _object_store(scheme: str, options: tuple[tuple[str, str], ...]) -> fs.FileSystem:
    known = dict(options)
    if scheme == "s3":
        return fs.S3FileSystem(
            access_key=known.get("access_key_id"),
            secret_key=known.get("secret_access_key"),
            session_token=known.get("session_token"),
            region=known.get("region"),
            endpoint_override=known.get("endpoint"),
        )
    if scheme == "az":
        return fs.AzureFileSystem(
            account_name=known.get("account_name", ""),
            account_key=known.get("account_key"),
            sas_token=known.get("sas_token"),
        )
    if scheme == "gs":
        return fs.GcsFileSystem()
    raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f'there is no object store for "{scheme}://"')
