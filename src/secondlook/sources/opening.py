"""Which adapter reads the source of an instance, with what the operator allows."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from secondlook.domain.instance import InstanceSettings
from secondlook.errors import ItemSourceError, SourceError
from secondlook.sources.browser import Renderer, find_browser
from secondlook.sources.bucket import Bucket, Store
from secondlook.sources.folder import Folder
from secondlook.sources.guard import Guard
from secondlook.sources.pacing import Patience
from secondlook.sources.site import TOKEN, Site, SiteOptions
from secondlook.sources.web_client import Times, WebClient
from secondlook.sources.website import Website
from secondlook.supply import Source


class OpenSources:
    """Opens sources.

    Args:
        roots: folders below which folders of this machine may be read; none when empty.
        store: the object store, with the operator's credentials, if any.
        buckets: those that the operator's credentials may be used for; any when empty.
    """

    def __init__(
        self,
        *,
        version: str,
        roots: Sequence[Path] = (),
        store: Store | None = None,
        buckets: Sequence[str] = (),
        guard: Guard | None = None,
        times: Times | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._roots = roots
        self._store = store or Store()
        self._buckets = frozenset(buckets)
        self._guard = guard or Guard()
        self._times = times or Times()
        self._patience = patience
        self._agent = f"{TOKEN}/{version}"

    async def open(self, settings: InstanceSettings, secret: tuple[str, str] | None) -> Source:
        """The source of the instance.

        Raises:
            SourceError: it cannot be used.
        """
        if settings.source_kind == "folder":
            return Folder(await asyncio.to_thread(find_folder, settings.source, self._roots))
        if settings.source_kind == "r2":
            return self._bucket(settings, secret)
        return self._website(settings)

    def _bucket(self, settings: InstanceSettings, secret: tuple[str, str] | None) -> Source:
        name, options = settings.source, settings.source_options
        store = self._store.with_token(secret) if secret else self._store
        if not secret and self._buckets and name not in self._buckets:
            raise SourceError(
                "bucket_unauthorized",
                f"the bucket {name!r} is not one of SECONDLOOK_S3_BUCKETS: give the instance a token_id of its own",
                lasting=True,
            )
        return Bucket(store, name, prefix=options.prefix, region=options.region)

    def _website(self, settings: InstanceSettings) -> Source:
        options = settings.source_options
        crawl = options.crawl
        client = WebClient(self._guard, self._agent, self._times)
        try:
            wanted = SiteOptions(settings.source, crawl.subdomains, crawl.headers, crawl.images)
            site = Site(client, wanted, self._patience)
        except ItemSourceError as error:
            raise SourceError(error.kind, str(error).partition(": ")[2], lasting=True) from error
        program = find_browser() if crawl.renders else ""
        renderer = Renderer(program) if program else None
        return Website(site, options, [one.name for one in settings.fields], renderer=renderer)


def find_folder(source: str, roots: Sequence[Path]) -> Path:
    """The real path of a folder below one of the roots.

    Raises:
        SourceError: it lies elsewhere, or is not there.
    """
    if not roots:
        raise SourceError(
            "bucket_unauthorized",
            "this server allows no folder sources: list the allowed folders in SECONDLOOK_FOLDER_ROOTS",
            lasting=True,
        )
    try:
        real = Path(os.path.realpath(source))
        there = real.is_dir()
    except (OSError, ValueError) as error:  # a name that is too long, or a NUL, which no path may contain
        raise SourceError("bucket_not_found", f"the folder {source[:200]!r} does not exist", lasting=True) from error
    if not Path(source).is_absolute() or not any(real.is_relative_to(os.path.realpath(root)) for root in roots):
        raise SourceError(
            "bucket_unauthorized", f"the folder {source!r} is outside SECONDLOOK_FOLDER_ROOTS", lasting=True
        )
    if not there:
        raise SourceError("bucket_not_found", f"the folder {source!r} does not exist", lasting=True)
    return real
