"""Ctrl-C at every moment of every command: one line that says what is done, exit code 130, and no traceback."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.server_process import run_cli

pytestmark = pytest.mark.process

PATIENCE = 90.0
NOTHING = "Interrupted. Nothing was changed. Run the same command again.\n"
BAR = re.compile(r"^(\S.* )?[━╸╺]+.*$|^\s*$", re.MULTILINE)
"""A progress bar, as it is written where there is no terminal."""


class Command:
    """A command as a terminal runs it: with a process group of its own, which Ctrl-C goes to."""

    def __init__(self, *arguments: object, **environment: str) -> None:
        self.process = subprocess.Popen(
            ["env", "--default-signal=INT", sys.executable, "-m", "secondlook", *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1", **environment},
        )  # fmt: skip

    def wait_for_output(self, pattern: str) -> None:
        """Return once standard output has a line with it."""
        assert self.process.stdout
        for line in self.process.stdout:
            if re.search(pattern, line):
                return
        raise AssertionError(f"{pattern!r} was not printed")

    def interrupt(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def ended(self) -> tuple[int, str]:
        """The exit code, and what was printed to standard error without progress bars."""
        _, rest = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, BAR.sub("", rest).strip("\n") + "\n"


@contextmanager
def running(*arguments: object, **environment: str) -> Iterator[Command]:
    command = Command(*arguments, **environment)
    try:
        yield command
    finally:
        if command.process.poll() is None:
            os.killpg(command.process.pid, signal.SIGKILL)
        command.process.wait(30)


INTERRUPTER = """
import os, signal, sys

AT = dict(one.rsplit(":", 1) for one in os.environ["INTERRUPT_AT"].split(","))
LEFT = {name: int(times) for name, times in AT.items()}

def watch(frame, event, argument):
    if event != "call":
        return
    for name in (frame.f_code.co_qualname, "*"):
        if name in LEFT:
            LEFT[name] -= 1
            if LEFT[name] == 0:
                os.killpg(0, signal.SIGINT)

sys.setprofile(watch)
"""
"""Presses Ctrl-C when a function is called for the given time (``*``: any function), at that very moment."""


@pytest.fixture(scope="module")
def hook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH."""
    folder = tmp_path_factory.mktemp("hook")
    (folder / "sitecustomize.py").write_text(INTERRUPTER)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the instance ``docs``."""
    folder = tmp_path_factory.mktemp("data")
    run_cli("index", "docs", str(write_pages(folder / "pages")), data_dir=folder)
    return folder


def write_pages(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("fog", "lamp", "oil"):
        (folder / f"{name}.md").write_text(f"# About {name} in the station\n\nThe keeper writes about {name} here.")
    return folder


def interrupted(hook: Path, at: str, *arguments: object, **environment: str) -> tuple[int, str]:
    """What the command leaves when Ctrl-C is pressed at that moment."""
    with running(*arguments, PYTHONPATH=str(hook), INTERRUPT_AT=at, **environment) as command:
        return command.ended()


@pytest.mark.parametrize("module", ["secondlook.cli", "numpy", "fastapi", "secondlook.demo"])
def test_while_the_package_is_imported(tmp_path: Path, module: str) -> None:
    """A finder on the way interrupts the process when the module is asked for."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    with running("search", "docs", "oil", "--data-dir", tmp_path / "none", PYTHONPATH=str(tmp_path)) as command:
        assert command.ended() == (130, NOTHING)
    assert not (tmp_path / "none").exists()


SEARCHING = ["load_settings", "Encoder.__init__", "retrieve_candidates", "EmbeddedEngine.close"]


@pytest.mark.parametrize("moment", SEARCHING)
def test_at_each_step_of_a_search(data: Path, hook: Path, moment: str) -> None:
    assert interrupted(hook, f"{moment}:1", "search", "docs", "oil", "--data-dir", data) == (130, NOTHING)


@pytest.mark.parametrize("calls", [1_500, 150_000, 500_000, 700_000])
def test_at_any_moment(data: Path, hook: Path, calls: int) -> None:
    code, said = interrupted(hook, f"*:{calls}", "ask", "docs", "What does the keeper write?", "--data-dir", data)
    assert (code, said) in ((130, NOTHING), (0, "\n"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("models",), ("token", "list"), ("queries", "export", "docs"), ("lab", "show", "docs"),
    ],
)  # fmt: skip
def test_commands_that_only_read(data: Path, hook: Path, arguments: tuple[str, ...]) -> None:
    assert interrupted(hook, "load_settings:1", *arguments, "--data-dir", data) == (130, NOTHING)


def test_an_index_that_is_interrupted_goes_on(hook: Path, tmp_path: Path) -> None:
    pages, data = write_pages(tmp_path / "pages"), tmp_path / "data"
    command = ("index", "docs", pages, "--data-dir", data)
    code, said = interrupted(hook, "Progress.advance:1", *command)
    assert (code, said) == (130, "Interrupted. 1 of 3 files done. Run the same command again for the rest.\n")
    code, said = interrupted(hook, "EncoderEmbedder.embed_passages:1", *command)
    assert (code, said) == (130, "Interrupted. 1 of 3 files done. Run the same command again for the rest.\n")
    assert run_cli("index", "docs", str(pages), data_dir=data) == "2 of 3 files indexed into docs, 1 unchanged"
    assert run_cli("index", "docs", str(pages), data_dir=data) == "0 of 3 files indexed into docs, 3 unchanged"


