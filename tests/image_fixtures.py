"""Container images of real imports, built as `make image` builds them; one home for all, so each is built once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from sample.bucket import bucket
from tests.running import ROOT, environment, imported

# In the environment of the import and of the build, and nowhere else: no layer may hold it.
CANARY = "canary-7c1f0e9ab3d24d5c"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": f"id-{CANARY}",
    "AWS_SECRET_ACCESS_KEY": f"secret-{CANARY}",
    "AWS_SESSION_TOKEN": f"token-{CANARY}",
    "AWS_DEFAULT_REGION": "us-east-1",
}
SECONDS = 120


@dataclass(frozen=True)
class Built:
    """An image: its name, the model in it, the line that told of it, and the home it was built from."""

    name: str
    model: str
    line: str
    home: Path


def docker(*arguments: str, check: bool = True) -> str:
    """Run the engine's client and give what it printed, both streams."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0 or not check, f"docker {arguments}: {done.stderr}"
    return done.stdout + done.stderr


def build(home: Path, model: str) -> Built:
    """Build the image of a stored model, with credentials in the environment."""
    options = f"--options={os.environ.get('IMAGE_OPTIONS', '')}"  # as `make image` has it
    command = [sys.executable, "-m", "agbento.bundle", "image", "--model", model, options]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(home, CREDENTIALS), capture_output=True, text=True, timeout=1500, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    line = done.stdout.splitlines()[-1]
    return Built(line.split()[0], model, line, home)


@pytest.fixture(scope="session")
def image_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The BENTOML_HOME of what becomes an image."""
    return tmp_path_factory.mktemp("image-home")


@pytest.fixture(scope="session")
def sample_image(sample_predictor: Path, image_home: Path) -> Iterator[Built]:
    """The image of the sample predictor, imported from an S3 with the canary's credentials."""
    with bucket(sample_predictor, name="image-test") as s3:
        steering = {**s3.environment, **CREDENTIALS}
        tag = imported(f"s3://{s3.name}/{s3.prefix}", image_home, "--name", "image-test", extra=steering)
    built = build(image_home, tag)
    yield built
    docker("image", "rm", "--force", built.name, check=False)


@pytest.fixture(scope="session")
def other_image(sample_image: Built, sample_predictor: Path) -> Iterator[Built]:
    """A second model's image: the same predictor under another name, so that all but one layer is there already."""
    built = build(sample_image.home, imported(sample_predictor, sample_image.home, "--name", "image-test-other"))
    yield built
    docker("image", "rm", "--force", built.name, check=False)


class Container:
    """A running image; gone, whatever its state, at the end of the block."""

    def __init__(self, image: str, *options: str) -> None:
        self.id = docker("run", "--detach", "--publish", "127.0.0.1::9696", *options, image).split()[-1]
        self.url = ""

    def __enter__(self) -> Container:
        try:
            self._wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait_ready(self) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self.state()["Running"]:
            if ports := docker("port", self.id, "9696/tcp", check=False).split():
                self.url = f"http://{ports[0]}" if ":" in ports[0] else ""
            if self.url and self.ready():
                return
            time.sleep(0.2)
        raise AssertionError(f"not ready: {self.state()} {self.log()}")

    def ready(self) -> bool:
        """Ask /readyz, with a time-out."""
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def post(self, body: Any) -> requests.Response:
        """POST /predict, a JSON body."""
        return requests.post(f"{self.url}/predict", json=body, timeout=60)

    def state(self) -> dict[str, Any]:
        """The engine's word on it."""
        read: dict[str, Any] = json.loads(docker("inspect", "--format", "{{json .State}}", self.id))
        return read

    def python(self, code: str) -> str:
        """Run Python in it."""
        return docker("exec", self.id, "python", "-c", code)

    def workers(self) -> list[int]:
        """The process ids, in it, of the workers, oldest first."""
        code = (
            "import os, psutil; print(*[p.pid for p in psutil.process_iter(['cmdline'])"
            " if '_bentoml_impl.worker.service' in ' '.join(p.info['cmdline'] or ()) and p.pid != os.getpid()])"
        )
        return sorted(map(int, self.python(code).split()))

    def log(self) -> str:
        """What it printed."""
        return docker("logs", self.id)

    def __exit__(self, *_: object) -> None:
        docker("rm", "--force", "--volumes", self.id, check=False)
