from __future__ import annotations

import gzip
import json
import re
import subprocess
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pytest
import requests

from agbento import bundle
from agbento.budget import Budget
from agbento.errors import ServiceFailed
from agbento.lock import PYTHON
from tests.image_fixtures import CANARY, Built, Container, build, docker
from tests.running import REQUEST, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.timeout(2400)]

# How a cautious operator runs it: nothing writable but /tmp, and a uid that the image does not know.
LOCKED_DOWN = ("--read-only", "--tmpfs", "/tmp", "--user", "12345", "--cap-drop", "ALL")
CHUNK = 1 << 20


@pytest.fixture(scope="module")
def container(sample_image: Built) -> Iterator[Container]:
    options = (*LOCKED_DOWN, "--security-opt", "no-new-privileges", "--env", "SERVICE_WORKERS=2")
    with Container(sample_image.name, *options) as running:
        yield running


def test_it_answers_as_the_predictor_in_process(container: Container, sample_predictor: Path) -> None:
    from autogluon.tabular import TabularPredictor

    predictor = TabularPredictor.load(str(sample_predictor), verbosity=0)
    rows = [REQUEST, {**REQUEST, "store_sqft": 20319, "gross_weight": 6.5}, {**REQUEST, "total_children": 0}]
    expected = predictor.predict(pd.DataFrame(rows), as_pandas=False)
    one, many = container.post(rows[0]), container.post(rows)
    assert (one.status_code, many.status_code) == (200, 200), one.text + many.text
    assert one.json()["cost"] == pytest.approx(float(expected[0]), rel=1e-12)
    np.testing.assert_allclose([answer["cost"] for answer in many.json()], expected.astype(float), rtol=1e-12)


def test_it_runs_as_that_uid_on_a_read_only_root(container: Container) -> None:
    code = "import os, pathlib; print(os.getuid()); pathlib.Path('/home/bentoml/x').touch()"
    said = docker("exec", container.id, "python", "-c", code, check=False)
    assert said.startswith("12345\n")
    assert "Read-only file system" in said


def test_it_takes_its_workers_from_the_environment(container: Container) -> None:
    assert len(container.workers()) == 2
    assert "workers: 2 (SERVICE_WORKERS)" in container.log()


def test_the_compiled_predictor_serves_on_another_processor(sample_image: Built) -> None:
    # numba's word for a processor of which nothing is known: what it has cached for this one is not taken.
    other = ("--env", "NUMBA_CPU_NAME=generic", "--env", "NUMBA_CPU_FEATURES=", "--env", "SERVICE_WORKERS=1")
    with Container(sample_image.name, *LOCKED_DOWN, *other) as running:
        compiled = requests.get(f"{running.url}/model", timeout=60).json()["compiled"]
        assert compiled["compiled"], compiled["why"]
        assert compiled["native"]
        assert running.post(REQUEST).status_code == 200
        assert "AutoGluon's own predictor serves" not in running.log()


def test_a_killed_worker_is_replaced(container: Container) -> None:
    before = container.workers()
    container.python(f"import os; os.kill({before[0]}, 9)")
    wait_for(lambda: len(after := container.workers()) == 2 and before[0] not in after)
    # Either worker may take a request: both must answer by now.
    time.sleep(5)
    assert {container.post(REQUEST).status_code for _ in range(40)} == {200}


def test_sigterm_ends_it_with_0(sample_image: Built) -> None:
    with Container(sample_image.name, *LOCKED_DOWN) as running:
        assert running.post(REQUEST).status_code == 200
        docker("stop", "--time", "60", running.id)  # else it is killed, and ends with 137
        assert running.state()["ExitCode"] == 0
        assert "Traceback" not in running.log()


