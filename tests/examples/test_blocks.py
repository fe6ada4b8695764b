"""Blocks and the comments about them are read as the documents mean them, and all pages use one set of variables."""

import re
from pathlib import Path

import pytest

from tests.examples.blocks import RUN, defined, missing_lines, read_blocks, shell
from tests.house.yard import DOCS, ROOT, where

START = ROOT / "examples" / "README.md"
PAGES = [ROOT / "README.md", *(path for path in sorted(DOCS.rglob("*.md")) if "decisions" not in path.parts)]
OF_SHELL = {"PWD", "HOME", "PATH"}
COMMAND = re.compile(r"^(secondlook|curl|make|pip|npx|npm|python|docker|git|source|\.venv/bin/\w+) ", re.MULTILINE)
PLACEHOLDERS = re.compile(r"\bHOST\b|Bearer TOKEN\b|sl_…|\bPATH/TO\b|\bNAME FOLDER\b")


def page(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_blocks_carry_what_stands_above_them(tmp_path: Path) -> None:
    text = "# A\n\n<!-- example: stop -->\n<!-- example: file a b -->\n  ```toml\n  x = 1\n  ```\n\n```sh\nls\n```\n"
    first, second = read_blocks(page(tmp_path, text))
    assert (first.line, first.language, first.text, first.runs) == (5, "toml", "x = 1\n", False)
    assert (first.note("stop"), first.note("file"), first.note("skip")) == ("", "a b", None)
    assert (second.text, second.notes, second.runs) == ("ls\n", (), True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<!-- example: jump -->\n```sh\n```\n", "an example comment has one of skip, output"),
        ("<!-- example: stop -->\n\nA sentence.\n", "stands right above its block"),
        ("<!-- example: stop -->\n", "without a block"),
    ],
)
def test_a_comment_that_means_nothing_is_an_error(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_blocks(page(tmp_path, text))


def test_shown_lines_are_printed_in_order() -> None:
    printed = "1   a.md  0.5\n2 b.md 0.25 and more\n"
    assert missing_lines("1 a.md …\n\n… b.md …\n", printed) == []
    assert missing_lines("… b.md\n… a.md\n", printed) == ["… a.md"]
    assert missing_lines("a.md 0.6\n", printed) == ["a.md 0.6"]


@pytest.mark.parametrize("path", PAGES, ids=where)
def test_pages_use_the_variables_of_all_examples(path: Path) -> None:
    read = set(re.findall(r"\$\{?([A-Z_]+)", shell(path)))
    unknown = read - OF_SHELL - defined(shell(START)) - defined(shell(path))
    assert {name for name in unknown if not name.startswith("SECONDLOOK_")} == set()


@pytest.mark.parametrize("path", PAGES, ids=where)
def test_no_example_holds_a_placeholder_of_its_own(path: Path) -> None:
    assert [one.line for one in read_blocks(path) if one.runs and PLACEHOLDERS.search(one.text)] == []


@pytest.mark.parametrize("path", PAGES, ids=where)
def test_commands_are_in_blocks_that_run(path: Path) -> None:
    blocks = [one.text for one in read_blocks(path) if one.language not in RUN and one.note("output") is None]
    indented = re.findall(r"^    (.*)$", re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S), re.M)
    assert [text for text in (*blocks, *indented) if COMMAND.search(text)] == []
