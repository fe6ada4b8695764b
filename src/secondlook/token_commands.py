"""``secondlook token``: who may use the API."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from secondlook import bootstrap, interrupts
from secondlook.console import DataDir, out, say
from secondlook.domain.instance import Permission, Token
from secondlook.services.access import Access
from secondlook.settings import load_settings

token_app = typer.Typer(no_args_is_help=True, help="Create, list and revoke API tokens.")


@token_app.command()
def create(
    name: Annotated[str, typer.Option("--name", help="What the token is for.")],
    permission: Annotated[
        Permission, typer.Option(help="edit: everything. run: only search, chat and rerank.")
    ] = "edit",
    account: Annotated[str, typer.Option(help="The only account it may use. Default: any.")] = "",
    allow_overrides: Annotated[
        bool,
        typer.Option(
            "--allow-overrides",
            help="With run: let requests choose models, prompts, tools, longer answers and remote rerankers.",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the token.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Create a token. It is shown only once."""
    settings = load_settings(data_dir=data_dir)
    interrupts.explain("Check `secondlook token list`, and revoke the token if its secret was not printed.")
    _, secret = interrupts.run(
        bootstrap.with_access(
            settings,
            lambda access: access.create(name, account=account, permission=permission, overrides=allow_overrides),
            make=True,
        )
    )
    say(secret if quiet else f"Token {name} (shown this once): {secret}")


@token_app.command("list")
def list_tokens(data_dir: DataDir = None) -> None:
    """List tokens."""
    table = Table("id", "name", "state", "expires", "permission", "account")
    rows = interrupts.run(bootstrap.with_access(load_settings(data_dir=data_dir), _tokens_and_states))
    for token, state in rows:
        expires = (
            f"{datetime.fromtimestamp(token.expires_at / 1000, UTC):%Y-%m-%d %H:%MZ}" if token.expires_at else "never"
        )
        table.add_row(token.id, token.name, state, expires, _permission_of(token), token.account or "any")
    out.print(table, markup=False)


def _permission_of(token: Token) -> str:
    return "run, overrides" if token.permission == "run" and token.overrides else token.permission


def _end_of(token: Token) -> str:
    if not token.expires_at:
        return "never"
    return f"{datetime.fromtimestamp(token.expires_at / 1000, UTC):%Y-%m-%d %H:%MZ}"


async def _tokens_and_states(access: Access) -> Sequence[tuple[Token, str]]:
    states = {True: "revoked", False: "valid"}
    return [
        (token, "expired" if access.is_expired(token) and not token.revoked else states[token.revoked])
        for token in await access.list()
    ]


@token_app.command()
def revoke(token_id: str, data_dir: DataDir = None) -> None:
    """Revoke a token. The server rejects it from now on."""
    interrupts.explain("Check `secondlook token list`, and run the same command again if the token is still valid.")
    interrupts.run(bootstrap.with_access(load_settings(data_dir=data_dir), lambda access: access.revoke(token_id)))
    say(f"token {token_id} is revoked")
