"""Arguments win over variables, which win over defaults; a bad value is told."""

from pathlib import Path

import pytest

from secondlook.errors import SetupError
from secondlook.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine that runs the tests."""
    for name in ("HF_ENDPOINT", "HF_HUB_OFFLINE", "SECONDLOOK_DATA_DIR", "SECONDLOOK_OFFLINE", "SECONDLOOK_THREADS"):
        monkeypatch.delenv(name, raising=False)


def test_defaults() -> None:
    assert load_settings() == Settings()
    assert Settings().models_dir == Path("secondlook-data/cache")


def test_variables_win_over_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATA_DIR": "/data", "CACHE_DIR": "/cache", "PORT": " 9000 ", "RERANK_CANDIDATES": "0", "LLM_TIMEOUT": "5",
        "MISSING_MODEL": "fall_back", "LLM_URL": "http://llm/v1", "HOST": "",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"SECONDLOOK_{name}", value)
    found = load_settings()
    assert (found.data_dir, found.models_dir, found.port) == (Path("/data"), Path("/cache"), 9000)
    assert (found.rerank_candidates, found.llm_timeout, found.missing_model) == (0, 5.0, "fall_back")
    assert (found.llm_url, found.host) == ("http://llm/v1", "127.0.0.1")


def test_arguments_win_over_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECONDLOOK_PORT", "9000")
    monkeypatch.setenv("SECONDLOOK_DATA_DIR", "/data")
    found = load_settings(data_dir=Path("/other"), port=0, host="0.0.0.0")
    assert (found.data_dir, found.port, found.host) == (Path("/other"), 0, "0.0.0.0")


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "65536"), ("PORT", "-1"), ("THREADS", "two"), ("LLM_TIMEOUT", "0"), ("RERANK_CANDIDATES", "1001"),
     ("MISSING_MODEL", "ignore")],
)  # fmt: skip
def test_bad_values_are_told(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"SECONDLOOK_{name}", value)
    with pytest.raises(SetupError, match=f"SECONDLOOK_{name} is '{value}'"):
        load_settings()


@pytest.mark.parametrize("name", ["SECONDLOOK_OFFLINE", "HF_HUB_OFFLINE"])
@pytest.mark.parametrize(("value", "wanted"), [("1", True), ("Yes", True), ("0", False), ("", False)])
def test_offline_has_two_switches(monkeypatch: pytest.MonkeyPatch, name: str, value: str, wanted: bool) -> None:
    monkeypatch.setenv(name, value)
    assert load_settings().offline is wanted
