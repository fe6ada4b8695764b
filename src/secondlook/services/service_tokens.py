"""Service tokens: credentials of object stores, of which the secret half never leaves by the wire."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from secrets import token_hex

from secondlook.domain.instance import ServiceToken
from secondlook.errors import (
    InvalidOptionError,
    InvalidServiceTokenError,
    ItemNotFoundError,
    ServiceTokenInUseError,
    ServiceTokenNotFoundError,
)
from secondlook.ledgers import ServiceTokenShelf
from secondlook.ports import Blobs, Catalog

BUILT_IN = ServiceToken(str(uuid.UUID(int=0)), "", "built-in", "secondlook", False, 0, 0, "")
"""Stands in every account, since some clients create nothing where no token is listed (contract, 16)."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client sends of a token."""

    name: str
    api_id: str
    api_key: str
    legacy: bool = False


class ServiceTokens:
    """Keeps the tokens in the catalogue and their keys in ``vault``, a folder that only the server's user may read.

    A key is on disk before the row that names it, and goes after it: a crash leaves at most a key that nobody
    names, and ``sweep`` removes it.
    """

    def __init__(self, shelf: ServiceTokenShelf, vault: Blobs, catalog: Catalog) -> None:
        self._shelf = shelf
        self._vault = vault
        self._catalog = catalog

    async def add(self, account: str, sent: Credentials) -> ServiceToken:
        """The new token."""
        now = int(time.time() * 1000)
        token = ServiceToken(
            str(uuid.uuid4()), account, sent.name, sent.api_id, sent.legacy, now, now, await self._lock_away(sent)
        )
        await self._shelf.add(token)
        return token

    async def replace(self, account: str, token_id: str, sent: Credentials) -> ServiceToken:
        """The token with everything that was sent; the old key is gone.

        Raises:
            ServiceTokenNotFoundError, InvalidOptionError
        """
        before = await self._own(account, token_id)
        now = int(time.time() * 1000)
        after = replace(
            before,
            name=sent.name,
            api_id=sent.api_id,
            legacy=sent.legacy,
            modified_at=now,
            blob=await self._lock_away(sent),
        )
        try:
            await self._shelf.replace(after)
        except ServiceTokenNotFoundError:  # deleted meanwhile
            await self._vault.delete(after.blob)
            raise
        await self._vault.delete(before.blob)
        return after

    async def list(self, account: str) -> Sequence[ServiceToken]:
        """The built-in one, then the account's own, oldest first."""
        return [BUILT_IN, *await self._shelf.list(account)]

    async def get(self, account: str, token_id: str) -> ServiceToken:
        """Raises ``ServiceTokenNotFoundError``."""
        return BUILT_IN if token_id == BUILT_IN.id else await self._shelf.get(account, token_id)

    async def remove(self, account: str, token_id: str) -> ServiceToken:
        """The token as it was.

        Raises:
            ServiceTokenNotFoundError, ServiceTokenInUseError, InvalidOptionError
        """
        token = await self._own(account, token_id)
        users = [
            one.name
            for one in await self._catalog.list_instances(account, None)
            if one.settings.service_token == token_id
        ]
        if users:
            raise ServiceTokenInUseError(
                f"service token {token.name!r} is in use by {', '.join(users[:10])}: give these another token first"
            )
        await self._shelf.remove(token_id)
        await self._vault.delete(token.blob)
        return token

    async def check(self, account: str, token_id: str) -> None:
        """Raises ``InvalidServiceTokenError`` when an instance could not use it."""
        try:
            await self.get(account, token_id)
        except ServiceTokenNotFoundError as error:
            raise InvalidServiceTokenError(f"token_id: {error}, or leave it out") from error

    async def secret(self, account: str, token_id: str) -> tuple[str, str] | None:
        """Both halves of the token's credentials; None for the built-in one, which has none.

        Raises:
            InvalidServiceTokenError: it is not there any more.
        """
        await self.check(account, token_id)
        if token_id == BUILT_IN.id:
            return None
        token = await self._shelf.get(account, token_id)
        while True:
            try:
                return token.api_id, (await self._vault.get(token.blob)).decode()
            except ItemNotFoundError as error:
                before, token = token, await self._shelf.get(account, token_id)
                if token.blob == before.blob:  # else it was replaced between row and key
                    raise InvalidServiceTokenError(
                        f"the key of service token {token.name!r} is not in the data folder: enter the key again"
                    ) from error

    async def sweep(self) -> int:
        """Remove the keys that no token names, and say how many."""
        stored = await self._vault.list()
        named = {token.blob for token in await self._shelf.list("")}
        loose = [key for key in stored if key not in named]
        for key in loose:
            await self._vault.delete(key)
        return len(loose)

    async def _own(self, account: str, token_id: str) -> ServiceToken:
        if token_id == BUILT_IN.id:
            raise InvalidOptionError("the built-in service token cannot be changed or removed: create another")
        return await self._shelf.get(account, token_id)

    async def _lock_away(self, sent: Credentials) -> str:
        blob = token_hex(12)
        await self._vault.put(blob, sent.api_key.encode())
        return blob
