"""``secondlook queries``: the query logs of a data folder."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from secondlook import bootstrap, interrupts
from secondlook.console import Account, DataDir
from secondlook.domain.queries import HeardQuery
from secondlook.ports import Catalog
from secondlook.services.queries import QueryLog, row_of
from secondlook.settings import load_settings

queries_app = typer.Typer(no_args_is_help=True, help="Export the query log of an instance.")
COLUMNS = ("query_id", "query", "at", "key", "start", "end", "hash", "kind")


@queries_app.callback()
def queries() -> None:
    """Read the query log of an instance."""


@queries_app.command()
def export(
    instance: str,
    jsonl: Annotated[
        bool, typer.Option("--jsonl/--csv", help="One JSON object per query, or one CSV row per piece of feedback.")
    ] = True,
    judged: Annotated[bool, typer.Option("--judged", help="Only queries with feedback.")] = False,
    account: Account = "default",
    namespace: Annotated[str, typer.Option(help="The namespace of the instance.")] = "default",
    data_dir: DataDir = None,
) -> None:
    """Write the query log with its feedback to standard output, oldest query first."""

    async def read(log: QueryLog, catalog: Catalog) -> Sequence[HeardQuery]:
        return await log.export((await catalog.get_instance(account, namespace, instance)).uid)

    found = interrupts.run(bootstrap.with_queries(load_settings(data_dir=data_dir), read))
    wanted = [one for one in found if one.feedback or not judged]
    for line in json_lines(wanted) if jsonl else csv_lines(wanted):
        typer.echo(line.encode())  # data, in UTF-8 whatever the terminal's encoding


def json_lines(found: Sequence[HeardQuery]) -> Iterator[str]:
    """A line a query, as the Lab reads them."""
    for one in found:
        yield json.dumps(row_of(one), ensure_ascii=False)


def csv_lines(found: Sequence[HeardQuery]) -> Iterator[str]:
    """The names of the columns, then a line a piece of feedback; a query without any has one with empty ends."""
    yield _csv(COLUMNS)
    for one in found:
        head = (one.query_id, one.query, one.at)
        for each in one.feedback:
            yield _csv((*head, each.key, each.start, each.end, each.hash, each.kind))
        if not one.feedback:
            yield _csv((*head, "", None, None, "", ""))


def _csv(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()
