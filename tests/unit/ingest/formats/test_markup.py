"""Pages become what a reader sees of them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats.markup import read_page
from secondlook.ingest.formats.reading import Wanted

PAGE = """<!DOCTYPE html><html lang=en><head><title>Oil &amp; lamp</title><style>p {color: red}</style>
<meta name="Station" content="north"><meta property="og:title" content="Oil"><meta name=empty content="">
<meta property="og:description" content="How to warm"><meta name=description content="Plain wins"></head><body>
<nav><a href=/>Home</a></nav><h1>Lamp <em>manual</em></h1><!-- not
shown --><p>Warm   it to 12&nbsp;&deg;C, if t &lt; 0.<br>Wait.</p><h2></h2><h2>Steps</h2>
<ol><li>Light <b>it</b><ul><li>slowly<li><p>with care</p></ul><li>Look</ol>
<table><caption>Grades</caption><tr><th>Grade<th>Freezes<tr><td>B<td>-20</table>
<table><tr><td>Only <i>layout</i></table><pre><code>a = 1
  b</code></pre><p>Call <code>warm()</code> <img alt="A lamp" src=x> <a href=https://example.com>here</a>.</p>
<script>alert('x')</script></body></html>"""
TEXT = """# Oil & lamp

# Lamp manual

Warm it to 12 °C, if t < 0.
Wait.

## Steps

1. Light it
  - slowly
  - with care
2. Look

Grades

| Grade | Freezes |
| --- | --- |
| B | -20 |

Only layout

```
a = 1
  b
```

