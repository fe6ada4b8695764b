"""Spans are exact pieces of the text, in order, and never over the token size."""

import itertools
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.ingest.split import HEADROOM, Span, split_text, whole_text
from secondlook.models.encoder import Encoder
from secondlook.models.fakes import FakeEmbedder
from tests.house.yard import SOURCE

WORDS = "oil lamp été 日本語 🦊 e\u0301 # ## - * > ``` | . ! \n \n\n \t \r\n a\u200db".split(" ")
TEXTS = st.lists(st.sampled_from(WORDS) | st.text(max_size=12), max_size=60).map(" ".join)


def letters(text: str) -> int:
    """As greedy as a tokenizer can be: every character is a token."""
    return len(text)


def octets(text: str) -> int:
    """A byte-level tokenizer with no merges."""
    return len(text.encode())


def word_pieces(text: str) -> int:
    """Words and marks, long words in pieces of four."""
    return sum(-(-len(one) // 4) for one in re.findall(r"\w+|[^\w\s]", text))


COUNTERS: dict[str, Callable[[str], int]] = {
    "letters": letters,
    "word pieces": word_pieces,
    "fake": FakeEmbedder().count_tokens,
}


def check(text: str, spans: list[Span], size: int, count_tokens: Callable[[str], int]) -> None:
    source = text.encode()
    assert bool(spans) is bool(text.strip())
    for span in spans:
        assert source[span.start : span.end].decode() == span.text
        assert span.text.strip()
        assert count_tokens(span.text) <= size - HEADROOM
    starts, ends = [span.start for span in spans], [span.end for span in spans]
    assert starts == sorted(starts)
    assert ends == sorted(ends)
    covered = bytearray(len(source))
    for span in spans:
        covered[span.start : span.end] = b"\1" * (span.end - span.start)
    rest = bytes(octet for octet, taken in zip(source, covered, strict=True) if not taken)
    assert not rest.decode().strip(), "only blanks stand outside every span"


@given(TEXTS, st.integers(3, 40), st.integers(0, 30), st.sampled_from(sorted(COUNTERS)))
def test_laws(text: str, size: int, overlap: int, name: str) -> None:
    spans = split_text(text, size=size, overlap=overlap, count_tokens=COUNTERS[name])
    check(text, spans, size, COUNTERS[name])


@given(TEXTS, st.integers(64, 90))
def test_laws_when_every_byte_is_a_token(text: str, size: int) -> None:
    check(text, split_text(text, size=size, overlap=10, count_tokens=octets), size, octets)


def test_the_real_tokenizer(real_encoder: Encoder) -> None:
    text = "# Öl und Lampe 🦊\n\n" + "When the lamp oil freezes, warm the reservoir to 12 °C before lighting.\n\n" * 60
    spans = split_text(text, size=64, overlap=10, count_tokens=real_encoder.reader.count_tokens)
    check(text, spans, 64, real_encoder.reader.count_tokens)
    assert len(spans) > 10


def test_neighbours_share_what_they_may() -> None:
    text = " ".join(f"word{at}" for at in range(200))
    apart = split_text(text, size=22, overlap=0, count_tokens=FakeEmbedder().count_tokens)
    shared = split_text(text, size=22, overlap=30, count_tokens=FakeEmbedder().count_tokens)
    assert [len(span.text.split()) for span in apart] == [20] * 10
    assert all(left.end < right.start for left, right in itertools.pairwise(apart))
    assert all(left.end > right.start for left, right in itertools.pairwise(shared))
    common = [len(text[right.start : left.end].split()) for left, right in itertools.pairwise(shared)]
    assert max(common) == 6, "30 % of the 20 tokens that fit"


def test_headings_begin_chunks() -> None:
    text = "# Oil\n\nWarm it first.\n\n# Fog\n\nTwo blasts of the horn."
    spans = split_text(text, size=10, overlap=0, count_tokens=FakeEmbedder().count_tokens)
    assert [span.text.split("\n")[0] for span in spans] == ["# Oil", "# Fog"]


@pytest.mark.parametrize("text", ["", " ", "\n\t \r\n"])
def test_blank_text_gives_none(text: str) -> None:
    assert split_text(text, size=64, overlap=10, count_tokens=letters) == []
    assert whole_text(text) == []


@given(TEXTS.filter(str.strip))
def test_whole_text_is_one_span(text: str) -> None:
    assert whole_text(text) == [Span(text, 0, len(text.encode()))]


@pytest.mark.parametrize(
    "text",
    ["QUJD" * 20_000, "日本語の文章" * 8_000, "lamp oil " * 6_000, '{"k":"v","n":1},' * 4_000, "A b. " * 9_000],
    ids=["base64", "no words", "no sentences", "one line of JSON", "one paragraph"],
)
def test_long_lines_are_read_in_linear_time(text: str) -> None:
    read = 0

    def count(piece: str) -> int:
        nonlocal read
        read += len(piece)
        return len(piece) // 2 + 1

    text = f"# Title\n\nFirst words.\n{text}\nLast words.\n"
    spans = split_text(text, size=256, overlap=10, count_tokens=count)
    assert read < 60 * len(text)
    check(text, spans, 256, lambda piece: len(piece) // 2 + 1)
    assert spans[0].text.startswith("# Title") and spans[-1].text.endswith("Last words.")


def test_what_a_tokenizer_takes_for_one_token_is_cut_too() -> None:
    spans = split_text("QUJD" * 5_000, size=66, overlap=0, count_tokens=lambda piece: len(piece.split()))
    assert max(len(span.text) for span in spans) < 64 * 18


def test_a_long_line_is_cut_after_a_sentence() -> None:
    text = "Warm the oil before lighting the lamp. " * 600
    spans = split_text(text, size=10_000, overlap=0, count_tokens=word_pieces)
    assert len(spans) > 1 and all(span.text.endswith(".") for span in spans)


def test_chunks_of_documents_begin_at_a_word() -> None:
    """People read them in lists: an excerpt that begins inside a word looks broken."""
    inside = []
    for path in sorted((SOURCE / "sample").rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        for span in split_text(text, size=80, overlap=30, count_tokens=lambda piece: len(piece.split())):
            at = len(text.encode()[: span.start].decode())
            if at and (text[at - 1] + text[at]).isalnum():
                inside.append((path.name, text[at - 10 : at + 10]))
    assert inside == []
