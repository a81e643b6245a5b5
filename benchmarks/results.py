"""What the parts of the benchmark find, and the files that keep it between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "build" / "bench"

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """Calls in process: ``rows`` rows each, of one predictor, stock (persisted) or compiled."""

    model: str
    compiled: bool
    rows: int
    calls: int
    p50: float
    """Milliseconds, as all times here that say nothing else."""
    p99: float


@dataclass(frozen=True)
class Calls:
    """What the calls in process took, and which predictors were compiled without a rest."""

    calls: tuple[Call, ...]
    native: dict[str, bool]

    def p50(self, model: str, rows: int, compiled: bool) -> float:
        """Give the median; NaN where it was not measured."""
        found = (c.p50 for c in self.calls if (c.model, c.rows, c.compiled) == (model, rows, compiled))
        return next(found, float("nan"))


@dataclass(frozen=True)
class Cell:
    """One server under one load."""

    model: str
    server: str
    title: str
    connections: int
    answers: int
    seconds: float
    rate: float
    p50: float
    p99: float
    failures: int
    generator_share: float
    """The share of one core that the load generator used."""


@dataclass(frozen=True)
class Http:
    """What the servers gave, what made the load, and which predictors the service had compiled."""

    cells: tuple[Cell, ...]
    generator: str
    compiled: dict[str, bool]

    def cell(self, model: str, server: str, connections: int) -> Cell | None:
        """Find a cell; None where it was not measured."""
        found = (c for c in self.cells if (c.model, c.server, c.connections) == (model, server, connections))
        return next(found, None)


@dataclass(frozen=True)
class Memory:
    """Private bytes (clean and dirty) of each of two workers, after the same load."""

    workers: tuple[int, ...]
    hollow: tuple[int, ...]
    """Of a BentoML service that imports the same modules, and holds no model."""
    arrays: int
    modules: int
    """How many modules the hollow workers imported."""
    only_hollow: tuple[str, ...]
    """Shared libraries that only the hollow workers had mapped; expected none."""

    @property
    def second(self) -> int:
        """What a second worker adds, beyond a hollow one: from the larger worker and the smaller hollow one."""
        return max(self.workers) - min(self.hollow)


@dataclass(frozen=True)
class Start:
    """Seconds from the files to the first answer, in a process that had all modules imported, of several processes."""

    compiled: tuple[float, ...]
    stock: tuple[float, ...]


@dataclass(frozen=True)
class Many:
    """Medians in milliseconds of what the service adds to its model."""

    one: float
    validation: float
    many: float
    stock: float
    turns: int


@dataclass(frozen=True)
class Watching:
    """Medians of one row over HTTP with the service's own counting, and without.

    Processor time of the workers in microseconds a request; the latency's median in milliseconds.
    """

    cpu: float
    cpu_unwatched: float
    p50: float
    p50_unwatched: float
    turns: int


@dataclass(frozen=True)
class Results:
    """All that was measured; None: it was not."""

    calls: Calls | None = None
    http: Http | None = None
    memory: Memory | None = None
    start: Start | None = None
    many: Many | None = None
    watching: Watching | None = None
    taken: dict[str, str] = field(default_factory=dict)
    """When each part was measured."""


TYPES: Final[dict[str, Any]] = {
    "calls": Calls,
    "http": Http,
    "memory": Memory,
    "start": Start,
    "many": Many,
    "watching": Watching,
}


def save(part: str, found: Any, folder: Path = FOLDER) -> None:
    """Keep what ``part`` found."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{part}.json").write_bytes(TypeAdapter(TYPES[part]).dump_json(found, indent=1) + b"\n")


def load(folder: Path = FOLDER) -> Results:
    """Read what ``folder`` has."""
    from datetime import datetime, timezone

    found: dict[str, Any] = {}
    taken: dict[str, str] = {}
    for part, kind in TYPES.items():
        file = folder / f"{part}.json"
        if file.exists():
            found[part] = TypeAdapter(kind).validate_json(file.read_bytes())
            taken[part] = f"{datetime.fromtimestamp(file.stat().st_mtime, timezone.utc):%Y-%m-%d %H:%M} UTC"
    return Results(**found, taken=taken)
