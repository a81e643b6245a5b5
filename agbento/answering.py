"""Rows in, answers out, in time: the way of a request between HTTP and the model."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from agbento.answers import AnswerWriter
from agbento.errors import AgbentoError, InvalidRows, ModelNotServable, RequestTimedOut
from agbento.examples import example_rows
from agbento.metrics import ServiceMetrics
from agbento.predictor import Predictor, StockPredictor
from agbento.rows import RowReader
from agbento.schema import Schema
from agbento.text import exception_text, one_line
from agbento.values.policy import Policy

_WARM_ROWS = (1, 1, 10)  # rows of the calls that warm a model: the first call of a size is the slowest


class Answering:
    """Answers rows with one model. The model works on one thread of its own, so that the event loop stays free."""

    def __init__(
        self,
        schema: Schema,
        policy: Policy,
        predictor: Predictor,
        metrics: ServiceMetrics,
        decimals: int | None,
        seconds: float,
    ) -> None:
        self.schema, self.policy = schema, policy
        self.columns = tuple(feature.name for feature in schema.features)
        self._predictor, self._metrics, self._seconds = predictor, metrics, seconds
        self._reader, self._writer = RowReader(schema, policy), AnswerWriter(schema, decimals)
        self._thread = ThreadPoolExecutor(1, "model")

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        threads: int,
        metrics: ServiceMetrics,
        decimals: int | None,
        seconds: float,
        policy_file: Path | None = None,
    ) -> Answering:
        """Load, persist and warm the stored model in ``folder``.

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
        predictor = StockPredictor.load(folder / "predictor", threads)
        answering = cls(schema, policy, predictor, metrics, decimals, seconds)
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
            for count in _WARM_ROWS:
                batch = self._reader.batch([next(rows) for _ in range(count)])
                self._writer.answers(self._predictor.predict(batch.frame), batch.cautions)
        except AgbentoError as error:
            raise ModelNotServable(f"the model cannot be warmed: {error}") from error
        except Exception as error:
            raise ModelNotServable(f"the model loads but does not answer: {exception_text(error)}") from error
        gc.collect()
        gc.freeze()

    async def answer(self, rows: Sequence[Any], seconds: float | None = None) -> list[dict[str, Any]]:
        """Answer rows (objects as JSON gives them), in order, within ``seconds`` (None: what a request may take).

        Raises:
            InvalidRows: with every fault of every row.
            RequestTimedOut: the model did not answer in time; a call that has not begun is dropped.
        """
        call = asyncio.get_running_loop().run_in_executor(self._thread, self._answer, rows)
        try:
            return await asyncio.wait_for(call, self._seconds if seconds is None else seconds)
        except asyncio.TimeoutError:
            raise RequestTimedOut(f"no answer within {self._seconds:g} s") from None

    def close(self) -> None:
        """Let the model's thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _answer(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        try:
            batch = self._reader.batch(rows)
        except InvalidRows as error:
            self._metrics.count_faults(error.faults)
            raise
        self._metrics.count_off(batch.counts)
        with self._metrics.inference_seconds.time():
            predictions = self._predictor.predict(batch.frame)
        return self._writer.answers(predictions, batch.cautions)
