"""Every environment variable that the product reads, in one place.

What boto3 (``AWS_*``) and BentoML (``BENTOML_*``) read for themselves is theirs and not listed here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from agbento.errors import SettingsError, UsageError


class ImportSettings(BaseSettings):
    """What an import takes from the environment; source and bucket only where the command line names no source."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    aws_bucket_name: str | None = Field(None, description="bucket of the MLflow artifact store")
    experiment_id: str | None = Field(None, description="first folder below the bucket")
    import_threads: int = Field(8, ge=1, le=64, description="objects downloaded at a time")
    import_max_files: int = Field(100_000, ge=1, description="files of a predictor above which it is refused")
    import_max_bytes: int = Field(64 * 2**30, ge=1, description="bytes of a predictor above which it is refused")

    @classmethod
    def read(cls) -> ImportSettings:
        """Read the environment; raises UsageError with every variable that is off."""
        try:
            return cls()
        except ValidationError as error:
            raise UsageError(_one_line(error)) from None


class LockSettings(BaseSettings):
    """What resolving and installing a model's packages takes from the environment."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    torch_index: str | None = Field(None, description="URL of a package index that has CPU builds of torch")

    @classmethod
    def read(cls) -> LockSettings:
        """Read the environment."""
        return cls()


class ServiceSettings(BaseSettings):
    """What the service takes from the environment."""

    # A field may be called model_…: the names are those of the environment. An empty variable is an unset one.
    model_config = SettingsConfigDict(protected_namespaces=(), env_ignore_empty=True)

    model_tag: str | None = Field(None, description="`name` or `name:version`; unset: the newest import")
    service_workers: int | None = Field(None, ge=1, le=256, description="processes; unset: by cores and memory")
    prediction_decimals: int | None = Field(None, ge=0, le=15, description="digits after the point; unset: exact")
    request_seconds: float = Field(60.0, gt=0, le=3600, description="longest time a request may take")
    max_requests: int = Field(128, ge=1, description="requests that a worker works on, or holds, at a time")
    max_batch_rows: int = Field(64, ge=1, description="rows of several requests that one call of the model answers")
    use_compiled: bool = Field(True, description="off: AutoGluon's own predictor serves, as if nothing were compiled")
    allow_version_skew: bool = Field(False, description="serve in an environment that is not the model's")
    max_rows: int = Field(100_000, ge=1, description="rows of one request")
    max_body_bytes: int = Field(16 * 1024 * 1024, ge=1024, description="largest body that is read")
    access_log: Literal["off", "errors", "all"] = Field("errors", description="requests that have a line on stdout")
    policy_file: Path | None = Field(None, description="what is done with values that are off; unset: the defaults")
    api_keys_file: Path | None = Field(None, description="file of the keys that callers need; unset: none needed")
    metrics_require_key: bool = Field(False, description="whether /metrics needs a key too")

    @classmethod
    def read(cls) -> ServiceSettings:
        """Read the environment; raises SettingsError with every variable that is off."""
        try:
            settings = cls()
        except ValidationError as error:
            raise SettingsError(_one_line(error)) from None
        if settings.metrics_require_key and settings.api_keys_file is None:
            raise SettingsError("environment: METRICS_REQUIRE_KEY=true needs API_KEYS_FILE, the file of the keys")
        return settings


def _one_line(error: ValidationError) -> str:
    faults = (f"{'.'.join(map(str, e['loc'])).upper()}={e['input']!r}: {e['msg']}" for e in error.errors())
    return "environment: " + "; ".join(faults)
