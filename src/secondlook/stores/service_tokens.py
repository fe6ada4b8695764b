"""Service tokens in a SQL database."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, insert, select, update

from secondlook.domain.instance import ServiceToken
from secondlook.errors import ServiceTokenNotFoundError
from secondlook.stores.database import Database
from secondlook.stores.schema import service_tokens


class SqlServiceTokens:
    """What is known of service tokens; their secrets lie elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, token: ServiceToken) -> None:
        """Remember it."""
        await self._database.write(insert(service_tokens).values(asdict(token)))

    async def list(self, account: str) -> Sequence[ServiceToken]:
        """Oldest first; of all accounts when ``account`` is empty."""
        query = select(service_tokens).order_by(service_tokens.c.created_at, service_tokens.c.id)
        if account:
            query = query.where(service_tokens.c.account == account)
        return [ServiceToken(**row) for row in await self._database.rows(query)]

    async def get(self, account: str, token_id: str) -> ServiceToken:
        """Raises ``ServiceTokenNotFoundError``."""
        at = service_tokens.c
        for row in await self._database.rows(select(service_tokens).where(at.account == account, at.id == token_id)):
            return ServiceToken(**row)
        raise ServiceTokenNotFoundError(f"there is no service token {token_id!r} in this account: list them")

    async def replace(self, token: ServiceToken) -> None:
        """Set every field of the token of that id; raises ``ServiceTokenNotFoundError``."""
        at = service_tokens.c
        where = (at.account == token.account, at.id == token.id)
        if not await self._database.write(update(service_tokens).where(*where).values(asdict(token))):
            raise ServiceTokenNotFoundError(f"there is no service token {token.id!r} in this account: list them")

    async def remove(self, token_id: str) -> None:
        """Forget it; nothing happens if it is not there."""
        await self._database.write(delete(service_tokens).where(service_tokens.c.id == token_id))
