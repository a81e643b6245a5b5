from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from agbento import stack
from agbento.errors import ServiceFailed
from agbento.keys import new_key
from benchmarks.ports import free_port
from tests.image_fixtures import Built, docker
from tests.running import ROOT, environment

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
PROJECT = "agbento-test"
ANSWERS = 'sum(bentoml_service_request_total{job="autogluon-bento", endpoint="/predict"})'


def test_every_service_is_bounded_watched_and_restarted() -> None:
    assert set(COMPOSE["services"]) == {"service", "prometheus", "grafana", "alertmanager"}
    for service in COMPOSE["services"].values():
        assert service["networks"] == ["monitoring"]
        assert service["restart"] == "unless-stopped"
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"]
        assert {"test", "interval", "timeout", "retries"} <= service["healthcheck"].keys()
    assert set(COMPOSE["networks"]) == {"monitoring"}


def test_versions_are_pinned_and_only_the_service_is_published() -> None:
    services = COMPOSE["services"]
    for name in ("prometheus", "grafana", "alertmanager"):
        assert services[name]["image"].rpartition(":")[2].removeprefix("v").count(".") == 2
        assert all(port.startswith("127.0.0.1:") for port in services[name]["ports"])
    assert services["service"]["ports"] == ["${SERVICE_PORT:-9696}:9696"]
    assert services["service"]["image"] == "${IMAGE:-autogluon-bento:named-by-make-up}"
    assert services["service"]["pull_policy"] == "never"


def test_only_alertmanager_waits_to_be_asked_for() -> None:
    profiles = {name: service.get("profiles") for name, service in COMPOSE["services"].items()}
    assert profiles == {"service": None, "prometheus": None, "grafana": None, "alertmanager": ["alerts"]}


def test_prometheus_has_the_rules_where_its_configuration_says() -> None:
    prometheus = COMPOSE["services"]["prometheus"]["volumes"]
    assert {f"./monitoring/{name}:/etc/prometheus/{name}:ro" for name in ("rules", "alerts")} < set(prometheus)


