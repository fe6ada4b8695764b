"""The data folder: made where it is not, and refused where nothing could be kept."""

import os
from pathlib import Path

from secondlook.errors import SetupError


def prepare_folder(folder: Path, *inner: str) -> None:
    """Make the data folder and these in it; raises ``SetupError`` if one of them is no folder to write in."""
    for path in (folder, *(folder / name for name in inner)):
        advice = "choose another data folder with --data-dir or SECONDLOOK_DATA_DIR"
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise SetupError(f"the data folder cannot be used, {path} is no folder: {advice}") from error
        except OSError as error:
            raise SetupError(f"the data folder {path} cannot be made ({error.strerror}): {advice}") from error
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            raise SetupError(f"the data folder {path} may not be read and written by this user: {advice}")
