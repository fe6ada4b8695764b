"""Times as the wire has them."""

import datetime as dt


def iso_time(milliseconds: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    moment = dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
