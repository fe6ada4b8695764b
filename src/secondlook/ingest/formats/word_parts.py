"""Parts of a document of Word, made ready for mammoth: hidden text taken out, fields and formulas as text."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from secondlook.ingest.formats.formulas import linear
from secondlook.ingest.formats.package import attribute, bare, is_on

TELLING = (b"vanish", b"fldSimple", b"oMath")
"""Without these words there is nothing to make ready, unless a style hides text."""
KEPT = ("rPr", "fldChar", "instrText")
"""What stays of a hidden run: where fields begin and end."""


def hidden_styles(root: Element) -> set[str]:
    """The ids of styles whose text is hidden, by their own properties or those of the style they are based on."""
    own: dict[str, bool | None] = {}
    bases: dict[str, str] = {}
    for style in root:
        name = attribute(style, "styleId")
        own[name] = _hides(style)
        bases[name] = _value(style, "basedOn")
    hidden = set()
    for name in own:
        at, passed = name, {name}
        while own[at] is None and bases[at] in own and bases[at] not in passed:
            at = bases[at]
            passed.add(at)
        if own[at]:
            hidden.add(name)
    return hidden


def make_ready(content: bytes, hidden: set[str]) -> bytes:
    """The part with what mammoth would pass over, and without what readers do not see.

    Args:
        hidden: ids of the styles whose text is hidden.
    """
    if not hidden and not any(one in content for one in TELLING):
        return content
    root = ElementTree.fromstring(content)
    space = str(root.tag).rpartition("}")[0] + "}"
    waiting = [(root, False)]
    while waiting:
        element, veiled = waiting.pop()
        for at, child in enumerate(element):
            name = bare(child)
            if name == "oMath":
                element[at] = _run(space, linear(child))
                continue
            if name in ("fldSimple", "oMathPara"):  # mammoth reads what is inside the elements of that name
                child.tag = f"{space}smartTag"
            below = _child_value(child, "pPr", "pStyle") in hidden if name == "p" else veiled
            if name == "r" and _is_hidden(child, veiled, hidden):
                child[:] = [one for one in child if bare(one) in KEPT]
            waiting.append((child, below))
    return ElementTree.tostring(root)


def _is_hidden(run: Element, veiled: bool, hidden: set[str]) -> bool:
    """By its own word, else its style's, else its paragraph's."""
    own = _hides(run)
    return own if own is not None else veiled or _child_value(run, "rPr", "rStyle") in hidden


def _hides(element: Element) -> bool | None:
    """What the element's own properties say of hidden text; None if nothing."""
    for properties in element:
        if bare(properties) == "rPr":
            for one in properties:
                if bare(one) == "vanish":
                    return is_on(one)
    return None


def _child_value(element: Element, properties: str, name: str) -> str:
    return next((_value(one, name) for one in element if bare(one) == properties), "")


def _value(element: Element, name: str) -> str:
    return next((attribute(one, "val") for one in element if bare(one) == name), "")


def _run(space: str, text: str) -> Element:
    run = Element(f"{space}r")
    ElementTree.SubElement(run, f"{space}t").text = text
    return run