Call `warm()` A lamp here."""


def text(markup: str) -> str:
    return read_page(markup.encode(), Wanted()).text


def test_a_page() -> None:
    found = read_page(PAGE.encode(), Wanted())
    assert found.text == TEXT
    assert found.title == "Oil & lamp"
    assert found.fields == {
        "title": "Oil & lamp", "station": "north", "og:title": "Oil", "og:description": "How to warm",
        "description": "Plain wins", "language": "en",
    }  # fmt: skip


def test_names_of_open_graph_stand_in() -> None:
    page = b"<head><meta property=og:image content=a.png><meta property=og:title content=T></head><p>x"
    fields = read_page(page, Wanted()).fields
    assert (fields["image"], fields["title"]) == ("a.png", "T")


def test_a_title_that_the_page_shows_is_not_said_twice() -> None:
    assert text("<title>Oil</title><h1>All about oil</h1>x") == "# All about oil\n\nx"


@pytest.mark.parametrize(
    "hidden",
    [
        "<div hidden>secret</div>",
        "<p aria-hidden=true>secret</p>",
        "<div style='display:none'><p>secret</p></div>",
        "<div style='color: red; DISPLAY : none !important'>secret</div>",
        "<span style='visibility: hidden'>secret</span>",
        "<span style='font-size:0'>secret</span>",
        "<span style='font-size: 0px;'>secret</span>",
        "<div style='height:0;overflow:hidden'>secret</div>",
        "<div style='position:absolute; left:-9999px'>secret</div>",
        "<span style='opacity:0.0'>secret</span>",
        "<div hidden><span style='display:none'><i hidden>secret</i></span></div>",
        "<template><p>secret</p></template>",
        "<noscript>secret</noscript>",
        "<script>secret</script>",
        "<style>secret</style>",
        "<!-- secret -->",
        "<nav>secret</nav>",
        "<div role=navigation>secret</div>",
        "<table><tr><td hidden>secret<td>a<td>b</table>",
        "<pre>a<b hidden>secret</b></pre>",
        "<textarea hidden>secret</textarea>",
        "<input value=secret>",
    ],
)
def test_what_no_reader_sees(hidden: str) -> None:
    found = text(f"<p>before {hidden} after")
    assert "secret" not in found
    assert "before" in found


@pytest.mark.parametrize("style", ["font-size:0.8em", "opacity:0.5", "height:0.5em", "line-height:0", "display:block"])
def test_what_readers_do_see(style: str) -> None:
    assert text(f"<p style='{style}'>seen") == "seen"


def test_deep_pages() -> None:
    started = time.process_time()
    assert text("<div>" * 20_000 + "deep" + "</div>" * 20_000) == "deep"
    assert text("<ul><li>" * 1_000 + "deep").endswith("- deep")
    assert "deep" in text("<table><tr><td>" * 200 + "deep")
    assert time.process_time() - started < 20


def test_cells_keep_words_whole_and_paragraphs_apart() -> None:
    cells = "<table><tr><td>H<sub>2</sub>O<td><p>one<p>two<br>three</td></table>after"
    assert text(cells) == "| H2O | one two three |\n| --- | --- |\n\nafter"


def test_cells_that_span_columns_and_rows() -> None:
    page = (
        "<table><thead><tr><th>Plan<th colspan=2>Region<th>Price</thead><tbody><tr><td rowspan=2>Pro<td>EU<td>North"
        "<td>10<tr><td>US<td>South<td>12<tr><td colspan=4>Old plans<tr><td>Max<td>EU<td>North<td>7</table>"
    )
    assert text(page).split("\n") == [
        "| Plan | Region | Region | Price |",
        "| --- | --- | --- | --- |",
        "| Pro | EU | North | 10 |",
        "| Pro | US | South | 12 |",
        "| Old plans |  |  |  |",
        "| Max | EU | North | 7 |",
    ]


def test_a_span_ends_with_its_group_of_rows() -> None:
    page = "<table><thead><tr><th rowspan=9>Plan<th>Price</thead><tbody><tr><td>Pro<td>10</table>"
    assert text(page) == "| Plan | Price |\n| --- | --- |\n| Pro | 10 |"


def test_spans_without_bounds() -> None:
    wide = "<table><tr><td colspan=10000>x<td rowspan=99999999>y<tr><td>z</table>"
    assert text(wide) == "| x | y |\n| --- | --- |\n| z | y |"
    table = "<table><tr>" + f"<td rowspan=65534>{'x' * 150}" * 60 + "<tr><td>y" * 60 + "</table>"
    assert len(text(table)) > 60 * 60 * 150
    with pytest.raises(FileUnreadableError, match="markdown_too_large"):
        text(table * 20)
    with pytest.raises(FileUnreadableError, match="markdown_too_large"):
        text("<table><tr>" + f"<td rowspan=65534>{'x' * 150}" * 400 + "<tr><td>y" * 400 + "</table>")


def test_the_accordion_of_questions() -> None:
    page = "<h1>Help</h1><h3><button aria-expanded=false>How do I <b>trim</b> it?</button></h3><div>Slowly.</div>"
    assert text(page) == "# Help\n\n### How do I trim it?\n\nSlowly."
    plain = "<p>Help<button aria-expanded=true aria-controls=a>How?</button><div id=a>Slowly.</div>"
    assert text(plain) == "Help\n\nHow?\n\nSlowly."


def test_what_a_site_of_documentation_adds() -> None:
    page = (
        "<h2>Install<a class=headerlink href=#install>¶</a></h2><p>Warm the ac&shy;cu to 10<sup>6</sup> K"
        "<sup><a href=#fn1>1</a></sup>, with H<sub>2</sub>O.<p class=fn>1. Kelvin <a href=#ref1>↩</a>"
    )
    assert text(page) == "## Install\n\nWarm the accu to 10^6 K[1], with H2O.\n\n1. Kelvin"


def test_code_of_highlighters() -> None:
    lines = "<span class=line>a</span><span class=line>b</span>"
    table = f"<table><tr><td class=g><pre>1\n2</pre><td><pre class=language-sh>{lines}</pre></table>"
    assert text(f"<p>Run:{table}") == "Run:\n\n```sh\na\nb\n```"


def test_fences_are_longer_than_those_inside() -> None:
    assert text("<pre>```\nx\n```</pre>") == "````\n```\nx\n```\n````"


@given(
    st.lists(
        st.sampled_from(
            "<p> </p> <ul> </ul> <li> <ol> <table> <tr> <td> </table> <pre> </pre> <h1> </h1> <div hidden> </div> <br>"
            " <code> </code> <!-- --> <script> </script> & < > \" ' word été \0".split(" ")
        ),
        max_size=40,
    ).map("".join)
)
def test_any_page_can_be_read(markup: str) -> None:
    found = text(markup)
    found.encode()
    assert "<script" not in found
    assert "\0" not in found
