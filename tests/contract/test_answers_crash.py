"""A process is killed while it keeps and forgets answers: the file is whole, and what was forgotten stays so."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from secondlook.domain.answer import Question
from secondlook.stores.answers import AnswerFile

pytestmark = pytest.mark.process

WRITER = """
import asyncio, sys
from pathlib import Path
from secondlook.domain.answer import Question
from secondlook.stores.answers import AnswerFile

async def work():
    answers = AnswerFile(Path(sys.argv[1]), room=1 << 22)
    place = 0
    while True:
        await answers.keep(Question("kept", "1", "s", f"question {place} of many"), b"x" * 5000)
        await answers.keep(Question("gone", "1", "s", f"question {place} of many"), b"x" * 5000)
        await answers.forget("gone")
        print(place, flush=True)
        place += 1

asyncio.run(work())
"""


def test_a_kill_costs_nothing_that_was_told(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    for _ in range(2):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        last = -1
        for line in writer.stdout:
            last = int(line)
            if last >= 25:
                os.kill(writer.pid, signal.SIGKILL)
                break
        last = max([last, *(int(line) for line in writer.stdout.read().split())])
        assert writer.wait(30) == -signal.SIGKILL
        answers = AnswerFile(path, room=1 << 22)
        for place in (0, last):
            question = Question("kept", "1", "s", f"question {place} of many")
            found = asyncio.run(answers.find(question, least=1, life=600))
            assert found is not None and found.content == b"x" * 5000
        answers.close()
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            [(gone,)] = connection.execute("SELECT count(*) FROM answers WHERE of_index = 'gone'")
            assert gone <= 1, "at most the one that was just being kept"
        connection.close()
