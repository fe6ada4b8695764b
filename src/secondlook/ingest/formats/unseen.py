"""What of a page no reader sees, or reads: it is taken away before the page is written as text."""

import re
from collections.abc import Mapping
from itertools import islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

from secondlook.ingest.formats.inline import FEW, clean, short_text

UNSEEN = (
    "script, style, noscript, template, iframe, object, svg, canvas, dialog:not([open]), select,"
    " [hidden]:not([hidden=until-found i]), [aria-hidden=true], input, datalist, audio, video"
)
"""What no reader sees, or reads."""
AROUND = "nav, [role=navigation], [role=search], [role=banner], [role=contentinfo]"
"""What stands around the text on every page of a site."""
NONE = r"[-+]?0(?![.\d]*[1-9])"
"""A length or number that is nothing, whatever its unit; not 0.5."""
HIDING = {
    "display": r"none",
    "visibility": r"hidden|collapse",
    "clip": r"rect\((?:[01](?:px)?,?){4}\)",
    "clip-path": rf"inset\((?:[5-9]\d|100)%|circle\({NONE}",
    "text-indent": r"-\d{3,}",
    **dict.fromkeys(("left", "top", "margin-left", "margin-top"), r"-\d{4,}"),
}
"""Properties and how their values begin, without blanks and in lower case, where text is there for machines alone."""
BACK = {
    "margin-left": ("padding-left", "padding", "transform", "translate"),
    "margin-top": ("padding-top", "padding", "transform", "translate"),
    "text-indent": ("padding-left", "padding", "margin-left", "margin"),
}
"""What moves text far away, and what brings it back: a hanging indent, or a ground that fills the window."""
ACROSS = ("min-width", "padding", "padding-left", "padding-right")
DOWN = ("min-height", "padding", "padding-top", "padding-bottom")
SIZES = {
    "width": (*ACROSS, "flex", "flex-grow"),
    "height": (*DOWN, "flex", "flex-grow"),
    "max-width": ACROSS,
    "max-height": DOWN,
}
"""Lengths that show nothing where they are nothing and what overflows is cut off, and what makes room all the same."""
CUT = re.compile(r"hidden|clip|auto|scroll")
SMALL = re.compile(rf"{NONE}|none|initial|inherit|unset|revert")
"""Values of what could make room, and does not."""
NUMBER = re.compile(r"(?<![-\d.])\d{1,9}")
FAINT = {"opacity": NONE, "scale": NONE, "transform": rf"(?:.*\))?scale(?:3d|[xy])?\({NONE}"}
"""The same of what hides text for machines, but also, on many sites, whatever is to appear once it is scrolled to."""
FAINTLY = "[style*=opacity i], [style*=scale i]"
REVEALING = re.compile(r"(?:-webkit-)?(?:transition|animation)")
"""Properties of what is to appear."""
MOVED = re.compile(r"translate|matrix|perspective")
"""In a ``transform``, the same."""
REVEALED = re.compile(
    r"data-(?:aos|sal|w-id|framer|scroll|anim|reveal|wow|sr-id|inview|in-view|motion|gsap)"
    r"|=(?:.*[\s_-])?(?:wow|aos|reveal\w*|animat\w*|fade-?(?:in|up|down|left|right)\w*)(?:[\s_-]|\Z)"
)
"""Names of attributes, and classes behind an equals sign, of the libraries that make it appear."""
NO_COLOURS = frozenset("inherit initial unset revert revert-layer none".split())
"""Values that letters and ground can share without being of one colour."""
WHITE = re.compile(r"white|#f{3,8}|rgba?\(255,255,255(?:,1)?\)")
BLANKS = re.compile(r"\s+|!important")
VARIANT = re.compile(r"[\ufe0e\ufe0f]")
"""What says whether a mark is shown in colour."""
LINK_MARKS = frozenset("¶#§🔗⚓↩↑⤴^∞")
"""Whole texts of links that say no more than that one can point there, or go back."""
LABELLED = frozenset("h1 h2 h3 h4 h5 h6 summary dt".split())
"""Elements that a button may be the only label of, as in the accordion of the ARIA patterns."""
NEAR = 8
"""Levels above a button where what it labels is looked for."""


def remove_unseen(tree: LexborHTMLParser) -> None:
    """Take away what is hidden by its elements, their attributes and their own styles; style sheets are not read.

    What only has no opacity stays where a script will show it: it says so, or is most of the page's text.
    """
    unseen = {node.mem_id for node in tree.css(f"{UNSEEN}, {AROUND}")}
    shown: dict[int, bool] = {}
    judged: dict[str, tuple[bool, bool | None]] = {}
    for node in tree.css("[style]"):
        written = node.attributes.get("style") or ""
        if written not in judged:  # pages write the same few styles again and again
            judged[written] = _judge(_style_of(written))
        hides, has_size = judged[written]
        if hides:
            unseen.add(node.mem_id)
        if has_size is not None:
            shown[node.mem_id] = has_size
    unseen |= {node.mem_id for node in tree.css("a[href*='#']") if VARIANT.sub("", short_text(node)) in LINK_MARKS}
    unseen |= _mute_buttons(tree, unseen)
    if tree.body:
        unseen.discard(tree.body.mem_id)  # a page that shows nothing at all waits for a script
    for node in _outermost(tree, unseen, shown):
        node.decompose()
    _remove_faint(tree)


