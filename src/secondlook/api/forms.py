"""Multipart forms whose file names are told in any of the ways that clients have."""

import re
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from email import message_from_string
from email.policy import HTTP
from typing import Any

from fastapi import HTTPException, Request
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser

PLAIN_NAME = re.compile(r';\s*filename\s*=\s*(?:"(?:\\.|[^"\\])*"|[^;]*)', re.IGNORECASE)
SPELLED = re.compile(rb"\bfilename\*|=\?", re.IGNORECASE)
"""How a name begins that is spelled by RFC 8187 or 2231 (``filename*``), or by RFC 2047 (``=?``)."""


@asynccontextmanager
async def read_form(request: Request, **limits: Any) -> AsyncIterator[FormData]:
    """The fields and files of a multipart form, closed at the end; ``limits`` are those of ``Request.form``.

    Raises:
        HTTPException: it is no such form.
    """
    try:
        async with aclosing(request.stream()) as content:
            form = await _Parser(request.headers, content, **limits).parse()
    except MultiPartException as error:
        raise HTTPException(400, error.message) from error
    try:
        yield form
    finally:
        await form.close()


def plain_disposition(raw: bytes) -> bytes:
    """The header of a part with its file name as it is, in UTF-8; ``filename*`` goes before ``filename``.

    Source:
        RFC 7578, 4.2, which forbids ``filename*``, and RFC 6266, 4.3, by which many clients send it all the same.
    """
    if not SPELLED.search(raw):
        return raw
    text = raw.decode(errors="replace")
    if "filename*" in text.lower():
        text = PLAIN_NAME.sub("", text)
    message = message_from_string(f"Content-Disposition: {' '.join(text.split())}\n\n", policy=HTTP)
    field, name = message.get_param("name", header="content-disposition"), message.get_filename()
    if not isinstance(field, str) or not name:
        return raw
    return f'form-data; name="{_quoted(field)}"; filename="{_quoted(name)}"'.encode(errors="replace")


def _quoted(text: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", text)


class _Parser(MultiPartParser):
    def on_headers_finished(self) -> None:
        self._current_part.content_disposition = plain_disposition(self._current_part.content_disposition or b"")
        super().on_headers_finished()
