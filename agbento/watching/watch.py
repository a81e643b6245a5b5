"""What a worker counts: gathered on a request's way for next to nothing, written into its metric files by and by."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt

from agbento.digest import short
from agbento.drift import Reference
from agbento.errors import Fault
from agbento.machine import process_memory_bytes, used_memory_bytes
from agbento.metrics import STAGES, ServiceMetrics
from agbento.predictor import Predictions
from agbento.rows import Batch
from agbento.schema import Schema
from agbento.values.policy import Policy
from agbento.values.reasons import Action, Counts, Reason
from agbento.watching.binner import Row
from agbento.watching.drift_series import DriftSeries
from agbento.watching.inputs import Inputs
from agbento.watching.outputs import Outputs
from agbento.watching.trace import REASONS, Noted, Trace, reason_of

logger = logging.getLogger("bentoml.agbento")

FLUSH_SECONDS: Final = 0.25  # what a worker that is killed has not written yet
MEMORY_SECONDS: Final = 15.0  # looking at all processes takes some milliseconds
# Rows that are counted together: many are cheaper, few keep who comes next waiting for less, a quarter millisecond.
ROWS: Final = 64
REQUESTS: Final = 128  # likewise


class Watch:
    """Counts what the requests of one worker were and what the model said, from any thread.

    What is gathered is written by ``flush``, four times a second from ``start`` to ``close``. That is in the event
    loop: a thread of its own would take turns with it all the while, and so disturb ten requests instead of one. Series
    whose labels are known are there at 0 as soon as this is made. ``digest`` is the model's, 16 hex digits.
    """

    def __init__(
        self,
        metrics: ServiceMetrics,
        schema: Schema,
        policy: Policy,
        drift: DriftSeries | None = None,
        digest: str = "",
    ) -> None:
        self.metrics, self._drift = metrics, drift
        self._inputs, self._outputs = Inputs(metrics.values_off, schema, policy), Outputs(metrics, schema, digest)
        self._errors = {reason: metrics.errors.labels(reason) for reason in REASONS}
        self._stages = {stage: metrics.stage.labels(stage) for stage in STAGES}
        self._rows = {outcome: metrics.rows.labels(outcome) for outcome in ("answered", "rejected")}
        # Appending to a deque, and taking from it, needs no lock. Numbers, tuples of them and arrays are nothing that
        # the garbage collector looks at again and again: with what they were taken from, p99 was 2 ms and not 0.7.
        self._ended: deque[Noted] = deque()
        self._seconds: deque[float] = deque()
        self._turns: deque[tuple[Sequence[float], int]] = deque()
        self._off: deque[tuple[tuple[tuple[str, Reason, Action], int], ...]] = deque()
        self._rejected: deque[tuple[int, Sequence[Fault]]] = deque()
        self._answers: deque[npt.NDArray[Any]] = deque()
        self._single: deque[Row] = deque()
        self._batches: deque[Batch] = deque()
        self._waiting = 0  # rows in them, about: threads may add at once
        self._counting = threading.Lock()
        self._cpu, self._memory_at = 0.0, -MEMORY_SECONDS
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def of(cls, folder: Path, schema: Schema, policy: Policy, digest: str | None) -> Watch:
        """Make what counts for the stored model in ``folder``, with the drift reference that its import kept."""
        reference = Reference.load(folder)
        metrics = ServiceMetrics(bounds=reference.buckets if reference is not None else ())
        drift, name = None, short(digest or "")
        if reference is not None and reference.watched:
            try:
                drift = DriftSeries(metrics, reference, schema, name)
            except (LookupError, TypeError, ValueError):
                # Predictions matter more than their watching.
                logger.exception("%s: the drift reference does not fit the model; import it again", folder)
        return cls(metrics, schema, policy, drift, name)

    def start(self) -> None:
        """Flush four times a second from now on, in the event loop that runs here."""
        self._loop = asyncio.get_running_loop()
        self._tick()

    def close(self) -> None:
        """Write what is left, and flush no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop = None
        self.flush()

    def _tick(self) -> None:
        if self._loop is None:
            return
        try:
            self.flush()
            self._look_at_memory(self._loop)
        except Exception:
            logger.exception("metrics could not be written; what was gathered may be lost")
        self._timer = self._loop.call_later(FLUSH_SECONDS, self._tick)

    def ended(self, trace: Trace) -> None:
        """A request to /predict has ended, answered or not."""
        self._ended.append(trace.noted())
        if len(self._ended) >= REQUESTS:
            self._write_requests()

    def read(self, counts: Counts) -> None:
        """Rows were read that are answered, of which these values were off."""
        self._off.append(tuple(counts.items()))

    def rejected(self, rows: int, faults: Sequence[Fault]) -> None:
        """A request of so many rows was rejected for these faults."""
        self._rejected.append((rows, faults))

    def turned(self, waits: Sequence[float], rows: int) -> None:
        """The model's thread took requests that had waited so many seconds, with so many rows together."""
        self._turns.append((waits, rows))

    def predicted(self, batches: Sequence[Batch], predictions: Predictions, seconds: float) -> None:
        """The model answered ``batches``, as the row reader gave them, in one call that took so many seconds."""
        self._seconds.append(seconds)
        if self._drift is not None:
            for batch in batches:
                if (row := self._drift.row(batch)) is not None:
                    self._single.append(row)
                else:
                    self._batches.append(batch)
        self._answers.append(predictions.values)
        self._waiting += len(predictions.values)
        if self._waiting >= ROWS:
            self._count(wait=False)

    def flush(self) -> None:
        """Write all that was gathered."""
        # Where another thread counts many rows just now, what it counts is written the next time.
        self._count(wait=self._loop is None, write=True)
        self._write_requests()
        self._write_turns()
        self._write_off()
        self._write_use()

    def _write_requests(self) -> None:
        noted = _taken(self._ended)
        if not noted:
            return
        status, rows, body, response, *_ = zip(*noted, strict=True)
        for code, count in Counter(status).items():
            if (reason := reason_of(code)) in self._errors:
                self._errors[reason].inc(count)
        self.metrics.request_rows.observe_many([count for count in rows if count])
        self.metrics.body_bytes.observe_many([size for size in body if size])
        self.metrics.response_bytes.observe_many([size for size, code in zip(response, status, strict=True) if code])
        answered = [seconds for code, _, _, _, *seconds in noted if code == 200]
        if answered:
            for series, seconds in zip(self._stages.values(), zip(*answered, strict=True), strict=True):
                series.observe_many(seconds)

    def _write_use(self) -> None:
        used = time.process_time()
        self.metrics.cpu.inc(used - self._cpu)
        self._cpu = used

    def _look_at_memory(self, loop: asyncio.AbstractEventLoop) -> None:
        if (now := time.monotonic()) - self._memory_at >= MEMORY_SECONDS:
            self._memory_at = now
            loop.run_in_executor(None, self._write_memory)

    def _write_memory(self) -> None:
        self.metrics.memory.set(process_memory_bytes())
        self.metrics.memory_used.set(used_memory_bytes())

    def _count(self, *, wait: bool, write: bool = False) -> None:
        """Count what was predicted; not where another thread does so just now, unless this is to ``wait``."""
        if not self._counting.acquire(blocking=wait):
            return
        try:
            self._waiting = 0
            answers, rows, batches = _taken(self._answers), _taken(self._single), _taken(self._batches)
            if answers:
                self._rows["answered"].inc(sum(map(len, answers)))
                self._outputs.count(answers)
            if self._drift is not None:
                if answers or rows or batches:
                    self._drift.count(batches, answers, rows)
                if write:
                    self._drift.write()
        except Exception:
            logger.exception("predicted rows could not be counted")  # they are answered all the same
        finally:
            self._counting.release()

    def _write_turns(self) -> None:
        self.metrics.inference.observe_many(_taken(self._seconds))
        for waits, rows in _taken(self._turns):
            self.metrics.queue_wait.observe_many(waits)
            self.metrics.batch_requests.observe(len(waits))
            self.metrics.batch_rows.observe(rows)

    def _write_off(self) -> None:
        off: Counts = Counter()
        for counts in _taken(self._off):
            for labels, count in counts:
                off[labels] += count
        self._inputs.count(off)
        for rejected, faults in _taken(self._rejected):
            self._rows["rejected"].inc(rejected)
            self._inputs.count_faults(faults)


def _taken(queue: deque[Any]) -> list[Any]:
    """Take all that is there; other threads may append meanwhile, or take too."""
    found: list[Any] = []
    with contextlib.suppress(IndexError):
        for _ in range(len(queue)):
            found.append(queue.popleft())
    return found
