"""The commands that load no model, what is indexed of a folder, and how an error ends."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from secondlook import __version__, cli
from secondlook.errors import SecondlookError

RUN = CliRunner()


def run(*words: str) -> str:
    """What the command prints; it must succeed."""
    done = RUN.invoke(cli.app, list(words))
    assert done.exit_code == 0, done.output
    return done.output.strip()


def test_version() -> None:
    assert run("version") == __version__


def test_tokens(tmp_path: Path) -> None:
    at = ("--data-dir", str(tmp_path))
    assert run("token", "create", "--name", "one", "--quiet", *at).startswith("sl_")
    assert "Token two (shown this once): sl_" in run("token", "create", "--name", "two", *at)
    listed = [line for line in run("token", "list", *at).splitlines() if "valid" in line]
    assert len(listed) == 2
    token_id = listed[0].split("│")[1].strip()
    run("token", "revoke", token_id, *at)
    assert "revoked" in next(line for line in run("token", "list", *at).splitlines() if token_id in line)


def test_models(tmp_path: Path) -> None:
    listed = run("models", "--data-dir", str(tmp_path))
    assert "secondlook/late-interaction" in listed
    assert "BAAI/bge-reranker-base" in listed


def test_an_error_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["secondlook", "token", "revoke", "nope", "--data-dir", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    assert capsys.readouterr().err.strip() == "error: there is no token 'nope': see `secondlook token list`"


def test_what_is_taken_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.md", "a/x.txt", "a/photo.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text")
    assert [key for key, _ in cli._walk(tmp_path)] == ["a/x.txt", "b.md"]
    assert [key for key, _ in cli._walk(tmp_path / "a" / "photo.jpg")] == ["photo.jpg"]
    with pytest.raises(SecondlookError, match="neither a file nor a folder"):
        cli._walk(tmp_path / "absent")


def test_eval_refuses_a_folder_without_judgments(tmp_path: Path) -> None:
    done = RUN.invoke(cli.app, ["eval", str(tmp_path), "--data-dir", str(tmp_path)])
    assert done.exit_code == 1
    assert "a BEIR folder is needed" in str(done.exception)
