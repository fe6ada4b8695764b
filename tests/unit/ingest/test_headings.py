"""The headings above a place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.ingest.headings import Outline

TEXT = """Preface.

# Öl

Warm it.

## Grades ##

```
# no heading
```

B stays liquid.

### Winter

C freezes.

## Storage

Cool.

# Fog

Two blasts.
"""


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("Preface", ()),
        ("# Öl", ()),
        ("Warm", ("Öl",)),
        ("## Grades", ("Öl",)),
        ("# no heading", ("Öl", "Grades")),
        ("B stays", ("Öl", "Grades")),
        ("C freezes", ("Öl", "Grades", "Winter")),
        ("## Storage", ("Öl",)),
        ("Cool", ("Öl", "Storage")),
        ("Two blasts", ("Fog",)),
    ],
)
def test_paths(words: str, path: tuple[str, ...]) -> None:
    assert Outline(TEXT).path_at(TEXT.encode().index(words.encode())) == path


def test_fences_close_with_their_own_mark_alone() -> None:
    text = "# A\n~~~\n```\n# no\n~~~ x\n# no\n~~~~\n# B\nend"
    assert Outline(text).path_at(text.index("# B") + 5) == ("B",)
    assert Outline("#no\n#\n# \nend").path_at(9) == ()


@given(st.lists(st.sampled_from(["# a", "## b", "### c", "text", "```", "\r", ""]), max_size=30).map("\n".join))
def test_every_place_has_a_path_of_headings_before_it(text: str) -> None:
    outline = Outline(text)
    for at in range(len(text)):
        assert all(f"# {one}" in text[:at] for one in outline.path_at(at))