def test_grafana_has_no_password_that_is_known() -> None:
    variables = COMPOSE["services"]["grafana"]["environment"]
    assert variables["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana_admin_password"
    assert "GF_SECURITY_ADMIN_PASSWORD" not in variables
    assert COMPOSE["secrets"] == {"grafana_admin_password": {"environment": "GRAFANA_ADMIN_PASSWORD"}}
    assert variables["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert variables["GF_ANALYTICS_REPORTING_ENABLED"] == "false"


def test_a_made_password_is_the_owners_alone_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "below" / "password"
    made = stack._password(file)
    assert len(made) >= 24
    assert file.stat().st_mode & 0o777 == 0o600
    assert stack._password(file) == made
    assert stack._password(tmp_path / "other") != made


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICY_FILE", "no/such/policy.yaml")
    with pytest.raises(ServiceFailed, match=r"POLICY_FILE=.*/no/such/policy.yaml: no such file"):
        stack.up("an-image")


def test_what_is_read_at_the_start_has_a_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"SERVICE_FILES", "PROMETHEUS_FILES", "ALERTMANAGER_FILES"}
    monkeypatch.setenv("GRAFANA_ADMIN_PASSWORD", "made-for-a-test")
    for name in ("POLICY_FILE", "API_KEYS_FILE", "PROMETHEUS_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    none = {name: stack._variables("an-image")[name] for name in names}
    keys = tmp_path / "keys"
    keys.write_text("one", "utf-8")
    monkeypatch.setenv("API_KEYS_FILE", str(keys))
    one = {name: stack._variables("an-image")[name] for name in names}
    assert {name for name in names if one[name] != none[name]} == {"SERVICE_FILES"}
    assert stack._variables("an-image")["SERVICE_FILES"] == one["SERVICE_FILES"]
    keys.write_text("two", "utf-8")
    assert stack._variables("an-image")["SERVICE_FILES"] != one["SERVICE_FILES"]
    monkeypatch.setenv("PROMETHEUS_KEY_FILE", str(keys))
    assert stack._variables("an-image")["PROMETHEUS_FILES"] != one["PROMETHEUS_FILES"]


def test_both_forms_of_docker_compose_ps_are_read() -> None:
    row = {"Service": "service", "State": "running"}
    assert stack._rows(f"{json.dumps(row)}\n{json.dumps(row)}\n") == [row, row]
    assert stack._rows(f"[{json.dumps(row)}]\n") == [row]
    assert stack._rows("") == stack._rows("[]\n") == []


@pytest.mark.parametrize(
    ("status", "health", "restarts", "told"),
    [
        ("running", None, 0, "running"),
        ("running", "healthy", 3, "healthy"),
        ("running", "starting", 0, "starting"),
        ("running", "starting", 1, "restarting"),  # it has ended before: it is not what it waits for that is slow
        ("running", "unhealthy", 1, "unhealthy"),
        ("restarting", "unhealthy", 1, "restarting"),
        ("exited", "unhealthy", 0, "exited"),
        ("created", None, 0, "created"),
    ],
)
def test_a_containers_state(status: str, health: str | None, restarts: int, told: str) -> None:
    state = {"Status": status} | ({"Health": {"Status": health}} if health else {})
    assert stack._state({"State": state, "RestartCount": restarts}) == told


def test_prometheus_has_a_key_where_its_configuration_says() -> None:
    config = yaml.safe_load((ROOT / "monitoring" / "prometheus.yml").read_text("utf-8"))
    by_job = {job["job_name"]: job.get("authorization") for job in config["scrape_configs"]}
    file = "/etc/prometheus/api-key"
    assert by_job == {"autogluon-bento": {"type": "Bearer", "credentials_file": file}, "prometheus": None}
    assert f"${{PROMETHEUS_KEY_FILE:-/dev/null}}:{file}:ro" in COMPOSE["services"]["prometheus"]["volumes"]
    assert "PROMETHEUS_KEY_FILE" in stack._FILES


def commands() -> list[str]:
    """Every command of docker compose that the pages about watching name."""
    texts = [(ROOT / "docs" / name).read_text("utf-8") for name in ("monitoring.md", "runbook.md")]
    found = {" ".join(command.split()) for text in texts for command in re.findall(r"`(docker compose [^`]+)`", text)}
    return sorted(found)


def compose_alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run docker compose as a person does, who has set nothing; there is no engine that it could reach."""
    variables = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    variables["DOCKER_HOST"] = "unix:///no/such/engine"
    command = ["docker", "compose", *arguments]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(shutil.which("docker") is None, reason="no docker client on this machine")
@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_pages_needs_no_variable(command: str) -> None:
    assert compose_alone("config", "--quiet").returncode == 0
    done = compose_alone(*shlex.split(command)[2:])
    # All that it lacks is the engine.
    assert done.stderr.startswith("Cannot connect to the Docker daemon"), done.stderr


def test_exited_containers_are_looked_for_among_all() -> None:
    assert [command for command in commands() if command.startswith("docker compose ps")] == ["docker compose ps -a"]


@dataclass(frozen=True)
class Stack:
    """`make` with a compose project and ports of its own."""

    variables: dict[str, str]
    service: str
    prometheus: str

    def make(self, *arguments: str, timeout: int = 400) -> subprocess.CompletedProcess[str]:
        """Run make in the environment that runs the tests: nothing is installed anew."""
        command = ["make", "--no-print-directory", "--old-file=.venv/.installed", f"BIN={Path(sys.executable).parent}"]
        return subprocess.run(
            [*command, *arguments],
            cwd=ROOT,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def up(self, model: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `make up` for a model, without Grafana."""
        port = self.service.rpartition(":")[2]
        return self.make("up", f"MODEL_TAG={model}", "SERVICES=service prometheus", f"PORT={port}", *arguments)

    def serves(self) -> str:
        """The tag that GET /model names."""
        headers = {"Authorization": f"Bearer {self.variables['API_KEY']}"}
        return str(requests.get(f"{self.service}/model", headers=headers, timeout=60).json()["tag"])

    def container(self, service: str) -> dict[str, Any]:
        """The engine's word on a service's container."""
        found = docker("ps", "--all", "--quiet", "--filter", f"name={PROJECT}-{service}-").split()
        read: list[dict[str, Any]] = json.loads(docker("inspect", *found))
        assert len(read) == 1
        return read[0]

    def query(self, text: str) -> float:
        """Ask Prometheus for one number; -1 where there is none."""
        answer = requests.get(f"{self.prometheus}/api/v1/query", params={"query": text}, timeout=60).json()
        result = answer["data"]["result"]
        return float(result[0]["value"][1]) if result else -1.0

    def wait_for(self, text: str, value: float, seconds: float = 120) -> None:
        """Wait until a query gives ``value``."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.query(text) != value:
            time.sleep(0.5)
        assert self.query(text) == value


def left() -> str:
    """The containers, networks and volumes of the project."""
    label = f"label=com.docker.compose.project={PROJECT}"
    return "".join(
        docker(*what, "--quiet", "--filter", label) for what in (["ps", "-a"], ["network", "ls"], ["volume", "ls"])
    )


@pytest.fixture
def compose(sample_image: Built, tmp_path: Path) -> Iterator[Stack]:
    service, prometheus = free_port(), free_port()
    key, line = new_key("make")
    (tmp_path / "keys").write_text(line + "\n", "utf-8")
    (tmp_path / "policy.yaml").write_text("defaults: {'null': reject}\n", "utf-8")
    variables = environment(
        sample_image.home,
        {
            "COMPOSE_PROJECT_NAME": PROJECT,
            "PROMETHEUS_PORT": str(prometheus),
            "SERVICE_WORKERS": "1",
            "API_KEY": key,
            "API_KEYS_FILE": os.path.relpath(tmp_path / "keys", ROOT),
            "POLICY_FILE": os.path.relpath(tmp_path / "policy.yaml", ROOT),
        },
    )
    made = Stack(variables, f"http://127.0.0.1:{service}", f"http://127.0.0.1:{prometheus}")
    yield made
    made.make("down")


@pytest.mark.slow
@pytest.mark.engine
def test_up_another_model_the_former_one_and_down(compose: Stack, sample_image: Built, other_image: Built) -> None:
    done = compose.up(sample_image.model)
    assert done.returncode == 0, done.stderr[-3000:]
    answers = [line for line in done.stdout.splitlines() if line.startswith("{'cost': ")]
    assert len(answers) == 5
    assert f"{compose.prometheus.replace('127.0.0.1', 'localhost')}\n" in done.stdout
    compose.wait_for('up{job="autogluon-bento"}', 1)
    compose.wait_for(ANSWERS, 5)
    assert compose.serves() == sample_image.model
    check_bounds(compose)
    check_files(compose)
    watching = compose.container("prometheus")["Id"]
    check_new_key(compose, sample_image)

    assert compose.up(other_image.model).returncode == 0
    assert compose.serves() == other_image.model
    assert compose.up(sample_image.model).returncode == 0
    assert compose.serves() == sample_image.model
    assert compose.container("prometheus")["Id"] == watching

    assert left()
    assert compose.make("down").returncode == 0
    assert left() == ""
    assert not (ROOT / stack.password_file(compose.variables)).exists()


def check_files(compose: Stack) -> None:
    """The key file and the policy are where the service reads them."""
    body = json.loads((ROOT / "sample" / "request.json").read_text("utf-8")) | {"store_sqft": None}
    assert requests.post(f"{compose.service}/predict", json=body, timeout=60).status_code == 401
    headers = {"Authorization": f"Bearer {compose.variables['API_KEY']}"}
    response = requests.post(f"{compose.service}/predict", json=body, headers=headers, timeout=60)
    assert [fault["reason"] for fault in response.json()["faults"]] == ["null"]


def check_new_key(compose: Stack, image: Built) -> None:
    """A line more in the file that the service read when it started: the next `make up` has it read again."""
    key, line = new_key("another")
    file = ROOT / compose.variables["API_KEYS_FILE"]
    file.write_text(f"{file.read_text('utf-8')}{line}\n", "utf-8")
    headers = {"Authorization": f"Bearer {key}"}
    assert requests.get(f"{compose.service}/model", headers=headers, timeout=60).status_code == 401
    assert compose.up(image.model).returncode == 0
    assert requests.get(f"{compose.service}/model", headers=headers, timeout=60).status_code == 200


def check_bounds(compose: Stack) -> None:
    service, prometheus = compose.container("service"), compose.container("prometheus")
    for container in (service, prometheus):
        assert container["State"]["Health"]["Status"] == "healthy"
        assert container["HostConfig"]["ReadonlyRootfs"] is True
        assert container["HostConfig"]["Memory"] > 0
        assert list(container["NetworkSettings"]["Networks"]) == [f"{PROJECT}_monitoring"]
    (published,) = prometheus["NetworkSettings"]["Ports"]["9090/tcp"]
    assert published["HostIp"] == "127.0.0.1"


@pytest.mark.slow
@pytest.mark.engine
def test_what_is_not_healthy_is_named_with_its_log(compose: Stack, sample_image: Built) -> None:
    compose.variables["SERVICE_WORKERS"] = "many"
    started = time.monotonic()
    done = compose.up(sample_image.model, "WAIT=45")
    assert done.returncode != 0
    assert time.monotonic() - started < 150  # not compose's own patience, which is longer
    # Prometheus may be starting still: it is named after what has failed.
    assert "stack: service is restarting" in done.stderr, done.stderr[-3000:]
    assert "SERVICE_WORKERS='many'" in done.stderr
    assert "Traceback" not in done.stderr
    assert compose.make("down").returncode == 0
    assert left() == ""


@pytest.mark.slow
@pytest.mark.engine
def test_grafanas_user_can_read_the_password(compose: Stack, sample_image: Built, tmp_path: Path) -> None:
    """Where no Grafana image can be had, another one as Grafana's uid shows that the secret gets there."""
    override = tmp_path / "override.yaml"
    override.write_text(
        f'services: {{grafana: {{image: "{sample_image.name}", user: "472", entrypoint: [cat]}}}}', "utf-8"
    )
    files_of_the_service = {"API_KEYS_FILE": "", "POLICY_FILE": ""}  # `make up` makes absolute paths of them
    variables = {
        **compose.variables,
        **files_of_the_service,
        "IMAGE": sample_image.name,
        "GRAFANA_ADMIN_PASSWORD": "made-for-a-test",
    }
    files = ("-f", str(ROOT / "compose.yaml"), "-f", str(override))
    done = subprocess.run(
        ["docker", "compose", *files, "run", "--rm", "--no-deps", "grafana", "/run/secrets/grafana_admin_password"],
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "made-for-a-test", done.stderr
