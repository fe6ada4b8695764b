"""The errors of indexes and stored files; ``errors`` has them too."""

from secondlook.error_kinds import BackendError


class IndexUnusableError(BackendError):
    """An index cannot be searched now, by whatever method."""


class IndexCorruptError(IndexUnusableError):
    """Stored index data is missing or cannot be read."""


class IndexRebuildingError(IndexUnusableError):
    """The index is made anew from the stored files, and does not hold all of them yet."""

    retry_after = 10.0


class StoredFileError(BackendError):
    """The stored bytes of an item are missing, or are not those that were uploaded."""


class StorageFullError(BackendError):
    """There is no room on the disk for what should be written; nothing of it was kept."""
