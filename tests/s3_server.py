"""A server of the S3 protocol in its own process."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import httpx

PATIENCE = 60.0
CREDENTIAL = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"


@dataclass
class S3Server:
    """Where it listens, and how to fill it."""

    url: str
    client: httpx.Client

    def call(self, method: str, path: str, content: bytes = b"", **headers: str) -> httpx.Response:
        """One request that must go well."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.request(
            method, f"{self.url}/{quote(path)}", content=content, headers={"Authorization": CREDENTIAL, **named}
        )
        answer.raise_for_status()
        return answer

    def make_bucket(self, name: str) -> None:
        """An empty bucket."""
        self.call("PUT", name)

    def put(self, bucket: str, key: str, content: bytes, kind: str = "", **meta: str) -> None:
        """An object; ``meta`` becomes ``x-amz-meta-*``."""
        told: Mapping[str, str] = {f"x-amz-meta-{name}": value for name, value in meta.items()}
        self.call("PUT", f"{bucket}/{key}", content, **{"content-type": kind or "binary/octet-stream", **told})

    def delete(self, bucket: str, key: str) -> None:
        """No object any more."""
        self.call("DELETE", f"{bucket}/{key}")


@contextmanager
def serve_s3() -> Iterator[S3Server]:
    """A server that lives as long as the block."""
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        seen: list[str] = []
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and process.poll() is None and process.stdout:
            seen.append(process.stdout.readline())
            if found := re.search(r"Running on (http://127\.0\.0\.1:\d+)", seen[-1]):
                Thread(
                    target=process.stdout.read, daemon=True
                ).start()  # it logs each request, and waits if nobody reads
                with httpx.Client(timeout=30) as client:
                    yield S3Server(found.group(1), client)
                return
        raise AssertionError("the S3 server did not start: " + "".join(seen))
    finally:
        process.kill()
        process.wait(30)
