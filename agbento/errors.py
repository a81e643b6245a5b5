"""Every error the product raises on purpose.

AgbentoError
├── ImportFailed                 the importer's side: exit code 1 and one line
│   ├── UsageError               exit code 2
│   ├── SourceError              the bucket or folder could not be read as asked
│   ├── PredictorNotFound        nothing, no predictor, or several under the source
│   ├── PredictorNotLoadable     a predictor is there and cannot be used
│   │   ├── Untrusted            its pickles name what is on no list, or it is not the one that was asked for
│   │   └── EnvironmentDiffers   it was trained with other versions than run here
│   ├── NotLockable              its packages cannot be resolved or installed
│   └── StoreError               the model store could not be read or written
├── ServiceFailed                the service's side, at start: exit code 1 and one line
│   ├── SettingsError            an environment variable that cannot be right
│   └── ModelNotServable         no such model, or one that does not load or answer
└── RequestError                 a caller's fault: an RFC 9457 problem with its HTTP status
    ├── MalformedBody            400: not the JSON, CSV or Parquet that it says, not UTF-8, empty
    ├── Unauthorized             401: no valid API key
    ├── NotFound                 404: no such path
    ├── MethodNotAllowed         405
    ├── NotAcceptable            406: the answer is wanted in a form that there is none of
    ├── BodyTimedOut             408: the body did not come in time
    ├── BodyTooLarge             413
    ├── UnsupportedMediaType     415
    ├── InvalidRows              422: rows that do not fit the model's schema, every fault listed
    ├── Overloaded               503: more requests at once than are taken
    └── RequestTimedOut          504
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from agbento.environment import Environment


class AgbentoError(Exception):
    """Base of all: its text is one line that says what, where, what was expected and how to mend it."""


class ImportFailed(AgbentoError):
    """An import that left the store as it was."""

    exit_code: ClassVar[int] = 1


class UsageError(ImportFailed):
    """A command line that cannot be meant."""

    exit_code = 2


class SourceError(ImportFailed):
    """The source could not be read: credentials, bucket, endpoint, or an object that changed meanwhile."""


class PredictorNotFound(ImportFailed):
    """Not exactly one predictor under the source."""


class PredictorNotLoadable(ImportFailed):
    """A predictor that cannot be opened, or that cannot answer, in this environment."""

    def at(self, where: str) -> PredictorNotLoadable:
        """Give it with the place that it speaks of."""
        return type(self)(f"{where}: {self}")


class Untrusted(PredictorNotLoadable):
    """A predictor that is not opened: what its pickles would do is not allowed, or its digest is another."""


class EnvironmentDiffers(PredictorNotLoadable):
    """A predictor that was trained with other versions than run here; ``environment`` is the one it asks for."""

    def __init__(self, text: str, environment: Environment) -> None:
        super().__init__(text)
        self.environment = environment

    def at(self, where: str) -> EnvironmentDiffers:
        """Give it with the place that it speaks of."""
        return EnvironmentDiffers(f"{where}: {self}", self.environment)


class NotLockable(ImportFailed):
    """A model's packages cannot be resolved to a lock, or not be installed from it."""


class StoreError(ImportFailed):
    """The model store could not be read or written."""


class ServiceFailed(AgbentoError):
    """The service cannot start; it ends with exit code 1."""


class SettingsError(ServiceFailed):
    """An environment variable whose value cannot be used."""


class ModelNotServable(ServiceFailed):
    """The model that was asked for is not there, does not load or does not answer."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with one row of a request.

    ``row`` counts from 0 in the request's order; ``column`` is the feature's name, or None for the row as a whole.
    """

    row: int
    column: str | None
    reason: str
    expected: str
    received: str

    def to_json(self) -> dict[str, Any]:
        """Give it as the object that an answer lists, in ``faults`` or in ``warnings``."""
        return asdict(self)


@dataclass
class RequestError(AgbentoError):
    """A fault of the caller, answered as one ``application/problem+json`` object (RFC 9457)."""

    detail: str
    faults: list[Fault] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "bad-request"
    title: ClassVar[str] = "Bad request"

    def __str__(self) -> str:
        return self.detail


class MalformedBody(RequestError):
    """The body is no JSON, CSV or Parquet at all, or has no rows."""

    slug = "malformed-body"
    title = "Malformed body"


class Unauthorized(RequestError):
    """The request came without a valid API key."""

    status = 401
    slug = "unauthorized"
    title = "Unauthorized"


class NotFound(RequestError):
    """No such path."""

    status = 404
    slug = "not-found"
    title = "Not found"


class MethodNotAllowed(RequestError):
    """The path exists, with other methods."""

    status = 405
    slug = "method-not-allowed"
    title = "Method not allowed"


class NotAcceptable(RequestError):
    """The answer is wanted in no form that the service writes."""

    status = 406
    slug = "not-acceptable"
    title = "Not acceptable"


class BodyTimedOut(RequestError):
    """The body did not come in the time that a request may take."""

    status = 408
    slug = "body-timed-out"
    title = "Body timed out"


class BodyTooLarge(RequestError):
    """The body is larger than the service takes."""

    status = 413
    slug = "body-too-large"
    title = "Body too large"


class UnsupportedMediaType(RequestError):
    """The body is of a kind that the service does not read."""

    status = 415
    slug = "unsupported-media-type"
    title = "Unsupported media type"


class InvalidRows(RequestError):
    """Rows that do not fit the model's schema."""

    status = 422
    slug = "invalid-rows"
    title = "Invalid rows"


class Overloaded(RequestError):
    """More requests are waiting for the model than the worker takes."""

    status = 503
    slug = "overloaded"
    title = "Overloaded"


class RequestTimedOut(RequestError):
    """The answer took longer than a request may take."""

    status = 504
    slug = "timed-out"
    title = "Timed out"
