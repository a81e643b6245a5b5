"""Rows in, answers out, in time: the way of a request between HTTP and the model."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agbento.answers import AnswerWriter
from agbento.batching import Batcher
from agbento.errors import AgbentoError, InvalidRows, ModelNotServable, RequestTimedOut
from agbento.examples import example_rows
from agbento.opened import open_predictor
from agbento.predictor import Predictions, Predictor
from agbento.rows import Batch, RowReader
from agbento.schema import Schema
from agbento.text import exception_text, one_line
from agbento.values.policy import Policy
from agbento.watching.trace import Trace
from agbento.watching.watch import Watch

_WARM_ROWS = (1, 16)  # rows of the batches that warm a model

Answers = list[dict[str, Any]]
_Asked = tuple[Sequence[Any], Trace]  # the rows of a request
_Readable = tuple[Batch, Trace]


class Answering:
    """Answers rows with one model.

    A fast model answers few rows where they are asked for, in the event loop. All else is for a thread of the model's
    own, so that the loop stays free: requests that come while it works are answered by one call, together at most
    ``batch_rows`` rows; one that has more is by itself.
    """

    def __init__(
        self,
        schema: Schema,
        policy: Policy,
        predictor: Predictor,
        watch: Watch,
        decimals: int | None,
        seconds: float,
        batch_rows: int = 64,
    ) -> None:
        self.schema, self.policy = schema, policy
        self.columns = tuple(feature.name for feature in schema.features)
        self.watch = watch
        self._predictor, self._seconds = predictor, seconds
        self._reader, self._writer = RowReader(schema, policy), AnswerWriter(schema, decimals)
        self.compiled: dict[str, Any] = {}  # what GET /model says of the predictor that answers
        self._batcher = Batcher(self._answer_each, batch_rows, "model")

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        threads: int,
        decimals: int | None,
        seconds: float,
        policy_file: Path | None = None,
        batch_rows: int = 64,
        use_compiled: bool = True,
        digest: str | None = None,
    ) -> Answering:
        """Load, persist and warm the stored model in ``folder``, whose predictor has this digest.

        Raises:
            ModelNotServable: the model does not load, or does not answer.
            SettingsError: the policy file cannot be read, or does not fit the model.
        """
        try:
            schema = Schema.load(folder / "schema.json")
        except (OSError, ValueError) as error:
            again = "delete it with `bentoml models delete` and import it again"
            raise ModelNotServable(
                f"{folder}: not as this version imports models: {one_line(str(error))}; {again}"
            ) from error
        policy = Policy.read(policy_file, schema)
        opened = open_predictor(folder, threads, digest=digest, use_compiled=use_compiled)
        watch = Watch.of(folder, schema, policy, digest)
        answering = cls(schema, policy, opened.predictor, watch, decimals, seconds, batch_rows)
        answering.compiled = opened.described()
        answering.warm()
        return answering

    def warm(self) -> None:
        """Answer made-up rows, then freeze the heap: what is alive now is alive for good.

        Without it a full collection over AutoGluon's objects stops the process for 60 to 180 ms now and then.

        Raises:
            ModelNotServable: the model does not answer.
        """
        rows = example_rows(self.schema.to_json()["features"])
        try:
            batches = [self._reader.batch([next(rows) for _ in range(count)]) for count in _WARM_ROWS]
            self._predictor.warm(*batches)
            for batch in batches:
                self._writer.answers(self._predictor.predict(batch), batch.cautions)
        except AgbentoError as error:
            raise ModelNotServable(f"the model cannot be warmed: {error}") from error
        except Exception as error:
            raise ModelNotServable(f"the model loads but does not answer: {exception_text(error)}") from error
        gc.collect()
        gc.freeze()

    def at_once(self, rows: Sequence[Any], trace: Trace) -> Answers | None:
        """Answer rows in the event loop where the model is fast enough for so many; else None.

        They are to be few in bytes too: a model may count the words of a text. ``trace`` is told the times.

        Raises:
            InvalidRows: with every fault of every row.
        """
        if len(rows) > self._predictor.fast_rows:
            return None
        batch = self._read(rows, trace)
        return self._write(self._predict([batch], [trace]), batch, trace)

    async def answer(self, rows: Sequence[Any], seconds: float | None = None, trace: Trace | None = None) -> Answers:
        """Answer rows (objects as JSON gives them), in order, within ``seconds`` (None: what a request may take).

        ``trace``, where there is one, is told the times.

        Raises:
            InvalidRows: with every fault of every row.
            RequestTimedOut: the model did not answer in time; a call that has not begun is dropped.
            Overloaded: the service is about to end.
        """
        trace = trace or Trace()
        trace.asked = time.perf_counter()
        try:
            return await self._batcher.answer((rows, trace), len(rows), self._seconds if seconds is None else seconds)
        except TimeoutError:
            raise RequestTimedOut(f"no answer within {self._seconds:g} s") from None

    def close(self) -> None:
        """Let the model's thread end when those that wait are answered, and write what was counted."""
        self._batcher.close()
        self.watch.close()

    def _answer_each(self, requests: Sequence[_Asked]) -> list[Answers | Exception]:
        """Answer several requests by one call of the model; where that fails, each by one of its own."""
        began = time.perf_counter()
        for _, trace in requests:
            trace.wait = began - trace.asked
        found: list[_Readable | Exception] = []
        for rows, trace in requests:
            try:
                found.append((self._read(rows, trace), trace))
            except Exception as error:  # noqa: BLE001 - the others are answered
                found.append(error)
        readable = [one for one in found if isinstance(one, tuple)]
        self.watch.turned([trace.wait for _, trace in requests], sum(batch.rows for batch, _ in readable))
        try:
            answers = iter(self._answer_together(readable))
        except Exception as error:  # noqa: BLE001 - the one that is at fault is to have it
            answers = iter([error] if len(readable) == 1 else map(self._answer_alone, readable))
        return [next(answers) if isinstance(one, tuple) else one for one in found]

    def _answer_together(self, requests: Sequence[_Readable]) -> Sequence[Answers | Exception]:
        if not requests:
            return []
        predictions = self._predict([batch for batch, _ in requests], [trace for _, trace in requests])
        answers, end = [], 0
        for batch, trace in requests:
            begin, end = end, end + batch.rows
            answers.append(self._write(predictions.part(begin, end), batch, trace))
        return answers

    def _answer_alone(self, request: _Readable) -> Answers | Exception:
        batch, trace = request
        try:
            return self._write(self._predict([batch], [trace]), batch, trace)
        except Exception as error:  # noqa: BLE001 - given to the one who asked
            return error

    def _read(self, rows: Sequence[Any], trace: Trace) -> Batch:
        began = time.perf_counter()
        try:
            batch = self._reader.batch(rows)
        except InvalidRows as error:
            self.watch.rejected(len(rows), error.faults)
            raise
        trace.validate = time.perf_counter() - began
        if batch.counts:
            self.watch.read(batch.counts)
        return batch

    def _predict(self, batches: Sequence[Batch], traces: Sequence[Trace]) -> Predictions:
        joined = Batch.joined(batches)
        began = time.perf_counter()
        predictions = self._predictor.predict(joined)
        seconds = time.perf_counter() - began
        for trace in traces:
            trace.predict = seconds
        self.watch.predicted(batches, predictions, seconds)
        return predictions

    def _write(self, predictions: Predictions, batch: Batch, trace: Trace) -> Answers:
        began = time.perf_counter()
        answers = self._writer.answers(predictions, batch.cautions)
        trace.encode += time.perf_counter() - began
        return answers
