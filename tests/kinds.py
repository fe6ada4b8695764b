"""The slow kinds of tests, each a mark, and what makes a test one of them: the processes that it starts."""

import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePath

MARKS: Mapping[str, str] = {
    "server": "starts a server in a process of its own",
    "process": "starts another process, to kill it or to run beside it",
    "node": "runs Node: npm packages, Workers, the build of the dashboard",
    "browser": "drives Chromium",
    "system": "runs another program of requirements/system.txt",
    "slow": "takes more than ten seconds by itself",
    "attack": "attacks the server through the wire",
    "native": "minutes of the native encoder under sanitizers or an emulator; `make native` runs these alone",
}
"""``make unit`` leaves all of these out."""
PROGRAMS: Mapping[str, str] = {
    "node": "node", "npm": "node", "workerd": "node", "chromium": "browser", "chromium-browser": "browser",
    "google-chrome": "browser", "tesseract": "system", "catdoc": "system", "catppt": "system", "git": "system",
    "curl": "system", "moto_server": "server",
}  # fmt: skip
SERVERS = {"tests.llm_server", "tests.rerank_server"}
READER = "secondlook.ingest.child"
"""The product reads documents in children of its own; that alone makes no test slow."""


def kind_of(program: str, arguments: Sequence[str]) -> str | None:
    """The mark that a test needs to start this process, or None."""
    if "playwright" in PurePath(program).parts:
        return "browser"
    if found := PROGRAMS.get(PurePath(program).name):
        return found
    words = [str(one) for one in arguments]
    if READER in words:
        return None
    if "secondlook" in words and {"serve", "demo"} & set(words):
        return "server"
    return "server" if SERVERS & set(words) or any(one.endswith("moto_server") for one in words) else "process"


class Started:
    """The kinds of processes that were started since it was last asked."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}
        sys.addaudithook(self._hear)

    def note(self, kind: str, what: str) -> None:
        """A test needs that program, and might start it in a child of ours."""
        self._seen[kind] = what

    def take(self) -> Mapping[str, str]:
        """Each kind with the program that was started, and begin anew."""
        seen, self._seen = self._seen, {}
        return seen

    def _hear(self, event: str, details: tuple[object, ...]) -> None:
        if event != "subprocess.Popen":
            return
        program, arguments = details[0], details[1]
        words = [str(one) for one in arguments] if isinstance(arguments, list | tuple) else [str(arguments)]
        if kind := kind_of(str(program or words[0]), words):
            self._seen[kind] = " ".join(words)[:200]


STARTED = Started()


def unmarked(marks: Collection[str], started: Mapping[str, str]) -> list[str]:
    """What is wrong with the marks of a test that started these; any mark allows a plain process."""
    allowed = {*marks, "process"} if set(marks) & set(MARKS) else set(marks)
    return [f"give it @pytest.mark.{kind}: it needs {what}" for kind, what in started.items() if kind not in allowed]
