"""What can go wrong between boto3 and S3, each as one line that names the fault and the mend.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. No line holds a credential: the words of a
library or a server are passed on only after every credential of the session has been taken out of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from botocore import exceptions as boto

from agbento.errors import SourceError
from agbento.text import one_line

_RENEW = "renew it (for example `aws sso login`, or a new AWS_SESSION_TOKEN) and import again"
_EXPIRED = f"the AWS session token has expired: {_RENEW}"
_UNKNOWN_KEY = "the access key is not known there: check AWS_PROFILE or AWS_ACCESS_KEY_ID, and the endpoint"
_DENIED = (
    "access denied: s3:ListBucket on the bucket and s3:GetObject on its objects are needed; ask the bucket's owner"
)
_CHANGED = "changed while it was imported: import again once nobody writes there"
_VANISHED = "vanished while it was imported: import again once nobody writes there"
_REGION = "lies in another region: set AWS_REGION to the bucket's"
_BUSY = "the store is overloaded or failing and said so on every attempt: import again later"

_CODES: Mapping[str, str] = {
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "InvalidToken": f"the AWS session token is not valid: {_RENEW}",
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "SignatureDoesNotMatch": "the secret key does not fit the access key: check AWS_SECRET_ACCESS_KEY or the profile's",
    "RequestTimeTooSkewed": "this machine's clock is more than 15 minutes off: set it right",
    "RequestExpired": "this machine's clock is off, or the request took too long: set the clock right and import again",
    "AccessDenied": _DENIED,
    "AllAccessDisabled": _DENIED,
    "AccountProblem": _DENIED,
    "Forbidden": _DENIED,
    "403": _DENIED,
    "KMS.DisabledException": "its encryption key is disabled: ask the key's owner",
    "NoSuchBucket": "no such bucket: check its name, and that credentials and endpoint are of its account",
    "InvalidBucketName": "no valid bucket name: expected s3://bucket/prefix",
    "NoSuchKey": _VANISHED,
    "404": _VANISHED,
    "PreconditionFailed": _CHANGED,
    "412": _CHANGED,
    "InvalidObjectState": "is archived (Glacier): restore it in S3 first",
    "PermanentRedirect": _REGION,
    "301": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "SlowDown": _BUSY,
    "ServiceUnavailable": _BUSY,
    "InternalError": _BUSY,
}

# In this order: the first class that fits speaks.
_CLASSES: Sequence[tuple[tuple[type[Exception], ...], str]] = (
    (
        (boto.NoCredentialsError,),
        "no AWS credentials found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a role",
    ),
    (
        (boto.PartialCredentialsError,),
        "only a part of the AWS credentials is set, {cred_var} is missing: set both the access key and the secret key",
    ),
    (
        (boto.ProfileNotFound,),
        "AWS_PROFILE={profile}: no such profile; expected one of those that `aws configure list-profiles` names",
    ),
    ((boto.ConfigParseError, boto.InvalidConfigError), "the AWS config files cannot be used, correct them: {said}"),
    ((boto.RefreshWithMFAUnsupportedError,), "the profile asks for an MFA code: get a session token first and set it"),
    (
        (boto.SSOError, boto.LoginError, boto.TokenRetrievalError, boto.NoAuthTokenError),
        "the sign-in of the AWS profile is missing or has expired: run `aws sso login` and import again",
    ),
    (
        (boto.CredentialRetrievalError, boto.MetadataRetrievalError),
        "the AWS credentials could not be fetched, check the role or credential_process: {said}",
    ),
    (
        (boto.SSLError,),
        "no trusted TLS connection to {endpoint}: check its scheme and name, or set AWS_CA_BUNDLE to its CA's file",
    ),
    ((RecursionError,), "{endpoint} redirects every request: check AWS_ENDPOINT_URL_S3 and AWS_REGION"),
    ((boto.ProxyConnectionError,), "the HTTP proxy cannot be reached: check HTTPS_PROXY and NO_PROXY"),
    (
        (boto.EndpointConnectionError, boto.ConnectTimeoutError),
        "{endpoint} cannot be reached: check AWS_ENDPOINT_URL_S3, AWS_REGION and the network",
    ),
    (
        (boto.ReadTimeoutError, boto.ConnectionClosedError),
        "{endpoint} does not answer: check AWS_ENDPOINT_URL_S3 (is it S3 that listens there?) and the network",
    ),
    (
        (boto.ResponseStreamingError, boto.IncompleteReadError),
        "the connection broke on every attempt: check the network and import again",
    ),
    (
        (boto.FlexibleChecksumError,),
        "its content does not match the checksum that S3 has of it, on every attempt: upload it again",
    ),
    ((boto.ParamValidationError,), "no valid bucket name or key: expected s3://bucket/prefix"),
    ((boto.MissingDependencyException,), "boto3 lacks a package for this kind of credentials: {said}"),
)


def explain(error: Exception, where: str, endpoint: str, secrets: Sequence[str] = ()) -> SourceError:
    """Give the SourceError for what boto3 raised about ``where`` (a URI) at ``endpoint`` (a URL).

    ``secrets`` are the credentials in use; wherever a library's or a server's own words are repeated they are masked.
    """
    place = shown_endpoint(endpoint)
    if isinstance(error, boto.ClientError):
        return _fault(f"{where}: {_of_answer(error.response, secrets)}")
    for kinds, text in _CLASSES:
        if isinstance(error, kinds):
            known = {k: str(v) for k, v in getattr(error, "kwargs", {}).items()}
            fields = {**known, "endpoint": place, "said": scrub(str(error), secrets)}
            return _fault(scrub(f"{where}: {text.format_map(_Fields(fields))}", secrets))
    said = f"{type(error).__name__}: {scrub(str(error), secrets)}"
    return _fault(f"{where}: S3 could not be read ({said}); check the endpoint and the AWS settings")


def shown_endpoint(endpoint: str) -> str:
    """Give the endpoint's scheme, host and port: what is before ``@`` or after the host may be a secret."""
    found = re.match(r"^(\w+://)(?:[^/@]*@)?([^/?#]+)", endpoint)
    return found.group(1) + found.group(2) if found else "the S3 endpoint"


def scrub(text: str, secrets: Sequence[str]) -> str:
    """Mask every one of ``secrets`` in ``text``, and the user part of any URL."""
    # A secret is of 16 characters and more; a placeholder of one or two would be found in every word.
    for secret in sorted((s for s in secrets if len(s) >= 8), key=len, reverse=True):
        text = text.replace(secret, "***")
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1***@", text)


class _Fields(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"({key})"


def _fault(text: str) -> SourceError:
    return SourceError(one_line(text, 900))


def _of_answer(response: Mapping[str, Any], secrets: Sequence[str]) -> str:
    fault, meta = response.get("Error", {}), response.get("ResponseMetadata", {})
    code, status = str(fault.get("Code", "")), int(meta.get("HTTPStatusCode") or 0)
    if code in _CODES:
        region = meta.get("HTTPHeaders", {}).get("x-amz-bucket-region") or fault.get("Region")
        hint = f" ({scrub(str(region), secrets)})" if region and _CODES[code] is _REGION else ""
        return _CODES[code] + hint
    said = scrub(f"{status or ''} {code} {fault.get('Message', '')}", secrets)
    if status >= 500 or status == 429:
        return f"{_BUSY} ({said})"
    if status in (401, 403):
        return f"{_DENIED} ({said})"
    return f"S3 refused the request ({said}); check the credentials, the endpoint and the bucket"
