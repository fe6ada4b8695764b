"""What of a page is no text of it: hidden by its own style, or a mark or button; and what only waits to be shown."""

import time

import pytest
from selectolax.lexbor import LexborHTMLParser

from secondlook.ingest.formats.unseen import remove_unseen


def left(markup: str) -> str:
    """The words of the page that stay."""
    tree = LexborHTMLParser(markup)
    remove_unseen(tree)
    return " ".join(tree.body.text(separator=" ").split()) if tree.body else ""


@pytest.mark.parametrize(
    "style",
    [
        "clip: rect(0, 0, 0, 0); position: absolute",
        "clip:rect(0 0 0 0)",
        "position:absolute;clip:rect(1px,1px,1px,1px)",
        "clip-path: inset(50%)",
        "clip-path:inset(100% 0 0 0)",
        "clip-path:circle(0)",
        "transform: scale(0)",
        "transform: rotate(3deg) scale(0, 0)",
        "transform:scaleY(0)",
        "scale: 0",
        "font-size:0px",
        "opacity:0",
        "opacity:0%",
        "opacity:1;opacity:0",
        "opacity:0;transition:none",
        "margin-left:-9999px",
        "margin-left:-9999px;padding-left:20px",
        "position:absolute;left:-9999px;padding-left:9999px",
        "text-indent:-9999px",
        "text-indent:-9999px;padding:0 20px",
        "width:0;height:0;overflow:hidden",
        "max-height:0;overflow-y:hidden",
        "flex:none;width:0;overflow:hidden",
        "flex:0 0 auto;width:0;overflow:auto",
        "min-width:0;width:0;overflow:hidden",
        "color:transparent;background:transparent",
        "color:#fff;background:#FFFFFF",
        "color:white;background-color:#fff",
        "background:rgb(255, 255, 255);color:White !important",
        "color:#123456;background-color:#123456",
    ],
)
def test_hidden_by_its_own_style(style: str) -> None:
    assert left(f"<p>Warm it slowly.<span style='{style}'>secret</span>") == "Warm it slowly."


@pytest.mark.parametrize(
    "style",
    [
        "clip:rect(0,100px,100px,0)",
        "clip-path:inset(5%)",
        "clip-path:circle(50%)",
        "transform:scale(0.8)",
        "transform:scale(1) rotate(0)",
        "scale:0.5",
        "opacity:0;opacity:1",
        "opacity:.0001",
        "color:#fff;background:#000",
        "color:white",
        "background:white",
        "color:#fff;background:#fff url(a.png)",
        "min-height:0",
        "margin-left:-10px",
        "color:inherit;background-color:inherit",
        "color:unset;background:unset",
        "color:initial;background:Initial",
        "color:revert;background:revert",
        "margin-left:-9999px;padding-left:9999px",
        "margin:0 -9999px;margin-left:-9999px;padding:0 9999px",
        "margin-top:-1000px;padding-top:1100px",
        "margin-left:-1000px;transform:translateX(1000px)",
        "padding-left:120px;text-indent:-120px",
        "width:0",
        "height:0",
        "flex:1;width:0",
        "flex:1;width:0;overflow:hidden",
        "flex-grow:1;min-width:0;width:0;overflow:hidden",
        "flex:0 0 50%;width:0;overflow:hidden",
        "width:0;min-width:100%;overflow:hidden",
        "height:0;overflow:visible",
        "height:0;padding-bottom:56.25%;overflow:hidden",
        "fill-opacity:0",
    ],
)
def test_not_hidden(style: str) -> None:
    assert left(f"<p>Warm it slowly.<span style='{style}'>seen</span>") == "Warm it slowly. seen"


@pytest.mark.parametrize(
    "attributes",
    [
        "style='opacity:0;transition:opacity .3s ease'",
        "style='opacity:0; -webkit-animation: in 1s'",
        "style='transform:scale(0);transition-property:transform'",
        "style='opacity:0;transform:translateY(20px)'",
        "style='opacity:0' data-aos=fade-up",
        "style='opacity:0' data-w-id=7",
        "style='opacity:0' data-framer-appear-id=x",
        "style='opacity:0' class='card wow slideIn'",
        "style='opacity:0' class='js-reveal'",
        "style='opacity:0' class='fade-in-up'",
    ],
)
def test_what_a_script_will_show_stays(attributes: str) -> None:
    assert left(f"<p>Warm it slowly.<div {attributes}>shown</div>") == "Warm it slowly. shown"


