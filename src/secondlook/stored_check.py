"""Checks a data folder without loading any model, and begins what repairs it."""

import asyncio
from dataclasses import replace

from secondlook.bootstrap import CATALOG, DERIVED, Runtime, catalog_url, check_data
from secondlook.engines.embedded import EmbeddedEngine
from secondlook.errors import SetupError
from secondlook.provision import ANSWERS
from secondlook.services.data_check import DataCheck, DataReport, Finding
from secondlook.settings import Settings
from secondlook.stores.answers import check_cache, remove_cache
from secondlook.stores.blobs import FileBlobs
from secondlook.stores.catalog import SqlCatalog
from secondlook.stores.data_folder import check_catalog


async def check_stored(settings: Settings) -> DataReport:
    """What is wrong with the data folder, without loading any model; may run beside a server."""
    check_data(settings)
    found = await asyncio.to_thread(check_cache, settings.data_dir / ANSWERS)
    broken = [Finding("answers", found)] if found else []
    try:
        check_catalog(settings.data_dir, CATALOG, *DERIVED)
        catalog = SqlCatalog(catalog_url(settings))
        await catalog.open()
    except SetupError as error:
        return DataReport(findings=(Finding("catalogue", str(error)), *broken))
    engine = EmbeddedEngine(settings.data_dir / "indexes")
    try:
        blobs = FileBlobs(settings.data_dir / "files")
        report = await DataCheck(catalog, engine, blobs, check_catalog=catalog.database.check).run()
        return replace(report, findings=(*report.findings, *broken))
    finally:
        engine.close()
        await catalog.close()


async def repair_stored(settings: Settings, runtime: Runtime, report: DataReport) -> None:
    """Begin what mends the data folder that ``runtime`` has to itself."""
    for one in report.findings:
        if one.part == "answers":
            await asyncio.to_thread(remove_cache, settings.data_dir / ANSWERS)
    catalog = runtime.stores.catalog
    blobs = FileBlobs(settings.data_dir / "files")
    checking = DataCheck(catalog, runtime.indexer, blobs, check_catalog=catalog.database.check)
    await checking.repair(report, runtime.services.indexing)
