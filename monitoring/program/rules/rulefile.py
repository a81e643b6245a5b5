"""Rules as the text of a file for Prometheus."""

from __future__ import annotations

from typing import Any

import yaml

HEADER = "# Written by `make monitoring`; edit monitoring/program/ instead.\n"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def write(rules: dict[str, Any]) -> str:
    """Write rules as YAML, in the order that they have: the same text each time."""
    return HEADER + yaml.dump(rules, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
