"""Writes ``src/api/schema.d.ts``, the types of the API, from the OpenAPI document of the installed Secondlook."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parent))
from build import HERE, MODULES, find_node

from secondlook.api.app import ApiOptions, create_app
from secondlook.services.bundle import Services

TARGET = HERE / "src" / "api" / "schema.d.ts"
USED = ("/client/v4/accounts/{account}/ai-search/", "/metrics", "/health")
ALSO = ("/client/v4/accounts", "/sign-in")
"""Where the pages ask; other paths are copies of these, or of the legacy generation."""


def document() -> dict[str, Any]:
    """The OpenAPI document with the paths that pages may use; no service is needed to tell of routes."""
    told = create_app(cast(Services, None), options=ApiOptions()).openapi()
    paths = {
        path: verbs
        for path, verbs in told["paths"].items()
        if (path.startswith(USED) or path in ALSO) and "/rags" not in path
    }
    return {**told, "paths": paths}


def write_types() -> None:
    """Write them; raises ``RuntimeError`` when there is no Node, or the generator fails."""
    found = find_node()
    if found is None:
        raise RuntimeError("there is no Node 20.19, 22.12 or newer")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "openapi.json"
        source.write_text(json.dumps(document()), encoding="utf-8")
        program = MODULES / "openapi-typescript" / "bin" / "cli.js"
        done = subprocess.run(
            [found[0], str(program), str(source), "--default-non-nullable=false", "--output", str(TARGET)],
            capture_output=True, text=True, check=False, cwd=HERE,
        )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"openapi-typescript failed: {done.stderr[-2000:]}")


if __name__ == "__main__":
    write_types()
