"""How a browser signs in: one-time codes that are exchanged for a token, and the accounts that a token may open."""

import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from secondlook.domain.endpoint import RateLimit
from secondlook.domain.instance import Token
from secondlook.errors import NotAuthenticatedError, OverloadedError
from secondlook.ledgers import AccountList
from secondlook.services.access import Access
from secondlook.services.throttling import Throttle

TOKEN_NAME = "dashboard sign-in"
CODE_SECONDS = 600
"""How long a code can be exchanged: enough to click the link that a command has just printed."""
TOKEN_DAYS = 30
"""How long the token lasts that a code is exchanged for."""
MOST_CODES = 16
"""Codes that wait to be exchanged; a new one pushes out the oldest."""
TRIES = RateLimit(requests=10, period=60, technique="sliding")
"""Exchanges that one address may try, right or wrong. A code has 256 random bits: the limit saves work, not secrecy."""
FIRST_ACCOUNT = "default"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a code is good for: the account that the dashboard opens, and until when (seconds since 1970)."""

    account: str
    until: float


@dataclass(frozen=True, slots=True)
class Session:
    """What a browser keeps after signing in; ``secret`` is the bearer token."""

    token: Token
    secret: str
    account: str


class SignIn:
    """Offers codes and exchanges each once.

    Codes live in the memory of the server's process, by their hash: a restart voids them, and no file holds one.
    """

    def __init__(
        self,
        access: Access,
        accounts: AccountList,
        *,
        throttle: Throttle | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._access = access
        self._accounts = accounts
        self._throttle = throttle or Throttle(clock)
        self._clock = clock
        self._offers: dict[str, Offer] = {}

    async def accounts(self, token: Token | None) -> Sequence[str]:
        """The accounts that hold something and that the token may open, by name; the token's own one always."""
        if token and token.account:
            return [token.account]
        return await self._accounts.list_accounts()

    async def first_account(self) -> str:
        """The account that an operator most likely means: ``default``, unless only other ones hold something."""
        found = await self._accounts.list_accounts()
        return FIRST_ACCOUNT if FIRST_ACCOUNT in found or not found else found[0]

    def offer(self, account: str) -> str:
        """A new code that signs in once, for ``CODE_SECONDS``."""
        code = secrets.token_urlsafe(32)
        self._offers[_digest(code)] = Offer(account, self._clock() + CODE_SECONDS)
        while len(self._offers) > MOST_CODES:
            del self._offers[next(iter(self._offers))]
        return code

    async def exchange(self, code: str, caller: str) -> Session:
        """A new token for the code, which is void from now on.

        Args:
            code: as ``offer`` gave it.
            caller: the address that is counted against ``TRIES``.

        Raises:
            OverloadedError: the caller tried too often.
            NotAuthenticatedError: the code is wrong, used or expired; which of them is not said.
        """
        if wait := self._throttle.admit(caller, TRIES):
            raise OverloadedError("too many sign-in attempts from this address", wait)
        offer = self._offers.pop(_digest(code), None)  # before anything is awaited: a second exchange finds nothing
        if offer is None or offer.until <= self._clock():
            raise NotAuthenticatedError(
                "this sign-in link was already used or has expired: restart the server for a new one, or log in with"
                " a token from `secondlook token create`"
            )
        token, secret = await self._access.create(TOKEN_NAME, days=TOKEN_DAYS)
        return Session(token, secret, offer.account)


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode(errors="replace")).hexdigest()
