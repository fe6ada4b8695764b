"""A count with its noun, in the right number."""


def plural(count: int, noun: str, many: str = "") -> str:
    """``1 page``, ``2 pages``, ``1,200 pages``; ``many`` is the plural where adding an s does not make it."""
    return f"{count:,} {noun if count == 1 else many or f'{noun}s'}"
