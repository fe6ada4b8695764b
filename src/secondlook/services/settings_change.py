"""A change of an instance's settings that loses no other change, whoever makes one at the same time."""

from collections.abc import Callable

from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.errors import InstanceChangedError
from secondlook.ports import Catalog

Change = Callable[[InstanceSettings], InstanceSettings | None]
"""The settings after a change, from those before it; None leaves them as they are."""


async def change_settings(catalog: Catalog, uid: str, change: Change, *, now: int) -> Instance | None:
    """The instance with the change, whoever changes something else at the same time; None where there is none.

    Raises:
        InstanceNotFoundError
    """
    while True:
        current = await catalog.get_instance_by_uid(uid)
        settings = change(current.settings)
        if settings is None:
            return None
        try:
            return await catalog.update_instance(uid, settings, now, before=current.settings)
        except InstanceChangedError:
            continue  # somebody else has made theirs
