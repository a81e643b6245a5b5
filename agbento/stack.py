"""The service with Prometheus and Grafana, by docker compose: ``python -m agbento.stack up|down``."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agbento.bundle import NAME, build_image, docker, split_options
from agbento.errors import AgbentoError, ServiceFailed
from agbento.lock import ROOT
from agbento.text import os_fault

_FILES = ("POLICY_FILE", "API_KEYS_FILE", "PROMETHEUS_KEY_FILE")  # that compose.yaml mounts where they are set
# What a container reads when it starts: files that the environment names, and patterns below monitoring/. A label is of
# their content.
_READ = {
    "SERVICE_FILES": (("POLICY_FILE", "API_KEYS_FILE"), ()),
    "PROMETHEUS_FILES": (("PROMETHEUS_KEY_FILE",), ("prometheus.yml", "rules/*.yml", "alerts/*.yml")),
    "ALERTMANAGER_FILES": ((), ("alertmanager.yml",)),
}
_PASSWORD = "GRAFANA_ADMIN_PASSWORD"  # noqa: S105 - the name of a variable
WAIT_SECONDS = 180
LOG_LINES = 20


def up(image: str, services: Sequence[str] = (), wait_seconds: int = WAIT_SECONDS) -> dict[str, str]:
    """Start ``services`` (none named: all of compose.yaml) and wait until they are healthy; ``image`` is the service's.

    What runs with another image, other settings or other content of the files that it reads at its start is replaced.
    Returns where each is published: service → URL.

    Raises:
        ServiceFailed: a file that the environment names is not there, or something is not healthy after
            ``wait_seconds``; its last log lines have gone to stderr.
    """
    variables = _variables(image)
    # A service that was never healthy is given up on by compose itself, after this long.
    wait = ["up", "--detach", "--wait", "--wait-timeout", str(wait_seconds), *services]
    if _compose(wait, variables).returncode == 0:
        return published(variables)
    sick = _unhealthy(variables)
    for service, state in sick.items():
        sys.stderr.write(f"--- {service}: {state}; its last {LOG_LINES} lines:\n")
        sys.stderr.flush()
        _compose(["logs", "--no-log-prefix", "--tail", str(LOG_LINES), service], variables)
    said = ", ".join(f"{service} is {state}" for service, state in sick.items()) or "docker compose could not start it"
    raise ServiceFailed(f"stack: {said}; see the lines above, mend it and `make up` again, or end it with `make down`")


def down() -> None:
    """Remove the containers, the network, the volumes and the password; images stay. Raises ServiceFailed."""
    # The password is used by nothing here. What a profile started is left without its name.
    variables = {**os.environ, _PASSWORD: "none", "COMPOSE_PROFILES": "alerts"}
    done = _compose(["down", "--volumes", "--remove-orphans"], variables)
    if done.returncode != 0:
        raise ServiceFailed("stack: docker compose could not remove it; its lines above say why")
    (ROOT / password_file(os.environ)).unlink(missing_ok=True)


def password_file(variables: Mapping[str, str]) -> Path:
    """Give the file, in the project, of the Grafana password that `up` makes where the environment gives none."""
    return Path(".cache") / f"{variables.get('COMPOSE_PROJECT_NAME') or NAME}-grafana-password"


def _variables(image: str) -> dict[str, str]:
    variables = {**os.environ, "IMAGE": image}
    for name in _FILES:
        if variables.get(name):
            # Docker would take a name for a volume, and make a folder of a file that is not there.
            variables[name] = str(Path(variables[name]).absolute())
            if not Path(variables[name]).is_file():
                raise ServiceFailed(f"stack: {name}={variables[name]}: no such file")
    variables |= {label: _digest(*read, variables) for label, read in _READ.items()}
    if not variables.get(_PASSWORD):
        variables[_PASSWORD] = _password(ROOT / password_file(variables))
    return variables


def _digest(named: Sequence[str], patterns: Sequence[str], variables: Mapping[str, str]) -> str:
    files = [Path(variables[name]) for name in named if variables.get(name)]
    files += [file for pattern in patterns for file in sorted((ROOT / "monitoring").glob(pattern))]
    digest = hashlib.sha256()
    for file in files:
        try:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        except OSError as error:
            raise ServiceFailed(f"stack: {file}: {os_fault(error)}") from None
    return digest.hexdigest()[:16]


def _password(file: Path) -> str:
    """Read the password that an earlier `up` made, or make one that only the owner can read."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(18) + "\n", encoding="ascii")
    return file.read_text(encoding="ascii").strip()


