"""Which character separates the values of a file of rows, decided over many of its lines and outside of quotes."""

import contextlib
import csv
import io
import re
from collections import Counter

SEPARATORS = "\t;|,"
"""Those that are known, by how seldom they stand in values: where two split alike, the first is meant."""
SAMPLE = 1 << 16
"""Characters that are looked at; some hundred rows."""
TOLD = re.compile(r'"?sep=(.)"?[ \t]*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
"""The first line by which files tell Excel of their separator."""


def find_separator(text: str) -> tuple[str, str]:
    """The separator, and the rows without the line that tells of it.

    It is the one by which most lines have the same number of values, more than one; a comma if there is none.
    """
    if told := TOLD.match(text):
        return told.group(1), text[told.end() :]
    sample = text[:SAMPLE]
    if len(text) > SAMPLE:
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    for strict in (True, False):
        found = {mark: _agreement(sample, mark, strict=strict) for mark in SEPARATORS}
        best = max(SEPARATORS, key=found.__getitem__)
        if found[best][0]:
            return best, text
    return ",", text


def _agreement(sample: str, mark: str, *, strict: bool) -> tuple[int, int]:
    """How many lines have the number of values that most have, and that number if there is one row alone.

    Args:
        strict: whether to end where a quote is out of place, as it soon is for a separator that is not the file's.
    """
    lines: Counter[int] = Counter()
    rows = last = 0
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=mark, strict=strict)
    with contextlib.suppress(csv.Error):
        for row in reader:
            lines[len(row)] += reader.line_num - last
            last = reader.line_num
            rows += any(cell.strip() for cell in row)
    most, width = max(((count, width) for width, count in lines.items() if width > 1), default=(0, 0))
    return most, width if rows < 2 else 0
