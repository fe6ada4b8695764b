"""The folder that stands in for the bindings of a Worker."""

import json
import stat
from pathlib import Path

import pytest

from secondlook import dev_worker
from secondlook.cli import main
from secondlook.dev_worker import address_of, sources
from secondlook.errors import CallerError
from secondlook.server import check_url
from secondlook.settings import Settings

URL = "http://127.0.0.1:9"


def write(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """The exit code of the command."""
    monkeypatch.setattr("sys.argv", ["secondlook", "dev-worker", *(str(one) for one in arguments)])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_what_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "worker"
    assert write(monkeypatch, folder, "--url", URL + "/", "--token", "sl_t", "--account", "acme") == 0
    config = json.loads((folder / "wrangler.json").read_text())
    assert config["vars"] == {
        "SECONDLOOK_URL": URL, "SECONDLOOK_ACCOUNT": "acme", "SECONDLOOK_NAMESPACE": "default",
    }  # fmt: skip
    assert (folder / ".dev.vars").read_text() == "SECONDLOOK_TOKEN=sl_t\n"
    assert stat.S_IMODE((folder / ".dev.vars").stat().st_mode) == 0o600
    assert (folder / ".gitignore").read_text() == "*\n"
    for source in sources().glob("*.js"):
        assert (folder / "src" / source.name).read_bytes() == source.read_bytes()
    assert (folder / config["main"]).is_file()
    assert not (folder / "workerd.capnp").exists()


def test_a_token_that_is_good_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "worker"
    data.mkdir()
    secrets = []
    for _ in range(2):
        assert write(monkeypatch, folder, "--data-dir", data) == 0
        secrets.append((folder / ".dev.vars").read_text())
    assert secrets[0] == secrets[1] != "SECONDLOOK_TOKEN=\n"
    (folder / ".dev.vars").write_text("SECONDLOOK_TOKEN=sl_gone\n")
    assert write(monkeypatch, folder, "--data-dir", data) == 0
    assert (folder / ".dev.vars").read_text() not in (secrets[0], "SECONDLOOK_TOKEN=sl_gone\n")


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(dev_worker.out, "width", 400)
    project = tmp_path / "project"
    project.mkdir()
    (project / "index.ts").write_text("export default {}")
    other = tmp_path / "other"
    other.mkdir()
    (other / "wrangler.json").write_text('{"name": "other"}')
    token = ("--token", "sl_t")
    for arguments, reason in (
        ((project, *token), "contains other files (index.ts)"),
        ((other, *token), "belongs to another Worker"),
        ((project / "index.ts", *token), "is not a folder"),
        ((tmp_path / "new", "--url", "127.0.0.1:8787", *token), "Give an address"),
        ((tmp_path / "new", "--worker", project / "index.ts", *token), "Pass a bundled JavaScript file"),
        ((tmp_path / "new", "--data-dir", tmp_path / "no-data"), "there is no data folder"),
    ):
        assert write(monkeypatch, *arguments) == 2
        assert reason in capsys.readouterr().err
    assert [path.name for path in project.iterdir()] == ["index.ts"]
    assert (other / "wrangler.json").read_text() == '{"name": "other"}'
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "no-data").exists()


def test_workerd_alone_reaches_plain_addresses_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "a worker.mjs"
    script.write_text("export default {}")
    arguments = (tmp_path / "worker", "--token", "sl_t", "--worker", script)
    assert write(monkeypatch, *arguments, "--url", "https://search.example") == 2
    assert write(monkeypatch, *arguments, "--url", URL) == 0
    text = (tmp_path / "worker" / "workerd.capnp").read_text()
    assert 'embed "../a worker.mjs"' in text
    assert 'value = "Bearer sl_t"' in text
    assert stat.S_IMODE((tmp_path / "worker" / "workerd.capnp").stat().st_mode) == 0o600


def test_addresses() -> None:
    assert address_of(Settings(host="0.0.0.0", port=1)) == "http://127.0.0.1:1"
    assert address_of(Settings(host="::1", port=2)) == "http://[::1]:2"
    assert check_url("--url", "https://search.example/base/") == "https://search.example/base"
    with pytest.raises(CallerError, match="Give an address"):
        check_url("--url", "ftp://search.example")
