"""The data folder: created if it does not exist, and refused if it cannot be written to."""

import os
from pathlib import Path

from secondlook.errors import SetupError

ADVICE = "choose another data folder with --data-dir or SECONDLOOK_DATA_DIR"


def check_folder(folder: Path, name: str) -> None:
    """Raises ``SetupError`` unless the data folder exists and holds the file of that name; creates nothing."""
    if folder.exists() and not folder.is_dir():
        raise SetupError(f"the data folder cannot be used, {folder} is not a folder: {ADVICE}")
    if not (folder / name).exists():
        what = f"{folder} holds no data" if folder.is_dir() else f"there is no data folder {folder}"
        raise SetupError(
            f"{what}: name another with --data-dir or SECONDLOOK_DATA_DIR, or create one with `secondlook index`"
        )


def check_catalog(folder: Path, name: str, *derived: str) -> None:
    """Raises ``SetupError`` if the catalogue of that name is missing or empty while ``derived`` folders hold files.

    An empty catalogue would name none of them, and the server would remove them all as orphans.
    """
    path = folder / name
    try:
        empty = not path.exists() or (path.is_file() and not path.stat().st_size)
        log = folder / f"{name}-wal"
        if not empty or (log.is_file() and log.stat().st_size):
            return
        held = [one for one in derived if any(found.is_file() for found in (folder / one).rglob("*"))]
    except OSError as error:
        raise SetupError(f"could not read the data folder {folder} ({error.strerror}): {ADVICE}") from error
    if held:
        raise SetupError(
            f"the catalogue {path} is {'empty' if path.exists() else 'missing'}, but {folder / held[0]} holds files:"
            f" restore {name} from a backup, or move {' and '.join(held)} elsewhere to start with nothing"
        )


def prepare_folder(folder: Path, *inner: str) -> None:
    """Create the data folder and these in it, for this user alone; one that is there keeps its mode.

    Raises:
        SetupError: one of them cannot be written to.
    """
    for path in (folder, *(folder / name for name in inner)):
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError as error:
            raise SetupError(f"{path} is not a folder: {ADVICE}") from error
        except OSError as error:
            raise SetupError(f"could not create the data folder {path} ({error.strerror}): {ADVICE}") from error
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            raise SetupError(f"this user cannot read and write the data folder {path}: {ADVICE}")
