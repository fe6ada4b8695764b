"""Who may call: API tokens, of which only the hash is stored."""

import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from secondlook.domain.instance import Permission, Token
from secondlook.errors import InvalidOptionError, NotAllowedError, NotAuthenticatedError, TokenNotFoundError
from secondlook.ports import Catalog

PREFIX = "sl_"
DAY = 86_400_000
"""Milliseconds."""


class Access:
    """Makes, checks and revokes tokens."""

    def __init__(self, catalog: Catalog, clock: Callable[[], float] = time.time) -> None:
        self._catalog = catalog
        self._clock = clock

    async def create(
        self,
        name: str,
        *,
        account: str = "",
        permission: Permission = "edit",
        days: int = 0,
        overrides: bool = False,
    ) -> tuple[Token, str]:
        """A new token and its secret, which is shown this once and stored nowhere.

        Without an account it may use any; without ``days`` it does not expire. One that may edit may set what it could
        override, so that it always has ``overrides``.
        """
        if not name.strip():
            raise InvalidOptionError("the token's name is empty: give it a name").at("name")
        if "/" in account:
            raise InvalidOptionError(f"account {account!r} is not valid: give any text without a slash")
        secret = PREFIX + secrets.token_urlsafe(32)
        now = int(self._clock() * 1000)
        token = Token(
            secrets.token_hex(8),
            name.strip(),
            now,
            account=account.strip(),
            permission=permission,
            expires_at=now + days * DAY if days else 0,
            overrides=overrides or permission == "edit",
        )
        await self._catalog.add_token(token, _digest(secret))
        return token, secret

    async def authenticate(self, secret: str) -> Token:
        """The token of that secret; raises ``NotAuthenticatedError``."""
        token = await self._catalog.find_token(_digest(secret)) if secret else None
        if token is None:
            raise NotAuthenticatedError(
                "the bearer token is missing, unknown or revoked: see `secondlook token create`"
            )
        if self.is_expired(token):
            raise NotAuthenticatedError(f"the token {token.name!r} has expired: see `secondlook token create`")
        return token

    def is_expired(self, token: Token) -> bool:
        """Whether its time is up."""
        return 0 < token.expires_at <= self._clock() * 1000

    def check(self, token: Token, *, account: str | None, querying: bool) -> None:
        """Nothing if the token may do it.

        Args:
            account: whose data is asked for; empty when nobody's is, None when everybody's.
            querying: whether it is a search, a chat or a rerank.

        Raises:
            NotAllowedError: it is for another account, or for queries alone.
        """
        if token.permission == "run" and not querying:
            raise NotAllowedError(f"token {token.name!r} may only search and chat: use one with the permission edit")
        if token.account and account not in ("", token.account):
            wanted = "all accounts" if account is None else f"account {account!r}"
            raise NotAllowedError(f"token {token.name!r} is for account {token.account!r}, not for {wanted}")

    async def list(self) -> Sequence[Token]:
        """All tokens, oldest first, revoked ones too."""
        return await self._catalog.list_tokens()

    async def list_for(self, account: str, caller: Token | None) -> Sequence[Token]:
        """The tokens that the caller may revoke from that account: its own, and, if the caller may use any account,
        those that may too. Without a caller nobody is kept from anything."""
        whole = caller is None or not caller.account
        return [one for one in await self.list() if one.account == account or (whole and not one.account)]

    async def create_for(
        self,
        account: str,
        caller: Token | None,
        name: str,
        *,
        any_account: bool,
        permission: Permission,
        overrides: bool = False,
    ) -> tuple[Token, str]:
        """As ``create``, for that account or for any.

        Raises:
            NotAllowedError: the caller itself may not use any account. InvalidOptionError: the name is empty.
        """
        if any_account and caller is not None and caller.account:
            raise NotAllowedError(
                f"token {caller.name!r} is for account {caller.account!r} and cannot create one for all accounts"
            ).at("any_account")
        scope = "" if any_account else account
        return await self.create(name, account=scope, permission=permission, overrides=overrides)

    async def revoke_for(self, account: str, caller: Token | None, token_id: str) -> Token:
        """The token, which is refused from now on.

        Raises:
            CallerError: the caller sees no such token in that account.
        """
        found = next((one for one in await self.list_for(account, caller) if one.id == token_id), None)
        if found is None:
            raise TokenNotFoundError(f"there is no token {token_id!r} in account {account!r}")
        await self.revoke(token_id)
        return replace(found, revoked=True)

    async def revoke(self, token_id: str) -> None:
        """Refuse the token from now on; raises ``CallerError`` when there is no such token."""
        await self._catalog.revoke_token(token_id)


def _digest(secret: str) -> str:
    """SHA-256; the secret holds 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()
