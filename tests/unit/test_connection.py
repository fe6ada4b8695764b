"""What ``connect`` takes, and what it costs."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

import secondlook
from secondlook import AiSearchInternalError, AutoRAGInternalError, connect
from secondlook.errors import SetupError
from tests.in_loop import in_loop

HEAVY = ("fastapi", "pydantic", "sqlalchemy", "numpy", "onnxruntime", "secondlook.bootstrap")


@pytest.mark.process
def test_the_package_imports_nothing_until_it_is_used() -> None:
    assert loaded("import secondlook") == ""
    assert loaded("from secondlook import connect; connect('http://127.0.0.1:9', 'sl_t')") == ""


def loaded(code: str) -> str:
    """Which heavy modules are there after the code, and httpx if it runs nothing else."""
    watch = (*HEAVY, "httpx") if "connect" not in code else HEAVY
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*[name for name in {watch!r} if name in sys.modules])"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_public_names() -> None:
    for name in secondlook.__all__:
        assert getattr(secondlook, name)
    with pytest.raises(AttributeError, match="no attribute 'disconnect'"):
        _ = secondlook.disconnect  # type: ignore[attr-defined]  # that is the test


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "needs either"),
        ({"url": "http://127.0.0.1:9", "data_dir": "x"}, "needs either"),
        ({"url": "127.0.0.1:8787"}, "give an address"),
        ({"url": "http://"}, "give an address"),
    ],
)
def test_what_is_refused(given: dict[str, str], reason: str) -> None:
    with pytest.raises(SetupError, match=reason):
        connect(**given)  # type: ignore[arg-type]  # what a caller may do


@in_loop
async def test_nobody_there() -> None:
    async with connect("http://127.0.0.1:9", "sl_t") as env:
        with pytest.raises(AutoRAGInternalError, match=r"no Secondlook server at http://127\.0\.0\.1:9") as caught:
            await env.AI.autorag("x").search({"query": "y"})
        assert caught.value.status == 0
        with pytest.raises(AiSearchInternalError):
            await env.AI_SEARCH.list()


@in_loop
async def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    env = connect(data_dir=tmp_path / "file")
    for _ in range(2):
        with pytest.raises(SetupError, match="data folder"):
            await env.AI_SEARCH.list()
    await env.close()
    with pytest.raises(SetupError):
        async with connect(data_dir=tmp_path / "file"):
            await asyncio.sleep(0)
