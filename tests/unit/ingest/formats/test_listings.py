"""Code keeps its lines, whatever a highlighter made of them, and tells its language."""

import time

import pytest
from selectolax.lexbor import LexborHTMLParser

from secondlook.ingest.formats.listings import write_code


def code(inner: str, attributes: str = "") -> str:
    node = LexborHTMLParser(f"<pre {attributes}>{inner}</pre>").css_first("pre")
    assert node
    return write_code(node)


def codes(page: str) -> list[str]:
    return [write_code(node) for node in LexborHTMLParser(page).css("pre")]


@pytest.mark.parametrize(
    "inner",
    [
        "import os\nprint(1)",
        "import os<br>print(1)<br>",
        "import os<br/>\nprint(1)".replace("<br/>\n", "<br>"),
        "<code><div class=line>import os</div><div class=line>print(1)</div></code>",
        "<code><div>import os\n</div><div>print(1)\n</div></code>",
        "<code><div>import os</div>\n<div>print(1)</div></code>",
        "<ol><li>import os<li>print(1)</ol>",
        "<code><span class=line>import os</span><span class=line>print(1)</span></code>",
        "<code><span class='line x'>import os</span>\n<span class=line>print(1)</span></code>",
        "<span class=token-line><i>imp</i><i>ort os</i></span><div><div>print(1)</div></div>",
        "<span class=lineno>1</span>import os\n<span class=lineno>2</span>print(1)",
        "<table><tr><td class=gutter>1</td><td>import os</td></tr><tr><td class=gutter>2<td>print(1)</table>",
        "imp\u200bort os\nprint(1)",
    ],
)
def test_lines(inner: str) -> None:
    assert code(inner) == "```\nimport os\nprint(1)\n```"


@pytest.mark.parametrize(
    "inner",
    [
        "a\n\n  b",
        "<div>a</div><div></div><div>  b</div>",
        "<div>a</div><div><br></div><div>  b</div>",
        "<span class=line>a</span>\n<span class=line></span>\n<span class=line>  b</span>",
    ],
)
def test_empty_lines_and_indents(inner: str) -> None:
    assert code(inner) == "```\na\n\n  b\n```"


@pytest.mark.parametrize(
    ("attributes", "inner", "language"),
    [
        ("", "<code class=language-python>x</code>", "python"),
        ("class='highlight lang-c++ x'", "<code>x</code>", "c++"),
        ("class=language-js", "x", "js"),
        ("class=nolanguage-js", "x", ""),
        ("class=language-text", "x", ""),
        ("class='language-\"a`'", "x", ""),
    ],
)
def test_languages(attributes: str, inner: str, language: str) -> None:
    assert code(inner, attributes) == f"```{language}\nx\n```"


def test_what_is_no_code() -> None:
    assert code(" \n ") == ""


@pytest.mark.parametrize(
    "page",
    [
        "<table><tr><td><pre>7\n8\n</pre><td><pre>a\nb</pre></table>",
        "<table><tr><td><div><pre>7\n 8</pre></div><td><div><!-- a --><pre>a\nb\n</pre></div></table>",
        "<div><pre>7<br>8</pre> <pre>a\nb</pre></div>",
        "<div><div><pre>7\n8\n9</pre></div><div><pre>a\nb\n</pre></div></div>",
        "<pre>7\n8\n9</pre><pre>\n\na\n\n</pre>",
    ],
)
def test_numbers_of_the_lines_beside_them(page: str) -> None:
    assert codes(page)[0] == ""
    assert "a" in codes(page)[1]


@pytest.mark.parametrize(
    "page",
    [
        "<pre>1\n2\n3</pre>",
        "<pre>1 2 3</pre><pre>a\nb\nc</pre>",
        "<pre>print(1, 2)</pre><pre>1\n2</pre>",
        "<pre>1\n3</pre><pre>a\nb</pre>",
        "<pre>1\n2\n3</pre><pre>a\nb</pre>",
        "<pre>1\n2</pre><p>and <code>a\nb</code></p>",
        "<pre>1\n2</pre><div><p>then</p><pre>a\nb</pre></div>",
        "<div><div><div><div><pre>1\n2</pre></div></div></div></div><pre>a\nb</pre>",
        "<pre>1</pre><pre>a</pre>",
        "<pre>1\n2</pre>gives<pre>a\nb</pre>",
        "<div><p>So:</p><pre>1\n2</pre></div><div><pre>a\nb</pre></div>",
    ],
)
def test_what_a_program_put_out(page: str) -> None:
    assert all(codes(page))


@pytest.mark.parametrize("piece", ["<div>", "<div></div>", "<br>", "<span class=line>a</span>", "<i>"])
def test_linear_time(piece: str) -> None:
    started = time.process_time()
    code(piece * 10_000)
    code(f"1\n2</pre>{piece * 10_000}")
    assert time.process_time() - started < 5
