"""What a thing is read as, when its name does not say."""

import pytest

from secondlook.ingest.naming import typed_name


@pytest.mark.parametrize(
    ("key", "content_type", "name"),
    [
        ("a.md", "text/html", "a.md"),
        ("README", "text/markdown; charset=utf-8", "README.md"),
        ("README", "application/octet-stream", "README"),
        ("https://x.example/page.php?id=1", "text/html", "https://x.example/page.php?id=1.html"),
        ("https://x.example/", "TEXT/HTML", "https://x.example/.html"),
        ("https://x.example/a.pdf", "application/pdf", "https://x.example/a.pdf.pdf"),
        (".env", "text/plain", ".env"),
        ("release-1.2", "text/markdown", "release-1.2.md"),
        ("notes/v2.0 (draft)", "text/plain; charset=utf-8", "notes/v2.0 (draft).txt"),
        ("notes.old/README", "text/markdown", "notes.old/README.md"),
        ("release-1.2", "application/octet-stream", "release-1.2"),
        ("a.doc", "application/msword", "a.doc"),
        ("a.doc", "text/plain", "a.doc"),
    ],
)
def test_the_extension_that_a_media_type_stands_for(key: str, content_type: str, name: str) -> None:
    assert typed_name(key, content_type) == name