@pytest.mark.parametrize(
    ("setting", "reason"),
    [("SERVICE_WORKERS=many", "SERVICE_WORKERS='many'"), ("MODEL_TAG=another:1", "this Bento holds image-test:")],
)
def test_a_wrong_setting_ends_it_with_one_line(sample_image: Built, setting: str, reason: str) -> None:
    command = ["docker", "run", "--rm", *LOCKED_DOWN, "--env", setting, sample_image.name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert reason in said
    assert "Traceback" not in said


def test_its_own_user_is_not_root(sample_image: Built) -> None:
    assert inspected(sample_image, "{{.Config.User}}") == "bentoml"
    assert docker("run", "--rm", "--entrypoint", "id", sample_image.name, "-u").strip() == "1034"


def test_it_reports_to_nobody_and_listens_on_9696(sample_image: Built) -> None:
    variables = json.loads(inspected(sample_image, "{{json .Config.Env}}"))
    assert {"BENTOML_DO_NOT_TRACK=true", "BENTOML_PORT=9696", "BENTOML_HOME=/tmp/bentoml"} <= set(variables)
    assert "9696/tcp" in inspected(sample_image, "{{json .Config.ExposedPorts}}")


def test_it_holds_the_sources_one_model_and_no_tools(sample_image: Built) -> None:
    script = (
        "cd /home/bentoml/bento; find src models -type f; "
        "for tool in gcc git make; do command -v $tool && echo TOOL; done; "
        "ls -A /root /tmp /var/lib/apt/lists | grep -E 'cache|uv-|_Packages' && echo LITTER; true"
    )
    user = ("--user", "0", "--entrypoint", "sh")
    lines = docker("run", "--rm", *user, sample_image.name, "-c", script).splitlines()
    sources = {line for line in lines if line.startswith("src/")}
    assert {"src/service.py", "src/agbento/predictor.py"} <= sources
    assert all(re.fullmatch(r"src/(service\.py|bentofile\.yaml|agbento/[a-z0-9_/]+\.py)", line) for line in sources)
    name, _, version = sample_image.model.partition(":")
    models = [line for line in lines if line.endswith("/model.yaml")]
    assert models == [f"models/{name}/{version}/model.yaml"]
    assert not {"TOOL", "LITTER"} & set(lines)


def test_its_size_is_printed_and_bounded(sample_image: Built) -> None:
    match = re.fullmatch(r"autogluon-bento:image-test-[0-9a-f]{16} (\d+\.\d\d) GB", sample_image.line)
    assert match
    size = int(inspected(sample_image, "{{.Size}}"))
    base = int(docker("image", "inspect", "--format", "{{.Size}}", f"python:{PYTHON}-slim"))
    assert float(match[1]) == pytest.approx(size / 1e9, abs=0.01)
    assert size - base < 1.3e9  # 1.23 GB of them packages, numba and llvmlite 0.2 of it


def test_it_is_not_built_twice(sample_image: Built) -> None:
    before = inspected(sample_image, "{{.Id}} {{.Metadata.LastTagTime}}")
    assert build(sample_image.home, sample_image.model).name == sample_image.name
    assert inspected(sample_image, "{{.Id}} {{.Metadata.LastTagTime}}") == before


def test_no_credential_is_in_history_or_layers(sample_image: Built, tmp_path: Path) -> None:
    history = docker("history", "--no-trunc", sample_image.name) + docker("image", "inspect", sample_image.name)
    assert CANARY not in history
    archive = tmp_path / "image.tar"
    docker("save", "--output", str(archive), sample_image.name)
    # A path of the model is in the layers: finding it shows that the search sees into them.
    visible = f"{sample_image.model.partition(':')[2]}/predictor/predictor.pkl".encode()
    assert search(archive, [CANARY.encode(), visible]) == {visible}


def inspected(image: Built, template: str) -> str:
    return docker("image", "inspect", "--format", template, image.name).strip()


def search(archive: Path, needles: list[bytes]) -> set[bytes]:
    """Find which needles are anywhere in the blobs of a saved image, unpacked where they are compressed."""
    found: set[bytes] = set()
    with tarfile.open(archive) as saved:
        for member in saved:
            if (blob := saved.extractfile(member)) is not None:
                packed = blob.read(2) == b"\x1f\x8b"
                blob.seek(0)
                found |= _occurring(gzip.GzipFile(fileobj=blob) if packed else blob, needles)
    return found


def _occurring(stream: IO[bytes] | gzip.GzipFile, needles: list[bytes]) -> set[bytes]:
    found, before, longest = set(), b"", max(map(len, needles))
    while chunk := stream.read(CHUNK):
        text = before + chunk
        found |= {needle for needle in needles if needle in text}
        before = text[-longest:]
    return found


@dataclass(frozen=True)
class Stored:
    path: str


def test_it_is_within_its_budget_and_above_one_it_names_its_largest_packages(
    sample_image: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = Stored(str(sample_image.home / "models" / sample_image.model.replace(":", "/")))
    line = bundle.check_budget(stored, sample_image.name)
    assert re.fullmatch(r"\S+: \d+ MB beyond its base, of at most \d+: the service \+ catboost \+ lightgbm", line)
    monkeypatch.setattr(Budget, "of", lambda _text: Budget(100, "a small one"))
    with pytest.raises(ServiceFailed, match=r"of at most 100: a small one; its largest packages.*catboost \d+"):
        bundle.check_budget(stored, sample_image.name)


def test_its_labels_and_its_model_say_where_it_comes_from(sample_image: Built, container: Container) -> None:
    labels = json.loads(inspected(sample_image, "{{json .Config.Labels}}"))
    told = requests.get(f"{container.url}/model", timeout=60).json()
    assert json.loads(labels["agbento.provenance"]) == told["provenance"]
    assert labels["org.opencontainers.image.revision"] == told["digest"]
    assert labels["org.opencontainers.image.source"] == told["source"]
    packages = container.python("import importlib.metadata as m; print(*{d.name for d in m.distributions()})").split()
    held = {name.lower().replace("_", "-").replace(".", "-") for name in packages}
    others = ("nvidia-cu", "nvidia-nccl", "torch", "xgboost", "pytest", "moto")
    assert not {name for name in held if name.startswith(others)}
    bill = json.loads(container.python("print(open('/home/bentoml/bento/env/python/sbom.cdx.json').read())"))
    listed = {part["name"] for part in bill["components"] if part["type"] == "library"}
    assert held - listed <= {"pip", "uv", "setuptools"}
    assert listed <= held
