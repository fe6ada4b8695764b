"""A bucket of an S3-compatible object store as a source: its objects, by their keys."""

import hashlib
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

from obstore import exceptions
from obstore.store import S3Store

from secondlook.domain.source import LARGEST_THING, Entry, Fetched, too_large
from secondlook.errors import ItemSourceError, SourceError

REGION = re.compile(r"[a-z0-9-]{1,32}")
ABOUT_ONE = re.compile(r"status code: 4(?!01|08|29)\d\d")
"""How an answer reads that refuses one object; 401 is about credentials, 408 and 429 about the moment."""
NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
STANDARD = frozenset(
    ("content-type", "content-disposition", "content-encoding", "content-language", "cache-control", "storage-class")
)
"""What comes with every object; everything else that does was given with it."""
WRONG_KEYS = {
    "InvalidAccessKeyId": "the store does not recognise this access key ID",
    "SignatureDoesNotMatch": "the secret access key does not match the access key ID",
}
"""What a store answers to credentials that it refuses, and what that means."""
WHITE = re.compile(r"\s")
R2 = ".r2.cloudflarestorage.com"
"""Hosts whose secret is the SHA-256 of an API token, and which name a region of the law in front."""


@dataclass(frozen=True, slots=True)
class Store:
    """An object store; without ``endpoint`` that of AWS in ``region``."""

    endpoint: str = ""
    region: str = ""
    key: str = ""
    secret: str = field(default="", repr=False)

    def with_token(self, token: tuple[str, str]) -> "Store":
        """The same with the credentials of a service token."""
        key, secret = token
        if (urlsplit(self.endpoint).hostname or "").endswith(R2):
            secret = hashlib.sha256(secret.encode()).hexdigest()
        return Store(self.endpoint, self.region, key, secret)

    def within(self, region: str) -> str:
        """The endpoint for buckets that lie in a region of the law, such as ``eu``."""
        parts = urlsplit(self.endpoint)
        host = parts.hostname or ""
        if region == "default" or not host.endswith(R2) or host.endswith(f".{region}{R2}"):
            return self.endpoint
        port = f":{parts.port}" if parts.port else ""
        return urlunsplit((parts.scheme, host.removesuffix(R2) + f".{region}{R2}{port}", parts.path, "", ""))


