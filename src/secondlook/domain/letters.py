"""Letters as they are typed: ligatures spelled out, and without characters that nobody sees."""

import re
import unicodedata
from itertools import chain

RANGES = (
    (0x0132, 0x0133), (0x0149, 0x0149), (0x017F, 0x017F), (0x01C4, 0x01CC), (0x01F1, 0x01F3),
    (0xFB00, 0xFB06), (0xFB13, 0xFB17), (0xFB1D, 0xFB4F), (0xFB50, 0xFDF9), (0xFE70, 0xFEFC),
)  # fmt: skip
"""Ligatures and shapes of letters, of Latin, Armenian, Hebrew and Arabic; not superscripts, fractions or wide letters,
which say more than the letters do."""
SPELLED = {
    letter: spelled
    for letter in map(chr, chain.from_iterable(range(first, last + 1) for first, last in RANGES))
    if (spelled := unicodedata.normalize("NFKC", letter)) != letter
}
SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Thai, Lao, Burmese and Khmer, where a space without width parts words."""
HIDDEN = "\u00ad\u034f\u061c\u180e\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f"
ODD = re.compile(f"[{HIDDEN}{''.join(SPELLED)}]|(?<![{SPACELESS}])\u200b|(?<![^\\0-\u024f])[\u200c\u200d]")
"""The second is a space without width; the third joins or parts letters, which means something beyond Latin alone."""


def as_typed(text: str) -> str:
    """The text with ligatures and shapes of letters spelled out, without soft hyphens and marks of no width.

    Source:
        The Unicode Standard, 23.2 and 23.3 (controls of layout), and its compatibility decompositions.
    """
    return text if text.isascii() else ODD.sub(lambda found: SPELLED.get(found.group(), ""), text)
