"""What is done with values that are off: rejected, answered with a warning, or answered and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from agbento.errors import SettingsError
from agbento.schema import Schema
from agbento.text import one_line, os_fault
from agbento.values.reasons import ACTIONS, REASONS, Action, Reason, default_action, reasons_of

_PARTS = ("defaults", "features")


@dataclass(frozen=True)
class Policy:
    """The action for each reason, by feature; and for columns that the model does not use."""

    actions: Mapping[str, Mapping[Reason, Action]]
    unused_column: Action = "accept"

    @classmethod
    def default(cls, schema: Schema) -> Policy:
        """Give what is done where nobody says anything."""
        return cls.of({}, schema)

    @classmethod
    def of(cls, data: Any, schema: Schema) -> Policy:
        """Give the policy that ``data`` describes.

        ``data`` is ``{"defaults": {reason: action}, "features": {name: {reason: action}}}``, each part optional:
        ``features`` goes before ``defaults``, and ``defaults`` before what is done where nobody says anything.

        Raises:
            ValueError: with every feature, reason or action that is not known.
        """
        faults: list[str] = []
        data = _mapping(data, "the policy", faults)
        faults += [f"{part!r} is none of {', '.join(_PARTS)}" for part in data if part not in _PARTS]
        defaults = _actions(data.get("defaults"), "defaults", faults)
        features = _mapping(data.get("features"), "features", faults)
        own = {name: _actions(actions, f"feature {name!r}", faults) for name, actions in features.items()}
        by_name = {feature.name: feature for feature in schema.features}
        _check(defaults, "defaults", REASONS, faults)
        for name, actions in own.items():
            if name not in by_name:
                hint = "" if isinstance(name, str) else ": a name that YAML does not take for a text needs quotes"
                faults.append(f"features: the model has no feature {name!r}{hint}")
                continue
            _check(actions, f"feature {name!r}", reasons_of(by_name[name]), faults)
        if faults:
            raise ValueError("; ".join(faults))
        actions = {
            feature.name: {
                reason: own.get(feature.name, {}).get(reason) or defaults.get(reason) or default_action(feature, reason)
                for reason in reasons_of(feature)
            }
            for feature in schema.features
        }
        return cls(actions, defaults.get("unused_column", "accept"))

    def changes(self, schema: Schema) -> dict[str, Any]:
        """Give what this policy does otherwise than the default one, as a policy file would say it."""
        default = Policy.default(schema)
        features = {
            name: {reason: action for reason, action in actions.items() if action != default.actions[name][reason]}
            for name, actions in self.actions.items()
        }
        found: dict[str, Any] = {"features": {name: actions for name, actions in features.items() if actions}}
        if self.unused_column != default.unused_column:
            found["defaults"] = {"unused_column": self.unused_column}
        return {part: actions for part, actions in found.items() if actions}

    @classmethod
    def read(cls, path: Path | None, schema: Schema) -> Policy:
        """Read a policy file, YAML or JSON; None: the defaults.

        Raises:
            SettingsError: it cannot be read, or names what is not there.
        """
        if path is None:
            return cls.default(schema)
        try:
            return cls.of(yaml.load(path.read_text("utf-8"), _OnceEach), schema)  # noqa: S506 - it is a SafeLoader
        except OSError as error:
            raise SettingsError(f"POLICY_FILE={path}: {os_fault(error)}") from None
        except RecursionError:
            raise SettingsError(f"POLICY_FILE={path}: nested too deeply") from None
        except (ValueError, yaml.YAMLError) as error:
            raise SettingsError(f"POLICY_FILE={path}: {one_line(str(error), 1000)}") from None
        except (AttributeError, LookupError, TypeError):  # PyYAML's own, as of "!!int ''"
            raise SettingsError(f"POLICY_FILE={path}: no YAML: a value is not of the type that its tag names") from None


class _OnceEach(yaml.SafeLoader):
    """Reads YAML, but refuses a key that is there twice: one of the two would go for nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for i, key in enumerate(keys) if key in keys[:i]), None)
        if twice is not None:
            raise ValueError(f"{twice!r} is there twice")
        return super().construct_mapping(node, deep)


def _mapping(data: Any, what: str, faults: list[str]) -> dict[Any, Any]:
    if data is None:
        return {}
    if not isinstance(data, dict):
        faults.append(f"{what} is no mapping")
        return {}
    return data


def _actions(data: Any, where: str, faults: list[str]) -> dict[Any, Any]:
    found = _mapping(data, where, faults)
    if None not in found:
        return found
    # YAML reads the name of this reason as no value, unless it is in quotes.
    if "null" in found:
        faults.append(f"{where}: null is there twice")
    return {"null" if reason is None else reason: action for reason, action in found.items()}


def _check(actions: dict[Any, Any], where: str, reasons: tuple[Reason, ...], faults: list[str]) -> None:
    for reason, action in actions.items():
        if reason not in reasons:
            faults.append(f"{where}: {reason!r} is none of {', '.join(reasons)}")
        if action not in ACTIONS:
            faults.append(f"{where}: {reason}: {action!r} is none of {', '.join(ACTIONS)}")