def _remove_faint(tree: LexborHTMLParser) -> None:
    faint = {node.mem_id for node in tree.css(FAINTLY) if _is_faint(node)}
    if not faint:
        return
    outermost = _outermost(tree, faint, {})
    size = sum(_size(node) for node in outermost)
    if not tree.body or 2 * size > _size(tree.body):
        return
    for node in outermost:
        node.decompose()


def _outermost(tree: LexborHTMLParser, unseen: set[int], shown: dict[int, bool]) -> list[LexborNode]:
    """The outermost of these nodes: what lies inside is freed with it, and must not be touched again.

    Args:
        shown: elements that set the size of their letters, and whether it is more than none: text is as its nearest.
    """
    waiting = [(tree.body, True)] if tree.body and (unseen or shown) else []
    found = []
    while waiting:
        node, seen = waiting.pop()
        seen = shown.get(node.mem_id, seen)
        if node.mem_id in unseen or (not seen and node.tag == "-text"):
            found.append(node)
        else:
            waiting.extend((child, seen) for child in node.iter(include_text=not seen))
    return found


def _style_of(written: str) -> dict[str, str]:
    """Properties and values of an element's own style, without blanks and in lower case; the last counts."""
    found = {}
    for one in BLANKS.sub("", written.lower()).split(";"):
        name, _, value = one.partition(":")
        found[name] = value
    return found


def _judge(style: dict[str, str]) -> tuple[bool, bool | None]:
    """Whether the style hides what is inside, and whether the letters' size is more than none, if it tells one."""
    has_size = not _has(style, {"font-size": NONE}) if "font-size" in style else None
    return _hides(style) or _blends_in(style), has_size


def _has(style: dict[str, str], wanted: dict[str, str]) -> bool:
    return any(_matches(one, wanted) for one in style.items())


def _matches(one: tuple[str, str], wanted: dict[str, str]) -> bool:
    name, value = one
    return name in wanted and re.match(wanted[name], value) is not None


def _hides(style: dict[str, str]) -> bool:
    if any(_matches(one, HIDING) and not _comes_back(style, *one) for one in style.items()):
        return True
    if not any(CUT.match(style.get(name, "")) for name in ("overflow", "overflow-x", "overflow-y")):
        return False
    nothing = [name for name in SIZES if name in style and re.match(NONE, style[name])]
    return any(all(SMALL.match(style.get(other, "none")) for other in SIZES[name]) for name in nothing)


def _comes_back(style: dict[str, str], name: str, value: str) -> bool:
    """Whether another property moves the text back by as much as this one moves it away."""
    far = max(map(int, re.findall(r"\d{1,9}", value)), default=0)
    near = (int(one) for other in BACK.get(name, ()) for one in NUMBER.findall(style.get(other, "")))
    return name in BACK and any(one >= far for one in near)


def _blends_in(style: dict[str, str]) -> bool:
    """Whether letters and ground are of one colour."""
    ground = style.get("background-color") or style.get("background") or "none"
    return ground not in NO_COLOURS and WHITE.sub("white", style.get("color", "")) == WHITE.sub("white", ground)


def _is_faint(node: LexborNode) -> bool:
    """Whether the element shows nothing of itself, and does not say that a script will show it."""
    attributes = node.attributes
    style = _style_of(attributes.get("style") or "")
    return _has(style, FAINT) and not _is_revealed(style, attributes)


def _is_revealed(style: Mapping[str, str], attributes: Mapping[str, str | None]) -> bool:
    if any(REVEALING.match(name) and value != "none" for name, value in style.items()):
        return True
    said = [*attributes, "=" + (attributes.get("class") or "").lower()]
    return bool(MOVED.match(style.get("transform", ""))) or any(REVEALED.match(one) for one in said)


def _mute_buttons(tree: LexborHTMLParser, unseen: set[int]) -> set[int]:
    """The buttons that do something, and are not the only label of a heading, a summary or a section below."""
    buttons = tree.css("button")
    ids = {one.attributes.get("id"): one for one in tree.css("[id]")} if buttons else {}
    return {one.mem_id for one in buttons if not _is_label(one) and not _opens_section(one, ids, unseen)}


def _is_label(button: LexborNode) -> bool:
    node = button.parent
    for _ in range(NEAR):
        if node is None:
            return False
        if node.tag in LABELLED or node.attributes.get("role") == "heading":
            return not _says_more(node)
        node = node.parent
    return False


def _says_more(label: LexborNode) -> bool:
    """Whether there is text besides that of buttons; taken to be so where there is much inside."""
    waiting, looked = [label], 0
    while waiting:
        node = waiting.pop()
        looked += 1
        if looked > FEW or (node.tag == "-text" and clean(node.text_content or "").strip()):
            return True
        if node.tag not in ("button", "svg"):
            waiting.extend(islice(node.iter(include_text=True), FEW))
    return False


def _opens_section(button: LexborNode, ids: dict[str | None, LexborNode], unseen: set[int]) -> bool:
    """Whether the button opens something that is text of the page and seen, such as an answer below its question."""
    attributes = button.attributes
    if "aria-expanded" not in attributes or attributes.get("aria-haspopup", "false") != "false":
        return False
    section = ids.get(attributes.get("aria-controls")) or _next_element(button)
    return section is not None and section.mem_id not in unseen and section.tag not in ("ul", "ol", "form", "button")


def _next_element(node: LexborNode) -> LexborNode | None:
    found = node.next
    for _ in range(FEW):
        if found is None or not (found.tag or "-").startswith(("-", "_", "!")):
            return found
        found = found.next
    return None


def _size(node: LexborNode) -> int:
    return len("".join(node.text().split()))
