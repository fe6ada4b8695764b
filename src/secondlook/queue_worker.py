"""``secondlook work``: another process on the queue of a data folder, beside the server or without one."""

import asyncio
import contextlib
import signal
from typing import Annotated

import typer

from secondlook import bootstrap
from secondlook.console import DataDir, err, run_over, say
from secondlook.screen import make_bars
from secondlook.settings import load_settings

STOPS = (signal.SIGINT, signal.SIGTERM)


def work(
    once: Annotated[bool, typer.Option("--once", help="End when nothing waits any more.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Index what waits in the data folder, beside its server, until interrupted."""
    settings = load_settings(data_dir=data_dir)

    async def inside(runtime: bootstrap.Runtime) -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for one in STOPS:
            loop.add_signal_handler(one, stopped.set)
        say(f"Working on the queue of {settings.data_dir} (Ctrl-C stops it)")
        drained = [asyncio.create_task(_drain(runtime))] if once else []
        stopping = asyncio.create_task(stopped.wait())
        await asyncio.wait([stopping, *drained], return_when=asyncio.FIRST_COMPLETED)
        for task in (stopping, *drained):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            for task in drained:
                await task

    run_over(settings, inside, queue="beside")


async def _drain(runtime: bootstrap.Runtime) -> None:
    most = 0
    with make_bars(err) as bars:
        bar = bars.add_task("Indexing", total=None)

        def heard(left: int) -> None:
            nonlocal most
            most = max(most, left)
            bars.update(bar, total=most, completed=most - left)

        await runtime.services.indexing.drain(heard)
        heard(0)
