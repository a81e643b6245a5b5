"""What many would take for a model that batches well: LitServe, AutoGluon's own predictor, batches of up to 64 rows.

``python -m benchmarks.litserve_app /path/of/predictor PORT``: one worker, its models kept in memory.
"""

import sys
from typing import Any

import litserve  # type: ignore[import-untyped]
import pandas as pd
from autogluon.tabular import TabularPredictor
from fastapi import Request

BATCH_ROWS = 64
BATCH_SECONDS = 0.005  # how long a batch waits for more rows


class Batched(litserve.LitAPI):  # type: ignore[misc]
    """Rows of waiting requests → one frame → one call of the predictor."""

    def __init__(self, folder: str) -> None:
        super().__init__(max_batch_size=BATCH_ROWS, batch_timeout=BATCH_SECONDS)
        self.folder = folder

    def setup(self, device: str) -> None:
        """Open the predictor, in the worker."""
        del device
        self.predictor = TabularPredictor.load(self.folder, verbosity=0)
        self.predictor.persist()

    # LitServe makes its route of the annotations: Request and none, its defaults, mean JSON as it comes.
    def decode_request(self, request: Request) -> Any:
        """Take the row as it came."""
        return request

    def batch(self, inputs: list[dict[str, Any]]) -> pd.DataFrame:
        """Put rows together."""
        return pd.DataFrame(inputs)

    def predict(self, x: pd.DataFrame) -> list[float]:
        """Answer the rows."""
        found: list[float] = self.predictor.predict(x).tolist()
        return found

    def unbatch(self, output: list[float]) -> list[float]:
        """Give each request its own."""
        return output

    def encode_response(self, output: float):  # type: ignore[no-untyped-def]
        """Write an answer as the other services do."""
        return {self.predictor.label: round(float(output), 2)}


def main() -> None:
    """Serve until the end."""
    folder, port = sys.argv[1:]
    server = litserve.LitServer(
        Batched(folder), accelerator="cpu", workers_per_device=1, healthcheck_path="/readyz", timeout=False
    )
    quiet = {"log_level": "warning", "access_log": False, "generate_client_file": False}
    server.run(host="127.0.0.1", port=int(port), num_api_servers=1, **quiet)


if __name__ == "__main__":
    main()
