"""The load generator ``wrk``, where it is installed: it is in C, and so not what limits a server in Python."""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measured import Measured

SCRIPT = Path(__file__).with_name("wrk.lua")
PATIENCE_SECONDS = 120  # after which an answer counts as a failure


def program() -> str | None:
    """Give the path of wrk; None where it is not installed."""
    return shutil.which("wrk")


def measure(port: int, bodies: Sequence[bytes], connections: int, seconds: float) -> Measured:
    """Send ``bodies`` in turn to ``POST /predict`` on loopback, over ``connections`` connections that are kept alive.

    Seconds are rounded up to whole ones.
    Raises OSError where wrk cannot connect, ValueError for a body of several lines.
    """
    if any(b"\n" in body for body in bodies):
        raise ValueError("a body of several lines; expected one line each")
    with tempfile.TemporaryDirectory(prefix="agbento-wrk-") as scratch:
        lines = Path(scratch) / "bodies"
        lines.write_bytes(b"\n".join(bodies) + b"\n")
        return _run(port, lines, connections, seconds)


def _run(port: int, lines: Path, connections: int, seconds: float) -> Measured:
    whole = str(int(-(-seconds // 1)))
    options = ("-t", "1", "-c", str(connections), "-d", whole, "--timeout", str(PATIENCE_SECONDS))
    command = [program() or "wrk", *options, "-s", str(SCRIPT), f"http://127.0.0.1:{port}/predict", "--", str(lines)]
    before = _children_seconds()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"wrk: {(done.stderr or done.stdout).strip()}")
    return _read(done.stdout, _children_seconds() - before)


def _read(told: str, generator_seconds: float) -> Measured:
    got, errors = Measured(generator_seconds=generator_seconds), 0
    for name, *values in (line.split() for line in told.splitlines() if line):
        match name:
            case "seconds":
                got.seconds = float(values[0])
            case "failures":
                got.failures = int(values[0])
            case "not200":
                errors = int(values[0])
            case "latency":
                got.latencies[int(values[0])] += int(values[1])
    # wrk does not tell which latencies are those of errors: the fastest go, so that errors flatter nobody.
    for microseconds in sorted(got.latencies):
        taken = min(errors, got.latencies[microseconds])
        got.latencies[microseconds] -= taken
        errors -= taken
    return got


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
