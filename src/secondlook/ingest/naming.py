"""By which extension a file is read, where its name has none or is an address."""

from secondlook.ingest.kinds import LEGACY, file_type, kind_of

EXTENSIONS = {
    "text/html": ".html", "application/xhtml+xml": ".html", "text/plain": ".txt", "text/markdown": ".md",
    "text/x-markdown": ".md", "text/csv": ".csv", "text/css": ".css", "text/javascript": ".js",
    "application/javascript": ".js", "application/json": ".json", "application/ld+json": ".json",
    "text/xml": ".xml", "application/xml": ".xml", "application/rss+xml": ".xml", "application/atom+xml": ".xml",
    "application/yaml": ".yaml", "text/yaml": ".yaml", "application/toml": ".toml", "application/sql": ".sql",
    "application/x-sh": ".sh", "application/pdf": ".pdf", "image/jpeg": ".jpeg", "image/png": ".png",
    "image/webp": ".webp", "image/svg+xml": ".svg", "image/gif": ".gif", "image/bmp": ".bmp",
    "application/msword": ".doc", "application/rtf": ".rtf", "application/vnd.ms-powerpoint": ".ppt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods", "application/vnd.apple.numbers": ".numbers",
}  # fmt: skip
"""Media type -> the extension of files that are read the same way."""


def typed_name(key: str, content_type: str) -> str:
    """The key, with the extension of its media type where its own is not known; an address always gets that one.

    ``/page.php?id=1`` is what the server says it is, and not a file of PHP; ``release-1.2`` is no file of type ``.2``.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    is_address = key.startswith(("http://", "https://"))
    is_known = kind_of(key) is not None or file_type(key) in LEGACY
    if is_known and not is_address:
        return key
    extension = EXTENSIONS.get(media_type, "")
    return f"{key}{extension}" if extension else key