def _unhealthy(variables: dict[str, str]) -> dict[str, str]:
    """Ask which containers are not up and healthy: service → what it is instead, those that are only starting last."""
    ids = [row["ID"] for row in _containers(variables)]
    if not ids:
        return {}
    found = subprocess.run([docker(), "inspect", *ids], stdout=subprocess.PIPE, text=True, check=False).stdout
    containers = json.loads(found or "[]")
    states = {read["Config"]["Labels"]["com.docker.compose.service"]: _state(read) for read in containers}
    sick = {service: state for service, state in states.items() if state not in ("healthy", "running")}
    return dict(sorted(sick.items(), key=lambda item: item[1] == "starting"))


def _state(container: dict[str, Any]) -> str:
    """Give a container's health where it runs and has one, else its state: ``restarting``, ``exited`` …

    One that has ended before and is not healthy now is ``restarting``, in the moments too in which it runs.
    """
    state = container["State"]
    told = state["Health"]["Status"] if state["Status"] == "running" and state.get("Health") else state["Status"]
    return "restarting" if told == "starting" and container["RestartCount"] else str(told)


def published(variables: dict[str, str]) -> dict[str, str]:
    """Ask where the running services are published: service → URL on this machine."""
    ports = {
        row["Service"]: [p["PublishedPort"] for p in row.get("Publishers") or ()] for row in _containers(variables)
    }
    return {service: f"http://localhost:{max(found)}" for service, found in sorted(ports.items()) if any(found)}


def _containers(variables: dict[str, str]) -> list[dict[str, Any]]:
    return _rows(_compose(["ps", "--all", "--format", "json"], variables, capture=True).stdout)


def _rows(text: str) -> list[dict[str, Any]]:
    """Read what ``docker compose ps`` prints: one object a line, or, before 2.21, one array."""
    read = [json.loads(line) for line in text.splitlines() if line.strip()]
    return read[0] if read and isinstance(read[0], list) else read


def _compose(
    arguments: Sequence[str], variables: dict[str, str], capture: bool = False
) -> subprocess.CompletedProcess[str]:
    command = [docker(), "compose", "--file", str(ROOT / "compose.yaml"), *arguments]
    stdout = subprocess.PIPE if capture else sys.stderr
    return subprocess.run(command, env=variables, cwd=ROOT, stdout=stdout, text=True, check=False)


def _welcome(urls: dict[str, str]) -> str:
    made = password_file(os.environ)
    password = f"in {made}" if (ROOT / made).exists() else f"as {_PASSWORD} says"
    notes = {"grafana": f"  user admin, password {password}"}
    return "".join(f"{service:<12}{url}{notes.get(service, '')}\n" for service, url in urls.items())


def main(arguments: Sequence[str] | None = None) -> int:
    """Start or end the stack as the command line says; 1 and one line on stderr if that cannot be."""
    parser = argparse.ArgumentParser(prog="python -m agbento.stack", description=__doc__)
    parser.add_argument("what", choices=("up", "down"))
    parser.add_argument("--model", default="", help="`name` or `name:version`; empty: the newest import")
    parser.add_argument("--services", default="", help="which services of compose.yaml; empty: all")
    parser.add_argument("--wait", type=int, default=WAIT_SECONDS, help="seconds until all must be healthy")
    parser.add_argument("--options", default="", help="more options for `bentoml containerize`, as one text")
    asked = parser.parse_args(arguments)
    try:
        if asked.what == "down":
            down()
            return 0
        from agbento.store import find

        image = build_image(find(asked.model or None), split_options(asked.options))
        urls = up(image, asked.services.split(), asked.wait)
    except AgbentoError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(_welcome(urls))
    return 0


if __name__ == "__main__":
    sys.exit(main())
