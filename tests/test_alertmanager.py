"""Who is told of what: the example of Alertmanager's configuration under a real one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.alerting import Alertmanager, Inbox
from tests.running import wait_for
from tests.test_rules import ALERT_RULES
from tests.watching import MONITORING, SMALL, Prometheus

pytestmark = pytest.mark.alertmanager

BURN = {name for name in ALERT_RULES if "Burn" in name}  # of a job; all others are sent for an instance here
SLOWER = {f"{objective}Burn{speed}" for objective in ("Availability", "Latency") for speed in ("Slow", "Trickle")}


def test_amtool_accepts_the_configuration() -> None:
    command = ["amtool", "check-config", str(MONITORING / "alertmanager.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.prometheus
def test_an_alert_of_prometheus_reaches_the_receiver(tmp_path: Path) -> None:
    for name in ("alertmanager", "prometheus"):
        (tmp_path / name).mkdir()
    with (
        Inbox() as inbox,
        Alertmanager(tmp_path / "alertmanager", inbox.url) as alertmanager,
        Prometheus(tmp_path / "prometheus", "127.0.0.1:9", rules=SMALL, alertmanager=alertmanager.address),
    ):
        wait_for(lambda: bool(inbox.messages))
        message = inbox.messages[0]
    assert (message["receiver"], message["status"]) == ("example", "firing")
    assert message["groupLabels"] == {"alertname": "ServiceDown", "job": "autogluon-bento"}
    (alert,) = message["alerts"]
    assert alert["labels"]["severity"] == "critical"
    assert alert["labels"]["instance"] == "127.0.0.1:9"
    assert "127.0.0.1:9" in alert["annotations"]["summary"]
    assert {"summary", "description", "runbook_url"} <= alert["annotations"].keys()


def test_what_another_alert_explains_is_not_said(tmp_path: Path) -> None:
    """Instance `a` of `one` is down, its job's budgets burn fast; `b` and the job `two` have all the rest."""
    fast = {"AvailabilityBurnFast", "LatencyBurnFast"}
    sent = [{"alertname": name, "job": "one"} for name in BURN]
    sent += [{"alertname": name, "job": "two"} for name in BURN - fast]
    sent += [{"alertname": name, "job": "one", "instance": "a"} for name in ALERT_RULES.keys() - BURN]
    sent += [{"alertname": name, "job": "one", "instance": "b"} for name in ALERT_RULES.keys() - BURN - {"ServiceDown"}]
    explained: set[tuple[str, str | None, str]] = {("one", None, name) for name in SLOWER}
    explained |= {("one", "a", name) for name in ALERT_RULES if name == "NotReady" or name.endswith("Saturated")}
    assert len(explained) == 8
    with Inbox() as inbox, Alertmanager(tmp_path, inbox.url) as alertmanager:
        alertmanager.raise_alerts(sent)

        def silent() -> set[tuple[str, str | None, str]]:
            labels = [alert["labels"] for alert in alertmanager.alerts() if alert["status"]["state"] == "suppressed"]
            return {(each["job"], each.get("instance"), each["alertname"]) for each in labels}

        wait_for(lambda: len(alertmanager.alerts()) == len(sent) and silent() == explained)
