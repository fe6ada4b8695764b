"""Every setting, command, flag, error and route is named in the reference, and nothing else is."""

import ast
import dataclasses
import re
import shlex
from typing import Any, cast, get_args

import pytest
import typer

from secondlook import settings
from secondlook.api.app import ApiOptions, create_app
from secondlook.api.errors import METHOD_NOT_ALLOWED, NOT_FOUND, TABLE
from secondlook.api.public.refusals import TABLE as PUBLIC_TABLE
from secondlook.cli import app
from secondlook.domain.candidate import RerankCause
from secondlook.domain.instance import Analyser
from secondlook.services.bundle import Services
from secondlook.settings import PREFIX, Settings
from tests.house.yard import DOCS, REFERENCE, SOURCE, parse, rows, sections

SETTINGS = (REFERENCE / "settings.md").read_text(encoding="utf-8")
CLI = (REFERENCE / "cli.md").read_text(encoding="utf-8")
ERRORS = (REFERENCE / "errors.md").read_text(encoding="utf-8")
API = (REFERENCE / "api.md").read_text(encoding="utf-8")
UNEXPECTED = (500, 7001, "Internal Error")


def settings_rows() -> dict[str, list[str]]:
    """The lines of the table of settings, by field."""
    return {row[0].strip("`"): row for row in rows(SETTINGS) if len(row) == 5}


def variables_read() -> set[str]:
    """The environment variables that ``settings.py`` reads."""
    source = (SOURCE / "settings.py").read_text(encoding="utf-8")
    ours = re.findall(r"""_(?:text|path|number|choice|languages)\("([A-Z0-9_]+)\"""", source) + re.findall(
        r"""\{PREFIX\}([A-Z_]+)"\)""", source
    )
    return {PREFIX + name for name in ours} | set(re.findall(r'"(HF_[A-Z_]+)"', source))


def ranges() -> dict[str, tuple[int, int]]:
    """Least and most of each number, by variable."""
    calls = [node for node in ast.walk(parse(SOURCE / "settings.py")) if isinstance(node, ast.Call)]
    found = [
        [eval(ast.unparse(one.args[at]), vars(settings)) for at in (0, 2, 3)]
        for one in calls
        if isinstance(one.func, ast.Name) and one.func.id == "_number"
    ]
    return {PREFIX + name: (least, most) for name, least, most in found}


def test_every_setting_is_named() -> None:
    assert set(settings_rows()) == {field.name for field in dataclasses.fields(Settings)}
    named = {name for row in settings_rows().values() for name in re.findall(r"`([A-Z0-9_]+)`", row[1])}
    assert named == variables_read()
    assert len(named) == len(dataclasses.fields(Settings)) + 1


def test_defaults_and_ranges_are_told() -> None:
    plain = Settings()
    for field, row in settings_rows().items():
        default = getattr(plain, field)
        if not isinstance(default, bool) and default not in (None, "", ()):
            assert (f"{default:g}" if isinstance(default, float) else str(default)) in row[2], field
        for variable, (least, most) in ranges().items():
            if f"`{variable}`" in row[1]:
                assert {str(least), str(most)} <= set(re.findall(r"\d+", row[3])), field
    assert len(ranges()) == 32


def test_every_language_is_named() -> None:
    told = (DOCS / "howto" / "search-in-other-languages.md").read_text(encoding="utf-8")
    assert set(get_args(Analyser)) <= set(re.findall(r"`(\w+)`", told))


def commands(group: Any, path: tuple[str, ...] = ("secondlook",)) -> dict[str, set[str]]:
    """Flags of each command that does something, by its words."""
    found: dict[str, set[str]] = {}
    for name, command in group.commands.items():
        words = (*path, name)
        flags = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts) if flag.startswith("--")}
        if hasattr(command, "commands"):
            found |= commands(command, words)
        if flags or not hasattr(command, "commands"):
            found[" ".join(words)] = flags
    return found


def test_every_command_and_flag_is_named() -> None:
    served = commands(typer.main.get_command(app))
    told = sections(CLI, "##")
    assert set(told) == set(served)
    for command, flags in served.items():
        named = {flag for row in rows(told[command]) for flag in re.findall(r"--[a-z-]+", row[0])}
        assert named == flags, command


def test_every_error_is_named() -> None:
    told = {(int(row[0]), int(row[1]), row[2].strip("`")) for row in rows(ERRORS) if row[0].isdecimal()}
    ours = {(404, NOT_FOUND, "route_not_found"), (405, METHOD_NOT_ALLOWED, "method_not_allowed"), UNEXPECTED}
    public = {(status, code, message) for code, (status, message) in PUBLIC_TABLE.items()}
    assert told == {(status, code, message) for _, status, code, message in TABLE} | public | ours


def test_every_reason_that_is_counted_is_named() -> None:
    watch = (DOCS / "howto" / "watch-a-server.md").read_text(encoding="utf-8")
    table = watch.split("The reasons of `secondlook_reranks_total`")[1].split("##")[0]
    named = {word for row in rows(table) for word in re.findall(r"[a-z_]+", row[0])} - {"empty"}
    assert named == set(get_args(RerankCause)) - {""}


def test_every_code_in_the_api_is_named() -> None:
    codes = {
        node.value
        for path in (SOURCE / "api").rglob("*.py")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Constant) and type(node.value) is int and 7000 <= node.value < 8000
        if node.value != 7200  # an hour count of a cache life, not a code
    }
    assert {str(code) for code in codes} <= set(re.findall(r"\d{4,5}", ERRORS))


def routes() -> set[str]:
    """``METHOD /path`` of every route, in the short form that the reference uses."""
    paths = create_app(cast(Services, None), options=ApiOptions()).openapi()["paths"]
    return {f"{method.upper()} {short(path)}" for path, methods in paths.items() for method in methods}


def short(path: str) -> str:
    """The path without what the reference leaves out or calls an alias."""
    path = path.removeprefix("/client/v4").removeprefix("/accounts/{account}")
    path = path.replace("/ai-search/namespaces/{namespace}/instances", "/ai-search/instances")
    return path.replace("/ai-search/rags", "/autorag/rags")


def test_every_route_is_named() -> None:
    assert {heading for heading in sections(API, "###") if heading.split()[0].isupper()} == routes()


@pytest.mark.parametrize("heading", sections(API, "###"))
def test_every_route_has_its_example(heading: str) -> None:
    method, path = heading.split()
    words = first_curl(sections(API, "###")[heading])
    sent = words[words.index("-X") + 1] if "-X" in words else "GET"
    target = next(word for word in words if word.startswith(("$BASE", "$SECONDLOOK_URL")))
    bare = re.sub(r"^\$(BASE|SECONDLOOK_URL)", "", target).partition("?")[0]
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path).replace(r"\{model\}", ".+"))  # its name may hold slashes
    assert sent == method
    assert re.fullmatch(pattern, bare)


def first_curl(text: str) -> list[str]:
    """The words of the first ``curl`` command, which may go over several lines."""
    lines = text[text.index("\ncurl ") + 1 :].splitlines()
    for end in range(1, len(lines) + 1):
        if lines[end - 1].endswith("\\"):
            continue
        try:
            return shlex.split("\n".join(lines[:end]))
        except ValueError:
            continue  # a quoted text goes on in the next line
    raise AssertionError(f"the command does not end: {lines[0]}")
