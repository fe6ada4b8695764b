"""Matrix products have one thread, and a host program keeps its own."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from secondlook.blas import VARIABLES, Limit, use_one_thread

THREADS = "print(*{one['num_threads'] for one in threadpool_info() if one['user_api'] == 'blas'})"
COMMAND = f"""
import sys
from secondlook.__main__ import main
sys.argv = ["secondlook", "version"]
try:
    main()
except SystemExit:
    pass
import numpy
from threadpoolctl import threadpool_info
{THREADS}
"""


def blas_threads() -> set[int]:
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_what_the_user_has_set_stays() -> None:
    environment = {"MKL_NUM_THREADS": "3"}
    use_one_thread(environment)
    wanted = {**dict.fromkeys(VARIABLES, "1"), "MKL_NUM_THREADS": "3", "TOKENIZERS_PARALLELISM": "false"}
    assert environment == wanted


@pytest.mark.process
@pytest.mark.parametrize(("given", "threads"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")])
def test_a_command_has_one_thread_unless_the_user_wants_more(given: dict[str, str], threads: str) -> None:
    inherited = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    done = subprocess.run(
        [sys.executable, "-c", COMMAND], env={**inherited, **given}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == threads


def test_products_of_many_threads_leave_the_host_its_threads() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    before, limit = blas_threads(), Limit()
    seen: set[int] = set()

    def compute() -> None:
        for _ in range(50):
            with limit.held(), limit.held():
                seen.update(blas_threads())

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(compute) for _ in range(8)]:
            done.result()
    assert (seen, blas_threads()) == ({1}, before)
    with pytest.raises(ZeroDivisionError), limit.held():
        raise ZeroDivisionError
    assert blas_threads() == before


def test_a_limit_of_the_host_holds() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    limit = Limit()

    def compute() -> set[int]:
        with limit.held():
            return blas_threads()

    with threadpool_limits(2, "blas"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(compute).result() == {2}
        assert blas_threads() == {2}


HOST = f"""
import asyncio, os, sys
import numpy
from threadpoolctl import threadpool_info
from secondlook import connect

poll = {{"pollIntervalMs": 20}}

async def main():
    async with connect(data_dir=sys.argv[1]) as env:
        made = await env.AI_SEARCH.create({{"id": "handbook", "score_threshold": 0, "reranking": True}})
        for number in range(4):
            await made.items.uploadAndPoll(f"{{number}}.md", "The lamp oil freezes in winter. " * 30, poll)
        found = await asyncio.gather(*(made.search({{"query": f"lamp oil {{at}}"}}) for at in range(8)))
        assert all(one["chunks"] for one in found)

before = dict(os.environ)
{THREADS}
asyncio.run(main())
assert dict(os.environ) == before, set(os.environ.items()) ^ set(before.items())
{THREADS}
"""


@pytest.mark.process
def test_a_program_that_connects_keeps_its_environment_and_its_threads(tmp_path: Path) -> None:
    kept = (*VARIABLES, "TOKENIZERS_PARALLELISM")
    given = {name: value for name, value in os.environ.items() if name not in kept}
    done = subprocess.run(
        [sys.executable, "-c", HOST, str(tmp_path)],
        env={**given, "OPENBLAS_NUM_THREADS": "2"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split()) == (0, ["2", "2"]), done.stderr