def test_an_evaluation(hook: Path, tmp_path: Path) -> None:
    beir = tmp_path / "beir"
    (beir / "qrels").mkdir(parents=True)
    (beir / "corpus.jsonl").write_text(json.dumps({"_id": "oil", "title": "", "text": "Lamp oil."}))
    (beir / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "oil"}))
    (beir / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\toil\t1\n")
    told = "Interrupted. %d of 2 data sets measured. Run the same command again; it starts over.\n"
    for runs in (1, 2):
        ended = interrupted(hook, f"show_report:{runs}", "eval", beir, beir, "--data-dir", tmp_path / "data")
        assert ended == (130, told % runs)
    assert list((tmp_path / "data" / "indexes").glob("eval-*")) == []


def test_a_run_of_the_lab_goes_on(data: Path, hook: Path) -> None:
    told = "Interrupted. The queries measured so far are kept. Run the same command again to continue.\n"
    command = ("lab", "run", "docs", "--headings", "--data-dir", data)
    assert interrupted(hook, "SqlLabBook.add_rows:1", *command) == (130, told)
    assert "Reranking:" in run_cli("lab", "run", "docs", "--headings", data_dir=data)


def test_a_sync(hook: Path, tmp_path: Path) -> None:
    run_cli("index", "docs", str(write_pages(tmp_path / "pages")), data_dir=tmp_path / "data")
    told = "Interrupted. The items synced so far are kept. Run the same command again to continue.\n"
    assert interrupted(hook, "_watch:1", "sync", "docs", "--data-dir", tmp_path / "data") == (130, told)
    assert run_cli("sync", "docs", data_dir=tmp_path / "data").startswith("docs: 3 items indexed")


def test_a_copy(data: Path, hook: Path, tmp_path: Path) -> None:
    told = "Interrupted. The files copied so far are kept. Run the same command again to copy the others.\n"
    for kind, folder in (("import", tmp_path / "data"), ("export", data)):
        place = ("--account", "a", "--token", "t", "--instance", "docs", "--url", "http://127.0.0.1:9")
        ended = interrupted(hook, "copy_instance:1", kind, "cloudflare", *place, "--data-dir", folder)
        assert ended == (130, told)


@contextmanager
def silent_server() -> Iterator[tuple[str, threading.Event]]:
    """Takes connections, and never answers; the event is set at the first."""
    asked = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[socket.socket] = []

        def take() -> None:
            try:
                while True:
                    taken.append(listener.accept()[0])
                    asked.set()
            except OSError:
                return  # closed

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for one in taken:
            one.close()


def test_a_download_that_does_not_come(data: Path, tmp_path: Path) -> None:
    offline = {"HF_HUB_OFFLINE": "0", "SECONDLOOK_CACHE_DIR": str(tmp_path)}
    pull = ("models", "pull", "BAAI/bge-reranker-base")
    with silent_server() as (url, asked), running(*pull, HF_ENDPOINT=url, **offline) as command:
        assert asked.wait(PATIENCE)
        command.interrupt()
        kept = "The part that was downloaded is kept. Run the same command again to continue."
        assert command.ended() == (130, f"Interrupted. {kept}\n")


def test_a_language_model_that_does_not_answer(data: Path) -> None:
    ask = ("ask", "docs", "What does the keeper write about oil?", "--data-dir", data)
    with silent_server() as (url, asked), running(*ask, SECONDLOOK_LLM_URL=url) as command:
        assert asked.wait(PATIENCE)
        command.interrupt()
        assert command.ended() == (130, NOTHING)


@pytest.mark.server
def test_a_server(tmp_path: Path) -> None:
    stopped = "The server has stopped. Run the same command again to start it; it takes up unfinished work."
    with running("serve", "--port", "0", "--data-dir", tmp_path) as command:
        command.wait_for_output("Press Ctrl-C to stop")
        command.interrupt()
        assert command.ended() == (130, f"Interrupted. {stopped}\n")


@pytest.mark.server
@pytest.mark.parametrize("moment", ["load_encoder", "Indexing.sweep", "LabRuns.start"])
def test_a_server_that_starts(hook: Path, tmp_path: Path, moment: str) -> None:
    code, said = interrupted(hook, f"{moment}:1", "serve", "--port", "0", "--data-dir", tmp_path)
    assert (code, said.count("\n")) == (130, 1)
    assert said.startswith("Interrupted. The server has stopped.")


@pytest.mark.server
def test_a_demo_that_indexes(hook: Path, tmp_path: Path) -> None:
    told = "Interrupted. The pages indexed so far are kept. Run the same command again.\n"
    assert interrupted(hook, "Progress.advance:3", "demo", "--once", "--data-dir", tmp_path) == (130, told)


def test_a_worker(data: Path) -> None:
    with running("work", "--data-dir", data) as command:
        command.wait_for_output("Press Ctrl-C to stop")
        command.interrupt()
        told = "Unfinished items are back in the queue. Run the same command again, or start the server."
        assert command.ended() == (130, f"Interrupted. {told}\n")


def test_a_second_press_ends_what_takes_long_to_stop(hook: Path, data: Path) -> None:
    at = "retrieve_candidates:1,EmbeddedEngine.close:1"
    assert interrupted(hook, at, "search", "docs", "oil", "--data-dir", data) == (130, NOTHING)


def test_where_it_is_to_be_ignored_it_is(data: Path, hook: Path) -> None:
    done = subprocess.run(
        ["env", "--ignore-signal=INT", sys.executable, "-m", "secondlook", "search", "docs", "oil", "--data-dir", data],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(hook), "INTERRUPT_AT": "retrieve_candidates:1"},
        start_new_session=True,
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