@pytest.mark.parametrize("attributes", ["class='modal fade'", "class=animal", "data-id=aos", "class=scrolled"])
def test_other_attributes_show_nothing(attributes: str) -> None:
    assert left(f"<p>Warm it slowly.<div style='opacity:0' {attributes}>secret</div>") == "Warm it slowly."


def test_most_of_a_page_is_not_taken_away_for_want_of_opacity() -> None:
    page = "<p>Oil</p><div style='opacity:0'>A lamp that warms <b style='opacity:0'>itself</b></div>"
    assert left(page) == "Oil A lamp that warms itself"
    assert left(page + "<p>and much more that everybody sees</p>") == "Oil and much more that everybody sees"
    assert left("<body style='opacity:0'><p>A lamp") == "A lamp"


@pytest.mark.parametrize("attributes", ["hidden", "aria-hidden=true", "style='visibility:hidden'"])
def test_a_whole_body_is_hidden_for_a_moment_alone(attributes: str) -> None:
    assert left(f"<body {attributes}><p>A lamp<p hidden>secret") == "A lamp"


@pytest.mark.parametrize(("value", "words"), [("until-found", "A lamp"), ("Until-Found", "A lamp"), ("hidden", "A")])
def test_what_a_search_in_the_page_would_show(value: str, words: str) -> None:
    assert left(f"<p>A<div hidden={value}>lamp</div>") == words


def test_letters_without_size_around_letters_with_one() -> None:
    page = "<p style='font-size:0'>secret<b style='font-size:14px'>seen<i>too<u style='font-size:0'>secret"
    assert left(page) == "seen too"


@pytest.mark.parametrize("mark", ["¶", "#", " § ", "🔗", "↩︎", "<span>\u200b#</span>"])
def test_links_that_are_a_mark_alone(mark: str) -> None:
    assert left(f"<h2>Install<a class=headerlink href=#install>{mark}</a></h2>") == "Install"


def test_other_links_stay() -> None:
    assert left("<a href=#a>#1</a> <a href=/x>#</a> <a href=#b>Oil</a>") == "#1 # Oil"


QUESTION = "<button aria-expanded=false aria-controls=a1>How?</button>"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<h3><button aria-expanded=false>How?</button></h3><div>So.</div>", "How? So."),
        ("<h3><button><span>How?</span><svg></svg></button></h3>So.", "How? So."),
        ("<div role=heading><span><button>How?</button></span></div>So.", "How? So."),
        ("<details><summary><button>How?</button></summary>So.</details>", "How? So."),
        ("<dl><dt><button>How?</button><dd>So.</dl>", "How? So."),
        (f"{QUESTION}<div id=a1>So.</div>", "How? So."),
        (f"<div>{QUESTION}<i></i></div><div id=a1>So.</div>", "How? So."),
        ("<button aria-expanded=true>How?</button>\n<div>So.</div>", "How? So."),
        ("<h3>Install <button>Copy</button></h3>So.", "Install So."),
        ("<p>So.<button>Buy now</button>", "So."),
        (f"{QUESTION}<nav id=a1>Home</nav>So.", "So."),
        (f"{QUESTION}<div hidden id=a1>secret</div>So.", "So."),
        (f"{QUESTION}<ul id=a1><li>Home</ul>So.", "Home So."),
        ("<button aria-expanded=false aria-haspopup=menu>Menu</button><div>So.</div>", "So."),
        ("<button aria-expanded=false>Menu</button>", ""),
    ],
)
def test_buttons_that_label_something_stay(page: str, words: str) -> None:
    assert left(page) == words


@pytest.mark.parametrize(
    "piece",
    [
        "<div style='opacity:0'>", "<div style='font-size:0'>", "<h3><button>", "<button aria-expanded>",
        "<a href=#><object>", "<p style='transform:transform:'>", "<dt>a", "<button><object>",
    ],
)  # fmt: skip
def test_linear_time(piece: str) -> None:
    started = time.process_time()
    left(piece * 10_000)
    left(f"<p style='{'transform:scale(' * 40_000}'>" + f"<p class='{'reveal-' * 40_000}' style='opacity:0'>")
    assert time.process_time() - started < 8
