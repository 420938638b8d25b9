"""Object stores of the engine, and the check that files are still where a snapshot says."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence

from cachetools import TTLCache
from datafusion import SessionContext
from datafusion.object_store import AmazonS3, GoogleCloud, MicrosoftAzure
from pyarrow import fs

from catalog.errors import SqlError
from catalog.scans import FileScan
from catalog.sqlstate import SqlState
from connectors.object_stores import bucket_of, filesystem, is_local, storage_options

_SECONDS_PRESENT = 60.0  # so long a file seen in an object store counts as there
_present: TTLCache[str, bool] = TTLCache(maxsize=200_000, ttl=_SECONDS_PRESENT)
_present_lock = threading.Lock()


def register(contexts: Sequence[SessionContext], scan: FileScan, known: set[tuple[str, str]]) -> None:
    """Register the stores of the scan's buckets in the contexts, each once; ``known`` remembers them."""
    for scheme, bucket in {bucket_of(file) for file in files_of(scan) if not is_local(file)} - known:
        store = _store(scheme, bucket, scan.storage)
        for context in contexts:
            context.register_object_store(f"{scheme}://", store, bucket)
        known.add((scheme, bucket))


def files_of(scan: FileScan) -> Iterator[str]:
    """Yield all files of a scan, those of equality deletes among them."""
    for group in scan.groups:
        yield from group.files
        for delete in group.equality_deletes:
            yield from delete.files


def missing_local(paths: list[str]) -> list[str]:
    """Return the paths that do not exist."""
    exists = os.path.exists
    return [path for path in paths if not exists(path)]


def missing_remote(urls: list[str], options: Mapping[str, str]) -> list[str]:
    """Return the object-store URLs that do not exist, as far as was not asked within the last minute."""
    with _present_lock:
        unknown = [url for url in urls if url not in _present]
    if not unknown:
        return []
    store, _ = filesystem(unknown[0], options)
    found = store.get_file_info([url.partition("://")[2] for url in unknown])
    missing = [url for url, info in zip(unknown, found, strict=True) if info.type == fs.FileType.NotFound]
    with _present_lock:
        _present.update((url, True) for url in set(unknown).difference(missing))
    return missing


def _store(scheme: str, bucket: str, options: Mapping[str, str]) -> object:
    known = storage_options(options)
    if scheme == "s3":
        return AmazonS3(
            bucket_name=bucket,
            region=known.get("region") or os.environ.get("AWS_REGION"),
            access_key_id=known.get("access_key_id"),
            secret_access_key=known.get("secret_access_key"),
            session_token=known.get("session_token"),
            endpoint=known.get("endpoint"),
            allow_http=known.get("endpoint", "").startswith("http://"),
        )
    if scheme == "az":
        return MicrosoftAzure(
            container_name=bucket, account=known.get("account_name"), access_key=known.get("account_key")
        )
    if scheme == "gs":
        return GoogleCloud(bucket_name=bucket, service_account_path=known.get("service_account_path"))
    raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f'there is no object store for "{scheme}://"')
