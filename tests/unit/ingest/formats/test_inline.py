"""Text within a line: characters without width, raised figures, marks of notes."""

import time

import pytest
from selectolax.lexbor import LexborHTMLParser

from secondlook.ingest.formats.inline import clean, plain, short_text


def line(markup: str) -> str:
    return plain(LexborHTMLParser(f"<div>{markup}</div>").css_first("div"))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Donau\u00addampf\u200bschiff", "Donaudampfschiff"),
        ("a\u2060b\ufeffc", "abc"),
        ("see\U000e0041\U000e0042n", "seen"),
        ("one \u00a0\n two", "one two"),
        ("สวัสดี\u200bชาวโลก", "สวัสดี\u200bชาวโลก"),
        ("می\u200cخواهم 👩\u200d💻", "می\u200cخواهم 👩\u200d💻"),
    ],
)
def test_what_nobody_sees(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("10<sup>6</sup> users", "10^6 users"),
        ("<b>10</b><sup> \u22123 </sup>", "10^-3"),
        ("5 m<sup>2</sup>, cm<sup>3</sup>", "5 m^2, cm^3"),
        ("(a + b)<sup>2</sup> = x<sup>n+1</sup>", "(a + b)^2 = x^n+1"),
        ("H<sub>2</sub>O, Ca<sup>2+</sup>", "H2O, Ca2+"),
        ("1<sup>st</sup>, 2<sup>nd</sup>, 1<sup>e</sup>, M<sup>me</sup>", "1st, 2nd, 1e, Mme"),
        ("Lamp<sup>TM</sup> and Oil<sup>®</sup>", "LampTM and Oil®"),
        ("$19<sup>99</sup>", "$19.99"),
        ("lamp<sup><a href='#fn1'>1</a></sup> oil<a href='#n' class=fn><sup>2</sup></a>", "lamp[1] oil[2]"),
        ("10<sup class=reference><a href='#cite'>[3]</a></sup>", "10[3]"),
        ("a<sup role=doc-noteref>*</sup>", "a[*]"),
        ("revenue<sup>1</sup>, it rose.<sup>2</sup>", "revenue[1], it rose.[2]"),
        ("<sup>2</sup>", "2"),
        ("x<sup>n + 1</sup>, oil <sup>see it</sup>", "x^n+1, oil see it"),
        ("oil<sup class=reference><a href=#c><i>[</i>1<i>]</i></a></sup>", "oil[1]"),
        ("oil<sup>[<i><a href=/wiki/c>citation needed</a></i>]</sup>", "oil[citation needed]"),
        ("x<sup></sup>y", "xy"),
        ("a <sup>text that is long enough</sup> b", "a text that is long enough b"),
        ("a<sup><sup>1</sup></sup>", "a^1"),
        ("one<p>two</p>three<br>four", "one two three four"),
        ("<img alt=' a\nlamp'>", "a lamp"),
    ],
)
def test_raised_text(markup: str, text: str) -> None:
    assert line(markup) == text


def test_short_pieces_alone_are_looked_at() -> None:
    node = LexborHTMLParser("<div> a <b>\u200bb</b></div>").css_first("div")
    assert node
    assert short_text(node) == "a b"
    deep = LexborHTMLParser("<div>" + "<b>" * 100 + "a").css_first("div")
    assert deep
    assert short_text(deep) == ""


@pytest.mark.parametrize("piece", ["<sup>", "<sup>1", "<sup></sup>", "1<sup>2</sup>", "<div><sup>1</sup>"])
def test_linear_time(piece: str) -> None:
    started = time.process_time()
    line(piece * 10_000)
    assert time.process_time() - started < 5
