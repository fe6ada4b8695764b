"""The runner of examples fails a page for every way in which an example may differ from what the page says."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.examples.blocks import Block
from tests.examples.running import ExampleError, Session, asks_server, opened, run_page
from tests.machine import need
from tests.web_site import serve_site

FENCE = "`" * 3


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with opened(tmp_path) as made:
        yield made


def run(session: Session, *blocks: str) -> int:
    """How many blocks of a page with these ran; each is ``comment | language | text``."""
    path = session.folder / "page.md"
    parts = [one.split("|", 2) for one in blocks]
    text = "".join(f"{comment}\n{FENCE}{language}\n{text}\n{FENCE}\n" for comment, language, text in parts)
    path.write_text(text, encoding="utf-8")
    with ExitStack() as stack:
        return run_page(session, path, {}, stack)


@pytest.mark.process
def test_variables_files_and_output_last_from_block_to_block(session: Session) -> None:
    ran = run(
        session,
        "|sh|export LAMP=lit",
        "<!-- example: file notes/a.txt -->|text|oil",
        "|python|import os, pathlib; print(os.environ['LAMP'], pathlib.Path('notes/a.txt').read_text())",
        "<!-- example: output -->|text|lit oil",
        "<!-- example: skip it is dangerous -->|sh|exit 1",
        "<!-- example: fails No such file -->|sh|ls nowhere",
    )
    assert ran == 5


@pytest.mark.process
@pytest.mark.parametrize(
    ("blocks", "complaint"),
    [
        (["|sh|true\nfalse\ntrue"], "failed"),
        (["|sh|false | true"], "failed"),
        (["|sh|false \\\n  || false\necho on"], "failed"),
        (["|python|raise ValueError(1)"], "ValueError: 1"),
        (["|sh|echo oil", "<!-- example: output -->|text|water"], "shows what is not printed"),
        (["|sh|echo oil; echo water", "<!-- example: output -->|text|water\noil"], "shows what is not printed"),
        (["<!-- example: fails gone -->|sh|true"], "did not fail"),
        (["<!-- example: fails gone -->|sh|ls nowhere"], "but not with gone"),
        (["|json|{not json}"], "no JSON"),
        (["|sh|exit 3"], "the shell ended"),
    ],
)
def test_what_differs_from_the_page_fails(session: Session, blocks: list[str], complaint: str) -> None:
    with pytest.raises(ExampleError, match=complaint):
        run(session, *blocks)


@pytest.mark.system
def test_a_request_that_is_refused_fails(session: Session) -> None:
    need("curl")
    with serve_site() as site:
        site.html("/", "<p>Oil</p>", "")
        assert run(session, f"|sh|curl {site.url}/", "<!-- example: output -->|text|Oil") == 2
        with pytest.raises(ExampleError, match="404"):
            run(session, f"|sh|curl {site.url}/nowhere")


@pytest.mark.parametrize(
    ("language", "text", "notes", "asks"),
    [
        ("sh", 'curl "$BASE/x"', (), True),
        ("python", "connect(os.environ['SECONDLOOK_URL'])", (), True),
        ("json", "{}", (("body", "POST /x"),), True),
        ("sh", "secondlook serve\ncurl $BASE/x", (), False),
        ("sh", "secondlook eval folder", (), False),
        ("text", "127.0.0.1:8787", (), False),
    ],
)
def test_a_server_is_started_for_blocks_that_ask_one(
    language: str, text: str, notes: tuple[tuple[str, str], ...], asks: bool
) -> None:
    assert asks_server(Block(1, language, text, notes)) is asks
