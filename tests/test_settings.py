from __future__ import annotations

from pathlib import Path

import pytest

from agbento.errors import SettingsError, UsageError
from agbento.settings import ImportSettings, ServiceSettings


def test_what_is_not_set_has_its_default() -> None:
    settings = ServiceSettings.read()
    assert (settings.model_tag, settings.service_workers, settings.prediction_decimals) == (None, None, None)


@pytest.mark.parametrize(
    "name", ["MODEL_TAG", "SERVICE_WORKERS", "PREDICTION_DECIMALS", "REQUEST_SECONDS", "API_KEYS_FILE"]
)
def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    expected = ServiceSettings.read()
    monkeypatch.setenv(name, "")
    assert ServiceSettings.read() == expected


def test_every_wrong_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_WORKERS", "0")
    monkeypatch.setenv("PREDICTION_DECIMALS", "two")
    with pytest.raises(SettingsError, match=r"SERVICE_WORKERS='0'.*PREDICTION_DECIMALS='two'") as raised:
        ServiceSettings.read()
    assert "\n" not in str(raised.value)


def test_keys_for_metrics_need_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_REQUIRE_KEY", "true")
    with pytest.raises(SettingsError, match="METRICS_REQUIRE_KEY=true needs API_KEYS_FILE"):
        ServiceSettings.read()
    monkeypatch.setenv("API_KEYS_FILE", "keys")
    settings = ServiceSettings.read()
    assert (settings.api_keys_file, settings.metrics_require_key) == (Path("keys"), True)


def test_the_importers_side_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPORT_THREADS", "none")
    with pytest.raises(UsageError, match="IMPORT_THREADS='none'"):
        ImportSettings.read()
