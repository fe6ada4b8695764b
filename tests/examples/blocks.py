"""The examples of a page: fenced blocks, each with what a comment above it says about it.

A comment ``<!-- example: WORD … -->`` stands on a line of its own, right above the block that it is about:

``skip REASON``       the block cannot run here; ``tests/examples/test_pages.py`` lists every one
``output``            the block shows lines that the block before it prints, in this order; ``…`` stands for anything
``file NAME``         the block is written to that file
``body METHOD PATH``  the block is a JSON body that this request takes; the path begins below the account
``fails TEXT``        the block's commands must fail and print that text
``stop``              the server is stopped before the block runs
``stand-in NAME TEXT`` for this block and all after it TEXT means a server of the tests, such as ``llm`` or ``s3``
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

COMMENT = re.compile(r"^ *<!-- example: (\S+)(?: (.*?))? -->$")
FENCE = re.compile(r"^( *)(`{3,})(\w*)\s*$")
RUN = ("sh", "bash", "python", "js")
WORDS = ("skip", "output", "file", "body", "fails", "stop", "stand-in")


@dataclass(frozen=True)
class Block:
    """A fenced block with its line, its language, its text and the notes above it as (word, rest)."""

    line: int
    language: str
    text: str
    notes: Sequence[tuple[str, str]]

    def note(self, word: str) -> str | None:
        """What the comment with that word says, or None."""
        return next((rest for name, rest in self.notes if name == word), None)

    @property
    def runs(self) -> bool:
        """Whether it is a program of its own."""
        return self.language in RUN and not any(word in ("skip", "output", "file", "body") for word, _ in self.notes)


def read_blocks(path: Path) -> list[Block]:
    """Every block of the page, in order; raises ``ValueError`` for a comment that nothing understands."""
    found: list[Block] = []
    notes: list[tuple[str, str]] = []
    lines = iter(enumerate(path.read_text(encoding="utf-8").splitlines(), 1))
    for number, line in lines:
        if comment := COMMENT.match(line):
            if comment[1] not in WORDS:
                raise ValueError(f"{path}:{number}: an example comment has one of {', '.join(WORDS)}")
            notes.append((comment[1], comment[2] or ""))
        elif fence := FENCE.match(line):
            inside: list[str] = []
            for _, one in lines:
                if one.strip() == fence[2]:
                    break
                inside.append(one.removeprefix(fence[1]))
            found.append(Block(number, fence[3], "\n".join(inside) + "\n", tuple(notes)))
            notes = []
        elif line.strip() and notes:
            raise ValueError(f"{path}:{number}: an example comment stands right above its block")
    if notes:
        raise ValueError(f"{path}: an example comment without a block")
    return found


def shell(path: Path) -> str:
    """All that a shell runs of the page."""
    return "".join(one.text for one in read_blocks(path) if one.language in ("sh", "bash"))


def defined(text: str) -> set[str]:
    """The variables that lines of a shell set."""
    return set(re.findall(r"(?:^|export )([A-Z_]+)=", text, re.MULTILINE))


def missing_lines(shown: str, printed: str) -> list[str]:
    """Lines of an output block that were not printed, each after the one before; runs of spaces are one."""
    rest = [" ".join(line.split()) for line in printed.splitlines()]
    missing: list[str] = []
    for line in filter(None, (" ".join(one.split()) for one in shown.splitlines())):
        pattern = re.compile(".*".join(re.escape(part.strip()) for part in line.split("…")))
        at = next((at for at, one in enumerate(rest) if pattern.search(one)), None)
        if at is None:
            missing.append(line)
        else:
            rest = rest[at + 1 :]
    return missing
