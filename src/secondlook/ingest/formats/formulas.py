"""Formulas of Office (OMML) as a line of text: ``(a+b)/2``, ``x^2``, ``√(y)``."""

from collections.abc import Callable, Mapping
from xml.etree.ElementTree import Element

from secondlook.ingest.formats.package import attribute, bare, is_on, named

Parts = Mapping[str, list[str]]
"""What the children of a formula become, by their names (ECMA-376, part 1, 22.1.2)."""


def linear(formula: Element) -> str:
    """The formula's text in the order in which it is read; its depth was checked with that of the document."""
    name = bare(formula)
    if name == "t":
        return formula.text or ""
    if name.endswith("Pr") or (name == "r" and any(is_on(one) for one in named(formula, "vanish"))):
        return ""
    whole: list[str] = []
    parts: dict[str, list[str]] = {}
    for child in formula:
        text = linear(child)
        whole.append(text)
        parts.setdefault(bare(child), []).append(text)
    shape = SHAPES.get(name)
    return shape(parts, formula) if shape else "".join(whole)


def _of(parts: Parts, name: str, mark: str = "", *, grouped: bool = True) -> str:
    """That child behind a mark, in brackets if it is more than a word; nothing if it is empty."""
    text = "".join(parts.get(name, ())).strip()
    if not text:
        return ""
    return mark + (text if not grouped or text.isalnum() else f"({text})")


def _says(formula: Element, name: str, default: str) -> str:
    """The value of a property that stands at the formula itself."""
    for properties in formula:
        if bare(properties).endswith("Pr"):
            for one in properties:
                if bare(one) == name:
                    return attribute(one, "val")
    return default


def _write_scripts(parts: Parts, _formula: Element) -> str:
    return _of(parts, "e") + _of(parts, "sub", "_") + _of(parts, "sup", "^") + _of(parts, "lim", "_")


def _write_sum(parts: Parts, formula: Element) -> str:
    limits = _of(parts, "sub", "_") + _of(parts, "sup", "^")
    return _says(formula, "chr", "∫") + limits + _of(parts, "e", " ", grouped=False)


def _write_brackets(parts: Parts, formula: Element) -> str:
    inner = _says(formula, "sepChr", "|").join(parts.get("e", ()))
    return _says(formula, "begChr", "(") + inner + _says(formula, "endChr", ")")


SHAPES: Mapping[str, Callable[[Parts, Element], str]] = {
    "f": lambda parts, _: _of(parts, "num") + _of(parts, "den", "/"),
    "rad": lambda parts, _: _of(parts, "deg") + "√(" + _of(parts, "e", grouped=False) + ")",
    "func": lambda parts, _: _of(parts, "fName", grouped=False) + _of(parts, "e", " ", grouped=False),
    "mr": lambda parts, _: ", ".join(parts.get("e", ())),
    "m": lambda parts, _: "[" + "; ".join(parts.get("mr", ())) + "]",
    "eqArr": lambda parts, _: "; ".join(parts.get("e", ())),
    **dict.fromkeys(("sSup", "sSub", "sSubSup", "sPre", "limLow", "limUpp"), _write_scripts),
    "nary": _write_sum,
    "d": _write_brackets,
}
"""How the children of each kind of formula are put together; of all others they follow each other."""
