"""Fixtures that are shared: one trained predictor a kind, one store, one running service."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from sample.odd_columns import odd_predictor
from sample.toys import Kind
from tests.alerting import alertmanager_program
from tests.running import ROOT, Running, imported

pytest_plugins = ["tests.image_fixtures", "tests.s3_fixtures", "tests.served_models"]


# How long an example takes says more of the machine than of us. With REQUIRE_ALL=1 every run has the same examples:
# what new ones find is for who works on the project, not for who asks whether it is whole.
settings.register_profile(
    "ours",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("REQUIRE_ALL") == "1",
)
settings.load_profile("ours")

# The background job of a shell ignores SIGINT, and so would every process that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


def _engine_missing() -> str | None:
    if shutil.which("docker") is None:
        return "no docker client on this machine"
    try:
        subprocess.run(["docker", "info"], capture_output=True, check=True, timeout=30)
    except (subprocess.SubprocessError, OSError):
        return "no container engine answers"
    return None


def _prometheus_missing() -> str | None:
    missing = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]
    return f"not on this machine: {', '.join(missing)}" if missing else None


def _alertmanager_missing() -> str | None:
    return None if alertmanager_program() and shutil.which("amtool") else "not on this machine: alertmanager and amtool"


def _chromium_missing() -> str | None:
    return None if shutil.which("chromium") else "not on this machine: chromium"


_NEEDS = {
    "engine": _engine_missing,
    "prometheus": _prometheus_missing,
    "alertmanager": _alertmanager_missing,
    "chromium": _chromium_missing,
}


# Files that share what is dear to make: one process of a run has them all.
_TOGETHER = {"tests/test_image.py": "image", "tests/test_compose.py": "image", "tests/test_bundle.py": "image"}


class _ByFile(LoadScopeScheduling):
    """Hands out whole files of tests to the processes of a run."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return _TOGETHER.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Hand out files; xdist's own groups are lost on pytest 9.2."""
    return _ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow files first, so that two processes end at about the same time, and skip what cannot run here.

    A skip has its reason; with REQUIRE_ALL=1 what lacks fails instead.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    together = {str(ROOT / file) for file in _TOGETHER}
    items.sort(key=lambda item: (str(item.path) not in together, item.path not in slow))
    if os.environ.get("REQUIRE_ALL") == "1":
        return
    for marker, missing in _NEEDS.items():
        needing = [item for item in items if item.get_closest_marker(marker)]
        if needing and (reason := missing()):
            for item in needing:
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name parameters that hold a key or its hash by their argument: the processes of a run must name tests alike."""
    text = val.decode("latin-1") if isinstance(val, bytes) else val
    return argname if isinstance(text, str) and re.search(r"[\w-]{42}", text) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With REQUIRE_ALL=1 a skip is a failure."""
    report = yield
    if os.environ.get("REQUIRE_ALL") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped under REQUIRE_ALL=1: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def sample_predictor() -> Path:
    """The demo's predictor, trained once and kept in .cache."""
    from sample.train import sample_predictor

    return sample_predictor(ROOT / ".cache" / "sample")


@pytest.fixture(scope="session")
def odd_predictors(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Predictors with a column of every kind, one for each problem type, each trained when it is first asked for."""
    folder = tmp_path_factory.mktemp("odd")

    class Trained(dict[str, Path]):
        def __missing__(self, kind: str) -> Path:
            self[kind] = odd_predictor(cast(Kind, kind), folder / kind)
            return self[kind]

    return Trained()


@pytest.fixture(scope="session")
def bentoml_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BENTOML_HOME that holds nothing but what the tests import."""
    return tmp_path_factory.mktemp("bentoml")


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Path]:
    """BentoML's model store in an empty folder, set the way BentoML sets the one of a Bento."""
    from bentoml._internal.configuration.containers import BentoMLContainer
    from bentoml._internal.models import ModelStore

    before = BentoMLContainer.model_store.get()
    folder = tmp_path / "home" / "models"
    folder.mkdir(parents=True)
    BentoMLContainer.model_store.set(ModelStore(folder))
    yield folder
    BentoMLContainer.model_store.set(before)


@pytest.fixture(scope="session")
def sample_tag(sample_predictor: Path, bentoml_home: Path) -> str:
    """The tag of the sample predictor, imported by import_model.py from its folder."""
    return imported(sample_predictor, bentoml_home)


@pytest.fixture(scope="session")
def served(sample_tag: str, bentoml_home: Path) -> Iterator[Running]:
    """`bentoml serve` of the sample model with two workers, exact numbers."""
    with Running(bentoml_home, {"MODEL_TAG": sample_tag, "SERVICE_WORKERS": "2"}) as running:
        yield running
