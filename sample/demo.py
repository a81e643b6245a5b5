"""``make demo``: a model goes from S3 to five answers, on this machine alone.

The sample predictor is put into an S3 of our own, imported from there and served; five rows are sent. The answers go to
stdout, one a line, all else to stderr. Whatever was started is ended, on an error and on Ctrl-C too.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final, NoReturn

from sample.ask import answers
from sample.bucket import Bucket, bucket
from sample.child import Child, ChildFailed
from sample.client import Client, NoAnswer

ROOT: Final = Path(__file__).resolve().parents[1]
PORT: Final = int(os.environ.get("PORT", "9696"))
ROWS: Final = 5
IMPORT_SECONDS: Final = 300.0
READY_SECONDS: Final = 180.0
PROBE_SECONDS: Final = 2.0  # a worker that is not ready accepts a probe and says nothing


class DemoFailed(Exception):
    """The demo cannot go on; the text says why."""


def main() -> int:
    """Run the demo: 0, 1 with the reason on stderr, or 130 when it was interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _check_port()
        tag = _import()
        _serve_and_ask(tag)
    except (DemoFailed, ChildFailed, NoAnswer) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _say("interrupted; everything it started has ended")
        return 130
    return 0


def _import() -> str:
    """Bring the sample predictor into the store by way of S3; give its tag."""
    started = time.monotonic()
    from sample.train import sample_predictor  # AutoGluon takes seconds to load: a taken port is told at once

    folder = sample_predictor(ROOT / ".cache" / "sample")
    _say(f"sample predictor: {folder.relative_to(ROOT)} ({time.monotonic() - started:.0f} s)")
    with bucket(folder) as s3:
        _say(f"import from s3://{s3.name}/{s3.prefix} at {s3.endpoint}")
        return _run_import(s3)


def _run_import(s3: Bucket) -> str:
    try:
        done = subprocess.run(
            [sys.executable, str(ROOT / "import_model.py")],
            env=_import_environment(s3),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=IMPORT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DemoFailed(f"import_model.py took more than {IMPORT_SECONDS:.0f} s") from None
    if done.returncode != 0 or not done.stdout.strip():
        raise DemoFailed(f"import_model.py ended with {done.returncode}; its reason is above")
    return done.stdout.strip().splitlines()[-1]


def _import_environment(s3: Bucket) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**own, **s3.environment}


def _serve_and_ask(tag: str) -> None:
    """Serve ``tag``, print the answers to five rows, and end the service."""
    command = [str(Path(sys.executable).with_name("bentoml")), "serve", "--port", str(PORT)]
    env = {**os.environ, "MODEL_TAG": tag, "PREDICTION_DECIMALS": "2", "BENTOML_DO_NOT_TRACK": "True"}
    url = f"http://127.0.0.1:{PORT}"
    probe = Client(url, read_seconds=PROBE_SECONDS)
    with tempfile.TemporaryDirectory(prefix="agbento-demo-") as scratch:
        _say(f"serve {tag} on {PORT}")
        with Child(command, Path(scratch) / "service.log", env, ROOT) as service:
            service.wait_until(probe.ready, READY_SECONDS)
            client = Client(url)
            if client.model()["tag"] != tag:
                raise DemoFailed(f"another service answers on {PORT}: end it and try again")
            for answer in answers(client, ROWS):
                print(answer, flush=True)
            _say("end the service")


def _check_port() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", PORT))
        except OSError as error:
            raise DemoFailed(
                f"port {PORT} is taken ({error.strerror}): end what listens there, or name another: make demo PORT=…"
            ) from None


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


def _say(step: str) -> None:
    print(f"demo: {step}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
