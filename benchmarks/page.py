"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.machine import machine, versions
from benchmarks.models import RECIPES
from benchmarks.results import Calls, Cell, Http, Many, Memory, Results, Start, Watching
from benchmarks.servers import ECHO, FLASK
from benchmarks.targets import targets

MEBIBYTE = 2**20


def page(found: Results, plot: str) -> str:
    """Write the page; ``plot`` is the file name of the picture that it shows."""
    parts = [
        _HEAD,
        _table(("what", "measured", "must be", "reached"), (t.cells() for t in targets(found)), "lrrl"),
        f"![one row in process, and requests a second over HTTP]({plot})",
        "## The predictors",
        "\n".join(f"- **{recipe.name}**: {recipe.title}; {recipe.n:,} made-up rows." for recipe in RECIPES.values()),
        *_sections(found),
        "## Where and how",
        _where(found),
    ]
    return "\n\n".join(parts) + "\n"


def _sections(found: Results) -> Iterable[str]:
    if found.calls:
        yield from ("## In process", _CALLS, calls_table(found.calls))
    if found.http:
        yield from ("## One row over HTTP", _HTTP, http_table(found.http), _notes(found.http))
    if found.memory:
        yield from ("## Memory", _MEMORY, memory_table(found.memory))
    if found.start:
        yield from ("## Start", _START, start_table(found.start))
    if found.many:
        yield from ("## Validation, and many rows", _MANY, many_table(found.many))
    if found.watching:
        yield from ("## Watching", _WATCHING, watching_table(found.watching))


def calls_table(calls: Calls) -> str:
    """Write the calls in process."""
    lines = (
        (
            call.model,
            f"{call.rows:,}",
            "compiled" if call.compiled else "AutoGluon, persisted",
            f"{call.calls:,}",
            _ms(call.p50),
            _ms(call.p99),
        )
        for call in calls.calls
    )
    return _table(("predictor", "rows", "answered by", "calls", "p50 ms", "p99 ms"), lines, "lrlrrr")


def http_table(http: Http) -> str:
    """Write the servers, one line a predictor, number of connections and server."""
    heads = ("predictor", "server", "connections", "req/s", "p50 ms", "p99 ms", "p99 / p50", "Flask = 1", "echo = 1")
    return _table((*heads, "not 200", "generator"), (_http_line(http, cell) for cell in http.cells), "llrrrrrrrrr")


def _http_line(http: Http, cell: Cell) -> Sequence[str]:
    ratios = (_ratio(cell.rate, _rate(http.cell(cell.model, key, cell.connections))) for key in (FLASK, ECHO))
    return (
        cell.model,
        cell.title,
        str(cell.connections),
        f"{cell.rate:,.0f}" if cell.rate >= 10 else f"{cell.rate:.2f}",
        _ms(cell.p50),
        _ms(cell.p99),
        _ratio(cell.p99, cell.p50),
        *ratios,
        str(cell.failures),
        f"{cell.generator_share:.0%}",
    )


def _notes(http: Http) -> str:
    stock = [model for model, compiled in http.compiled.items() if not compiled]
    told = f"Load by {http.generator}; `generator` is the share of one core that it took."
    if stock:
        told += f" The service answered {', '.join(stock)} with AutoGluon's own predictor, not compiled."
    return told


def memory_table(memory: Memory) -> str:
    """Write what workers have for themselves."""
    lines = [
        ("a worker that serves the predictor", _sizes(memory.workers)),
        (f"a BentoML worker with the same {memory.modules:,} modules and no model", _sizes(memory.hollow)),
        ("what a second worker adds (the largest less the smallest)", _size(memory.second)),
        ("the artefact's arrays, which all workers share", _size(memory.arrays)),
    ]
    if memory.only_hollow:
        lines.append(("libraries that only the hollow workers had", ", ".join(memory.only_hollow)))
    return _table(("private memory of", "MiB"), lines, "lr")


