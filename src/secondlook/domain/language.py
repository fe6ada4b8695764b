"""Which language a query is in, or ``unknown``: a table of scripts and of small words, no model."""

import re
import unicodedata
from collections.abc import Mapping

UNKNOWN = "unknown"
NAMES: Mapping[str, str] = {
    "ar": "Arabic", "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese",
    "ru": "Russian", "uk": "Ukrainian", "zh": "Chinese",
}  # fmt: skip

SCRIPTS: Mapping[str, str] = {
    "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "GREEK": "el", "CJK": "zh", "CYRILLIC": "ru", "ARABIC": "ar",
    "DEVANAGARI": "hi", "LATIN": "latin",
}  # fmt: skip
"""First word of a letter's Unicode name -> the language it is a sign of."""

SIGNS: Mapping[str, frozenset[str]] = {
    "zh": frozenset("的了是在吗怎么什这那为哪么嗎麼這為個"),
    "ru": frozenset("ыэёъ"),
    "uk": frozenset("іїєґ"),
}
"""Letters without which a script that several languages share is not taken for one of them."""
OTHERS: Mapping[str, frozenset[str]] = {"ar": frozenset("پچژگٹڈڑےہ"), "ru": frozenset("іїєґўјљњћџ")}
"""Letters that the language of the script does not have."""

WORDS: Mapping[str, frozenset[str]] = {
    code: frozenset(words.split())
    for code, words in {
        "en": "the and of to is are was what how do does did can why when where which who for with from on that this"
        " my your it i if not should",
        "de": "der die das und ist sind ein eine einen wie was warum wann wo wer ich du sie nicht mit für auf von zu im"
        " den dem des beim kann wird man welche muss bei",
        "fr": "le la les un une des et est sont que qui quoi comment pourquoi quand où je tu il elle nous vous ne pas"
        " dans pour avec sur du au aux ce cette faire peut",
        "es": "el la los las un una y es son que qué cómo como por para con cuando cuándo dónde quién en del al se no"
        " mi su está puedo hacer cuál",
        "it": "il lo la gli le un una e è sono che come perché quando dove chi di del della dei con per non si nel"
        " nella mio cosa fare posso quale",
        "pt": "o a os as um uma e é são que como por para com quando onde quem em do da dos das no na não se meu posso"
        " fazer qual está",
        "nl": "de het een en is zijn wat hoe waarom wanneer waar wie ik je niet met voor op van te in dat deze kan moet"
        " bij er welke",
        "pl": "i w na z do nie się jest są co jak dlaczego kiedy gdzie kto czy że to ten dla przez mój można który",
        "ru": "и в на с не что как почему когда где кто это для по от до из ли мой можно какой если при",
        "uk": "і в на з не що як чому коли де хто це для по від до чи мій можна який якщо при",
        "ar": "في من على إلى ما كيف لماذا متى أين هل هذا هذه التي الذي عن مع لا أن",
        "hi": "के में की का है हैं से को पर क्या कैसे क्यों कब कहाँ और नहीं यह",
    }.items()
}
LETTERS: Mapping[str, str] = {"ß": "de", "ñ": "es", "¿": "es", "¡": "es", "ã": "pt", "õ": "pt", "œ": "fr", "ł": "pl"}
"""Letters that count as a small word of their language."""
LATIN = ("en", "de", "fr", "es", "it", "pt", "nl", "pl")
LEAST = 2
"""Small words of which a language must have at least so many, and more than any other."""
SHARE = 0.2
"""Of all words, at least."""


def detect_language(text: str) -> str:
    """ISO 639-1 code, or ``unknown`` when the text gives no clear sign.

    A script of one language decides by itself. Of scripts that several languages write,
    letters or small words that only one of them has must be there. A text in Latin
    letters needs two small words of one language, more than of any other.
    """
    plain = unicodedata.normalize("NFC", text).lower()
    counts = _count_scripts(plain)
    if not counts:
        return UNKNOWN
    script = max(counts, key=lambda name: counts[name])
    if script == "zh" and counts.get("ja"):
        script = "ja"
    if script in ("ja", "ko", "el"):
        return script
    return _by_words(plain, LATIN) if script == "latin" else _by_signs(plain, script)


def _by_signs(text: str, script: str) -> str:
    letters = set(text)
    if script == "ru" and letters & SIGNS["uk"]:
        return _by_words(text, ("uk",))
    if letters & OTHERS.get(script, frozenset()):
        return UNKNOWN
    if letters & SIGNS.get(script, frozenset()):
        return script
    return _by_words(text, (script,)) if script in WORDS else UNKNOWN


def _count_scripts(text: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for letter in text:
        if letter.isalpha():
            name = SCRIPTS.get(unicodedata.name(letter, "").split(" ")[0], "other")
            counts[name] = counts.get(name, 0) + 1
    return counts


def _by_words(text: str, codes: tuple[str, ...]) -> str:
    words = re.findall(r"[^\W\d_]+(?:[\u0900-\u097f]+)?", text)
    least = LEAST if len(codes) > 1 else 1
    hits = {code: sum(word in WORDS[code] for word in words) for code in codes}
    for letter, code in LETTERS.items():
        if code in hits and letter in text:
            hits[code] += 1
    best, *others = sorted(codes, key=lambda code: -hits[code])
    clear = hits[best] > max((hits[code] for code in others), default=0)
    return best if clear and hits[best] >= max(least, SHARE * len(words)) else UNKNOWN
