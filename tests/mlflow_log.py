"""Log a pyfunc model with a predictor as its artifact, as a training script does; run as a process of its own.

``python -m tests.mlflow_log TRACKING_FOLDER ARTIFACT_LOCATION PREDICTOR`` prints the run's id as its last line.
"""

from __future__ import annotations

import sys

import mlflow


class Passing(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
    """A model that answers what it is asked."""

    def predict(self, _context: object, model_input: list[str]) -> list[str]:
        """Answer."""
        return model_input


def main(tracking: str, location: str, predictor: str) -> None:
    """Log one model."""
    mlflow.set_tracking_uri(f"file:{tracking}")
    experiment = mlflow.create_experiment("predictors", artifact_location=location)
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.pyfunc.log_model(
            name="deployment",
            python_model=Passing(),
            artifacts={"predictor": predictor},
            pip_requirements=["autogluon.tabular"],
        )
    sys.stdout.write(f"{run.info.run_id}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