class Bucket:
    """The objects whose keys begin with ``prefix``; a key that ends with a slash is a folder, and left out."""

    def __init__(self, store: Store, name: str, *, prefix: str = "", region: str = "default") -> None:
        if not NAME.fullmatch(name):
            raise SourceError("bucket_name_invalid", f"{name[:80]!r} is not a valid bucket name", lasting=True)
        if not REGION.fullmatch(region):
            raise SourceError(
                "bucket_name_invalid", f"{region[:80]!r} is not a known jurisdiction: use one such as eu", lasting=True
            )
        if not store.key:
            raise SourceError(
                "external_source_missing_api_token",
                f"no credentials for the bucket {name!r}: give the instance a token_id, or set"
                " SECONDLOOK_S3_ACCESS_KEY and SECONDLOOK_S3_SECRET_KEY",
                lasting=True,
            )
        if store.endpoint and not _is_address(store.endpoint):
            raise SourceError(
                "r2_unknown_error",
                f"SECONDLOOK_S3_ENDPOINT is {store.endpoint[:80]!r}: give a URL that begins with http:// or https://",
                lasting=True,
            )
        self._name = name
        self._prefix = prefix
        endpoint = store.within(region)
        self._store = S3Store(
            name,
            access_key_id=store.key,
            secret_access_key=store.secret,
            region=store.region or "auto",
            config={"endpoint": endpoint} if endpoint else {},
            client_options={
                "allow_http": endpoint.startswith("http:"),
                "connect_timeout": timedelta(seconds=10),
                "timeout": timedelta(seconds=60),
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=60)},
        )

    async def list(self, memos: Mapping[str, str]) -> AsyncGenerator[Entry, None]:
        """Every object; raises ``SourceError``."""
        folder = self._prefix.rpartition("/")[0]  # the library matches whole segments alone
        try:
            async for found in self._store.list(prefix=folder or None, chunk_size=1000):
                for one in found:
                    key = one["path"]
                    if key.startswith(self._prefix) and not (one["size"] == 0 and self._is_folder(key)):
                        found_at = one["last_modified"].timestamp()
                        yield _entry(key, one["e_tag"] or "", found_at, one["size"], memos)
        except exceptions.BaseError as error:
            raise self._told(error) from error

    async def fetch(self, entry: Entry) -> Fetched:
        """The object with its ``x-amz-meta-*``.

        Raises:
            ItemSourceError, SourceError
        """
        try:
            found = await self._store.get_async(entry.key)
            size = found.meta["size"]
            if size > LARGEST_THING:
                raise ItemSourceError("over_size", too_large(entry.key, size), gone=True)
            content = bytes(await found.bytes_async())
        except (exceptions.NotFoundError, FileNotFoundError) as error:
            raise ItemSourceError("file_not_found", f"{entry.key} no longer exists", gone=True) from error
        except exceptions.BaseError as error:
            if isinstance(error, exceptions.PermissionDeniedError) or ABOUT_ONE.search(str(error)):
                raise ItemSourceError("r2_unknown_error", _refused(entry.key, str(error))) from error
            raise self._told(error) from error
        given = {str(name): str(value) for name, value in found.attributes.items()}
        told = {name.lower(): value for name, value in given.items()}
        return Fetched(
            content,
            found.meta["e_tag"] or "",
            told.get("content-type", ""),
            int(found.meta["last_modified"].timestamp() * 1000),
            {name: value for name, value in told.items() if name not in STANDARD},
        )

    def notes(self) -> Sequence[str]:
        """Nothing."""
        return []

    async def close(self) -> None:
        """The library holds its connections itself."""

    def _is_folder(self, key: str) -> bool:
        """An empty object without an extension is how tools mark folders."""
        return "." not in key.rpartition("/")[2]

    def _told(self, error: Exception) -> SourceError:
        text = str(error)
        if "NoSuchBucket" in text or isinstance(error, exceptions.NotFoundError):
            return SourceError("bucket_not_found", f"the bucket {self._name!r} does not exist", lasting=True)
        for code, problem in WRONG_KEYS.items():
            if code in text:
                return SourceError("bucket_unauthorized", f"{problem} (bucket {self._name!r})", lasting=True)
        if isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError):
            return SourceError(
                "bucket_unauthorized", f"the credentials do not allow reading the bucket {self._name!r}", lasting=True
            )
        return SourceError("r2_unknown_error", f"could not read the bucket {self._name!r}: {_first_line(text)}")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not WHITE.search(text)
    except ValueError:
        return False


def _entry(key: str, etag: str, modified: float, size: int, memos: Mapping[str, str]) -> Entry:
    moment = int(modified * 1000)
    if size > LARGEST_THING:
        return Entry(key, etag, modified_at=moment, error=f"over_size: {too_large(key, size)}", gone=True)
    return Entry(key, etag, bool(etag) and memos.get(key) == etag, moment)


def _refused(key: str, text: str) -> str:
    """Why one object is not given, while others may be: it is archived, say, or encrypted with a key of its own."""
    code = re.search(r"<Code>(\w{1,80})</Code>", text)
    status = re.search(r"status code: (\d{3})|(\d{3}) Forbidden", text)
    why = code[1] if code else f"status {next(filter(None, status.groups()))}" if status else "access denied"
    return (
        f"the store refused {key} ({why}): it may be archived, encrypted with its own key, or off limits to these"
        " credentials"
    )


def _first_line(text: str) -> str:
    """What went wrong, without the library's trace; an answer may be quoted in it, credentials never are."""
    return text.strip().partition("\n")[0][:300]
