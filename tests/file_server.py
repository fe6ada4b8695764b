"""A hub on localhost: files by path, ranges honoured, connections cut where told."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.thread_server import QuietHandler, serve_in_thread


@dataclass
class Hub:
    """What is served and what was asked.

    Attributes:
        cut_after: bytes after which the first answer for a path breaks off.
    """

    url: str
    files: dict[str, bytes]
    cut_after: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def serve_files(files: Mapping[str, bytes]) -> Iterator[Hub]:
    """A hub that lives as long as the block; paths begin with a slash."""
    hub = Hub("", dict(files))

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            hub.asked.append((self.path, wanted))
            content = hub.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            if start >= len(content) > 0:
                self.send_error(416)
                return
            body = content[start:]
            self.send_head(206 if wanted else 200, len(body))
            cut = hub.cut_after.pop(self.path, None)
            self.wfile.write(body if cut is None else body[:cut])
            if cut is not None:
                self.close_connection = True

    with serve_in_thread(Handler) as hub.url:
        yield hub