def start_table(start: Start) -> str:
    """Write the times to the first answer."""
    lines = ((name, ", ".join(f"{s:.2f}" for s in taken)) for name, taken in vars(start).items())
    return _table(("stack", "seconds"), lines, "lr")


def many_table(many: Many) -> str:
    """Write what the service adds to its model."""
    lines = (
        ("one row over HTTP, client and all", _ms(many.one)),
        ("its validation: JSON values → the model's columns", _ms(many.validation)),
        ("1,000 rows of JSON in one request, client and all", _ms(many.many)),
        ("AutoGluon's `predict` of the same 1,000 rows, persisted", _ms(many.stock)),
    )
    return _table(("medium, 1 worker", "median ms"), lines, "lr")


def watching_table(watching: Watching) -> str:
    """Write what counting costs."""
    lines = (
        ("all counted", f"{watching.cpu:.0f}", _ms(watching.p50)),
        ("BentoML's metrics alone", f"{watching.cpu_unwatched:.0f}", _ms(watching.p50_unwatched)),
    )
    return _table(("medium, 1 worker, 1 connection", "processor time µs / request", "p50 ms"), lines, "lrr")


def _where(found: Results) -> str:
    times = ", ".join(f"{part} {when}" for part, when in found.taken.items())
    lines = (f"- {machine()}", f"- {versions()}", f"- measured: {times}", _COMMANDS)
    return "\n".join(lines)


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]], align: str) -> str:
    rule = "|".join("---:" if side == "r" else "---" for side in align)
    return "\n".join((f"| {' | '.join(heads)} |", f"|{rule}|", *(f"| {' | '.join(line)} |" for line in lines)))


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.3f}" if milliseconds < 1 else f"{milliseconds:,.2f}"


def _size(n: int) -> str:
    return f"{n / MEBIBYTE:,.1f}"


def _sizes(sizes: Iterable[int]) -> str:
    return ", ".join(map(_size, sizes))


def _rate(cell: Cell | None) -> float:
    return cell.rate if cell else 0.0


def _ratio(a: float, b: float) -> str:
    return "-" if not b else f"{a / b:.2g}" if a / b < 10 else f"{a / b:,.0f}"


_HEAD = """\
# How fast

Made by `make bench`; all ratios of one table are of one run, on one machine, load generators on the same cores."""

_CALLS = """\
One process; calls of the compiled predictor (one row: a dict; `threads` = cores) and of AutoGluon's own with its
models persisted (a DataFrame, made beforehand) take turns. Rows vary from call to call. Before the measurement both
answered the same 2,000 rows, one by one and together, and were equal to 1e-6."""

_HTTP = """\
Every request posts one of 2,000 different rows. The servers of one predictor run together and are measured in turn,
in interleaved rounds, after a warm-up. The Flask service is the original's design written anew: gunicorn with two
workers, `TabularPredictor.load`, one row a request; gunicorn's workers close the connection after every answer, so
opening the next is part of their time. LitServe has batches of up to 64 rows and waits 5 ms for one to fill."""

_MEMORY = """\
Private_Clean + Private_Dirty of each of two workers, after the same load of varying rows on 32 connections. The
hollow workers import every module that a worker of the service had imported by then, in the same order."""

_START = """\
From the files to the first answer of one row, in a process that has imported everything: each process opens and
answers twice, and the second time counts. Every number is one process."""

_MANY = """\
The service has one worker, and `predict` runs in the benchmark's own process while the service waits."""

_WATCHING = """\
The service, and the same one without its own counting: requests by reason, size and stage, values off, predictions and
drift in all 20 features and the answer, access log off. Processor time is all that the worker used, its threads too,
by the number of answers."""

_COMMANDS = """\
- `make bench` trains, compiles and imports what is not in `build/bench-models/` yet, measures, and writes this page
  and its picture. One part alone: `python -m benchmarks calls` (or `start`, `http`, `memory`, `many`, `watching`;
  `--quick` for a short look), kept in `build/bench/`; `python -m benchmarks page` writes the page of what is there."""
