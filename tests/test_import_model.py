from __future__ import annotations

import fcntl
import hashlib
import os
import pty
import random
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from agbento.digest import folder_digest
from tests.running import ROOT, environment
from tests.s3_fixtures import ACCESS_KEY, S3, SECRET_KEY, Proxy, aws_environment, failing, fake_predictor

COMMAND = (sys.executable, "import_model.py")
DEPLOYMENT = "AutoGluon_mlflow_best_quality_deployment"


def _start(home: Path, *arguments: str, extra: dict[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environment(home, extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _run(home: Path, *arguments: str, extra: dict[str, str] | None = None) -> tuple[int, str, str]:
    process = _start(home, *arguments, extra=extra)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def _fails(home: Path, *arguments: str, extra: dict[str, str] | None = None, code: int = 1) -> str:
    """Run an import that must fail; give its last line, and see that nothing but said lines came."""
    before = _listing(home)
    returned, out, err = _run(home, *arguments, extra=extra)
    lines = err.splitlines()
    assert returned == code, err
    assert out == ""
    assert all(line.startswith("import_model: ") for line in lines), err
    assert SECRET_KEY not in err
    assert ACCESS_KEY not in err
    assert _listing(home) == before
    return lines[-1]


def _listing(home: Path) -> dict[str, str]:
    """Everything below ``home`` with its content, but for the empty folders that BentoML makes there for itself."""
    made = {"bentos", "models", "envs", "tmp"}
    found = {}
    for path in sorted(home.rglob("*")) if home.exists() else []:
        name = path.relative_to(home).as_posix()
        if name not in made:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
    return found


def _settled(home: Path, seconds: float = 30) -> dict[str, str]:
    """The listing once the guardian of a killed import is through."""
    end = time.monotonic() + seconds
    while (home / "agbento-staging").exists() and time.monotonic() < end:
        time.sleep(0.02)
    return _listing(home)


def _model(home: Path, tag: str) -> dict[str, object]:
    folder = home / "models" / tag.replace(":", "/")
    model = yaml.safe_load((folder / "model.yaml").read_text())
    assert folder_digest(folder / "predictor") == model["metadata"]["digest"]
    return dict(model["metadata"])


def test_help_is_quick_and_names_the_variables(tmp_path: Path) -> None:
    code, out, err = _run(tmp_path, "--help")
    assert (code, err) == (0, "")
    for name in ("SOURCE", "--name", "AWS_BUCKET_NAME", "EXPERIMENT_ID", "BENTOML_HOME"):
        assert name in out
    assert list(tmp_path.iterdir()) == []
    python, *script = COMMAND
    timed = [python, "-X", "importtime", *script, "--help"]
    told = subprocess.run(timed, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stderr
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in told.splitlines()}
    assert "agbento" in imported
    assert not imported & {"bentoml", "autogluon", "pandas", "numpy", "boto3", "botocore", "requests", "yaml"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "AWS_BUCKET_NAME and EXPERIMENT_ID not set"),
        (("s3://bucket/y", "--name", "Not Valid"), "--name 'Not Valid': expected .* for example not-valid"),
        (
            ("s3://bucket/y", "--rows", "nowhere.csv"),
            "--rows nowhere.csv: no such file; expected rows as CSV or Parquet",
        ),
        (("s3://key:topsecret@bucket/x",), "credentials are never given"),
        (("gs://bucket/x",), "only s3://bucket/prefix and folders"),
    ],
)
def test_wrong_usage_is_exit_2(tmp_path: Path, arguments: tuple[str, ...], expected: str) -> None:
    line = _fails(tmp_path, *arguments, extra=aws_environment("http://127.0.0.1:9"), code=2)
    assert re.search(expected, line)
    assert "topsecret" not in line


def test_wrong_options_are_exit_2(tmp_path: Path) -> None:
    code, out, err = _run(tmp_path, "--nonsense")
    assert (code, out) == (2, "")
    assert "usage:" in err


@pytest.mark.slow
def test_from_a_folder_and_again(sample_predictor: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    code, out, err = _run(home, str(sample_predictor))
    assert code == 0, err
    tag = out.splitlines()[-1]
    assert tag == f"{DEPLOYMENT.lower()}:{folder_digest(sample_predictor)[:16]}"
    assert _model(home, tag)["source"] == f"{sample_predictor.resolve().as_uri()}/"
    assert "\r" not in err, "no bar where stderr is no terminal"
    before = _listing(home)
    code, out, err = _run(home, str(sample_predictor))
    assert (code, out) == (0, f"{tag}\n")
    assert f"already in the store as {tag}" in err
    assert _listing(home) == before


@pytest.mark.slow
def test_the_bar_is_shown_on_a_terminal(tmp_path: Path) -> None:
    predictor = fake_predictor(tmp_path / "p", extra=50)
    (predictor / "large").write_bytes(bytes(60_000_000))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, str(predictor)], cwd=ROOT, env=environment(tmp_path / "home"), stdout=subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:  # how a terminal says that its other end is closed
        pass
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert b"60.0M" in seen
    assert process.returncode == 1, "it is no real predictor"
    assert out == b""


@pytest.mark.slow
def test_a_model_that_mlflow_logged(s3: S3, sample_predictor: Path, tmp_path: Path) -> None:
    logged = subprocess.run(
        [sys.executable, "-m", "tests.mlflow_log", str(tmp_path / "mlruns"), "s3://models/7", str(sample_predictor)],
        cwd=ROOT,
        env=environment(tmp_path, {**s3.environment, "MLFLOW_ALLOW_FILE_STORE": "true"}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert logged.returncode == 0, logged.stderr
    run = logged.stdout.splitlines()[-1]
    keys = [item["Key"] for item in s3.client.list_objects_v2(Bucket=s3.bucket)["Contents"]]
    marks = [key.removesuffix("/predictor.pkl") for key in keys if key.endswith("/predictor.pkl")]
    assert len(marks) == 1
    layout = re.fullmatch(r"7/models/m-[0-9a-f]{32}/artifacts/artifacts/(.+)", marks[0])
    assert layout, f"MLflow 3's layout is expected: {marks[0]}"

    home = tmp_path / "home"
    code, out, err = _run(home, "s3://models/7", extra=s3.environment)
    assert code == 0, err
    tag = out.splitlines()[-1]
    metadata = _model(home, tag)
    assert metadata["mlflow_run_id"] == run
    assert metadata["source"] == f"s3://models/{marks[0]}/"
    assert metadata["digest"] == folder_digest(sample_predictor)
    stored = "".join(p.read_text() for p in home.rglob("model.yaml"))
    for secret in (ACCESS_KEY, SECRET_KEY, s3.endpoint, "127.0.0.1"):
        assert secret not in stored

    # MLflow 2 has the same files below the run; the predictor itself is named, so MLmodel lies above what is listed.
    old = f"8/{run}/artifacts/{DEPLOYMENT}"
    for key in keys:
        target = old + key.removeprefix(marks[0].rpartition("/artifacts/")[0])
        s3.client.copy_object(Bucket=s3.bucket, Key=target, CopySource={"Bucket": s3.bucket, "Key": key})
    variables = {**s3.environment, "AWS_BUCKET_NAME": "models", "EXPERIMENT_ID": f"8/{run}"}
    code, out, err = _run(tmp_path / "second", extra=variables)
    assert code == 0, err
    metadata = _model(tmp_path / "second", out.splitlines()[-1])
    assert metadata["mlflow_run_id"] == run
    assert metadata["source"] == f"s3://models/{old}/artifacts/{DEPLOYMENT}/"

    line = _fails(home, "s3://models/", extra=s3.environment)
    assert "2 predictors under s3://models/: s3://models/7/models/" in line
    assert line.endswith("give one of them as SOURCE")


@pytest.mark.slow
def test_failures_are_one_line(s3: S3, proxy: Proxy, tmp_path: Path) -> None:
    variables = aws_environment(proxy.url)
    s3.put_folder(fake_predictor(tmp_path / "p"), "p/")
    s3.put("elsewhere/file")
    home = tmp_path / "home"
    assert "nothing under s3://models/q/" in _fails(home, "s3://models/q", extra=variables)
    assert "no such bucket" in _fails(home, "s3://other-bucket/q", extra=variables)
    assert "no predictor under s3://models/elsewhere/" in _fails(home, "s3://models/elsewhere", extra=variables)
    assert re.search("predictor", _fails(home, "s3://models/p", extra=variables))
    proxy.rule = failing("ExpiredToken", 400)
    assert "session token has expired" in _fails(home, "s3://models/p", extra=variables)
    proxy.rule = failing("AccessDenied", 403, path="learner.pkl")
    assert "s3://models/p/learner.pkl: access denied" in _fails(home, "s3://models/p", extra=variables)
    missing = {**variables, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    assert "no AWS credentials found" in _fails(home, "s3://models/p", extra=missing)
    assert "no such folder" in _fails(home, str(tmp_path / "nowhere"))
    assert "cannot be reached" in _fails(home, "s3://models/p", extra=aws_environment("http://127.0.0.1:9"))
    assert not (home / "agbento-staging").exists()


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    line = _fails(tmp_path / "file" / "home", str(fake_predictor(tmp_path / "p")))
    assert "set BENTOML_HOME" in line or "BENTOML_HOME cannot be used" in line


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB that holds 40 files and folders."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = "size=1m,nr_inodes=40"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    home = small_disk / "home"
    large = fake_predictor(tmp_path / "large")
    (large / "model").write_bytes(bytes(2_000_000))
    line = _fails(home, str(large))
    assert re.search(
        r"home: No space left on device \(needed: 6 files, 2\.0 MB; free: .*\); free some room, or set", line
    )
    # Room enough, but no place for so many files: found out only while writing.
    line = _fails(home, str(fake_predictor(tmp_path / "many", extra=60)))
    assert re.search(r"home: No space left on device \(needed: 65 files, \d+ bytes\); free some room", line)


def test_a_disk_that_others_fill_meanwhile(small_disk: Path, s3: S3, proxy: Proxy, tmp_path: Path) -> None:
    predictor = fake_predictor(tmp_path / "p")
    (predictor / "model").write_bytes(random.Random(1).randbytes(700_000))
    s3.put_folder(predictor, "p/")

    def fill(_method: str, path: str, _times: int) -> None:
        if path.endswith("/p/model"):
            (small_disk / "theirs").write_bytes(bytes(350_000))

    proxy.rule = fill
    line = _fails(small_disk / "home", "s3://models/p", extra=aws_environment(proxy.url))
    assert "No space left on device (needed: 6 files, 700" in line
    assert "free:" not in line, "there was room at the start"


@pytest.mark.slow
def test_two_at_once(sample_predictor: Path, s3: S3, tmp_path: Path) -> None:
    s3.put_folder(sample_predictor, "p/")
    home = tmp_path / "home"
    both = [_start(home, "s3://models/p", extra=s3.environment) for _ in range(2)]
    ended = [(*process.communicate(timeout=300), process.returncode) for process in both]
    assert [code for _, _, code in ended] == [0, 0], ended
    assert ended[0][0] == ended[1][0]
    assert sum("already in the store as" in err for _, err, _ in ended) == 1
    assert len(list(home.glob("models/*/*/model.yaml"))) == 1
    assert not (home / "agbento-staging").exists()
    _model(home, ended[0][0].strip())


def _seconds(home: Path, s3: S3) -> float:
    """How long an import takes that nobody interrupts."""
    began = time.monotonic()
    assert _run(home, "s3://models/p", extra=s3.environment)[0] == 0
    return time.monotonic() - began


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.timeout(900)
def test_killed_at_ten_moments(number: signal.Signals, sample_predictor: Path, s3: S3, tmp_path: Path) -> None:
    s3.put_folder(sample_predictor, "p/")
    home, seed = tmp_path / "home", 7
    # What was there before must be there after, too: a model of the same name, with another content.
    other = tmp_path / "p"
    subprocess.run(["cp", "-r", str(sample_predictor), str(other)], check=True)
    (other / "note").write_text("another")
    assert _run(home, str(other))[0] == 0
    before = _settled(home)
    whole = min(_seconds(tmp_path / name, s3) for name in ("timed", "timed again"))
    draw, interrupted = random.Random(seed), 0
    for moment in sorted(draw.uniform(0.05, whole) for _ in range(10)):
        process = _start(home, "s3://models/p", extra=s3.environment)
        time.sleep(moment)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        after = _settled(home)
        if after != before:
            # It was through: then all of the model is there, and it is said.
            added = {name for name in after if name not in before}
            tag = f"p:{folder_digest(sample_predictor)[:16]}"
            assert f"models/{tag.replace(':', '/')}/model.yaml" in added, (moment, added, err)
            _model(home, tag)
            assert process.returncode in (0, -signal.SIGKILL), (moment, err)
            subprocess.run(["rm", "-r", str(home / "models" / tag.replace(":", "/"))], check=True)
            (home / "models" / "p" / "latest").write_text(folder_digest(other)[:16])
            assert _settled(home) == before
            continue
        interrupted += 1
        assert process.returncode in ((-signal.SIGKILL,) if number == signal.SIGKILL else (1, -number)), (moment, err)
        assert out == ""
        # Where Python itself was still starting, it is Python that says so.
        by_python = process.returncode == -number or "Fatal Python error: init_" in err
        assert "Traceback" not in err or by_python, (moment, err)
    assert interrupted >= 4
    code, out, err = _run(home, "s3://models/p", extra=s3.environment)
    assert code == 0, err
    _model(home, out.strip())
