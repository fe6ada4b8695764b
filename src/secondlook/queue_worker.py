"""``secondlook work``: another process on the queue of a data folder, beside the server or without one."""

import asyncio
import signal
from typing import Annotated

import typer

from secondlook import bootstrap, interrupts
from secondlook.console import DataDir, err, run_over, say
from secondlook.screen import make_bars
from secondlook.server import spare_the_collector
from secondlook.settings import load_settings

INTERRUPTED = "Unfinished items are back in the queue. Run the same command again, or start the server."


def work(
    once: Annotated[bool, typer.Option("--once", help="Exit when the queue is empty.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Index queued items of the data folder, beside its server or without one. Press Ctrl-C to stop."""
    settings = load_settings(data_dir=data_dir)
    interrupts.explain(INTERRUPTED)

    async def inside(runtime: bootstrap.Runtime) -> None:
        spare_the_collector()
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        say(f"Working on the queue of {settings.data_dir}. Press Ctrl-C to stop.")
        stopping = asyncio.create_task(stopped.wait())
        drained = [asyncio.create_task(_drain(runtime))] if once else []
        try:
            done, _ = await asyncio.wait([stopping, *drained], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopping, *drained):
                task.cancel()
            await asyncio.gather(stopping, *drained, return_exceptions=True)
        for task in done:
            task.result()

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
