"""What a predictor was trained with, read before any of its pickles is opened."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from packaging.version import InvalidVersion, Version

from agbento.errors import PredictorNotLoadable

_PYTHON = re.compile(r"3\.[0-9]{1,2}(\.[0-9A-Za-z.+]{1,20})?")
_LONGEST = 64
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,99}[A-Za-z0-9])?")
_LARGEST = 4 << 20  # bytes of either file


@dataclass(frozen=True)
class Versions:
    """Versions of AutoGluon and Python, Python's with its patch where the predictor knows it, and of all packages."""

    autogluon: str
    python: str
    packages: Mapping[str, str] = field(default_factory=dict, compare=False)


def training_versions(predictor: Path) -> Versions:
    """Read ``version.txt`` and ``metadata.json``, as AutoGluon 0.6 and later write them.

    Raises PredictorNotLoadable where one is missing, or holds what can be no version: what is read here goes into
    requirements and commands.
    """
    try:
        metadata = json.loads(_text(predictor / "metadata.json"))
        python = str(metadata.get("py_version_micro") or metadata["py_version"])
        autogluon = _text(predictor / "version.txt").strip()
        packages = metadata.get("packages") or {}
        plain = {str(name): str(version) for name, version in packages.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise PredictorNotLoadable(
            "version.txt and metadata.json, which AutoGluon writes beside a predictor, are missing or broken: "
            "upload the predictor's folder again, all of it"
        ) from None
    for what, version, is_one in (
        ("AutoGluon", autogluon, _is_version(autogluon)),
        ("Python", python, bool(_PYTHON.fullmatch(python))),
    ):
        if not is_one:
            raise PredictorNotLoadable(
                f"the version of {what} that version.txt or metadata.json give is none: {version[:40]!r}; "
                "upload the predictor's folder again, all of it"
            )
    kept = {n: v for n, v in plain.items() if _NAME.fullmatch(n) and _is_version(v)}
    return Versions(autogluon, python, kept)


def _is_version(text: str) -> bool:
    """Tell whether it is a version as PEP 440 has them, without an epoch."""
    try:
        return len(text) <= _LONGEST and text.isascii() and text == text.strip() and Version(text).epoch == 0
    except InvalidVersion:
        return False


def minor(version: str) -> str:
    """Give ``major.minor`` of a version."""
    return ".".join((*version.split(".", 2)[:2],))


def public(version: str) -> str:
    """Leave the local part out: 2.13.0+cpu is 2.13.0."""
    return version.partition("+")[0]


def _text(file: Path) -> str:
    if file.stat().st_size > _LARGEST:
        raise ValueError(file.name)
    return file.read_text("utf-8")
