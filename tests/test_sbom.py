from __future__ import annotations

import json
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from agbento import lock, sbom
from agbento.requirements import CHARTS, service_requirements

TEXT = lock.needed_lines(
    lock.PROJECT_LOCK.read_text("utf-8"), [asked.name for asked in service_requirements()], without=CHARTS
)


def made(folder: Path, time: str = "2026-01-02T03:04:05+00:00") -> str:
    sbom.save(folder, TEXT, "3.11", "model:0123456789abcdef", time)
    return (folder / sbom.SBOM).read_text()


def test_it_lists_what_the_lock_installs_with_its_hashes(tmp_path: Path) -> None:
    bill = json.loads(made(tmp_path))
    pins = {pin.name: pin for pin in lock.pins(TEXT) if pin.fits("3.11")}
    listed = {part["name"]: part for part in bill["components"] if part["type"] == "library"}
    assert {name: part["version"] for name, part in listed.items()} == {n: pin.version for n, pin in pins.items()}
    assert listed["numpy"]["purl"] == f"pkg:pypi/numpy@{pins['numpy'].version}"
    assert {found["content"] for found in listed["numpy"]["hashes"]} == set(pins["numpy"].hashes)
    assert bill["metadata"]["component"]["name"] == "model"


def test_it_is_cyclonedx(tmp_path: Path) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(made(tmp_path)) is None


def test_the_same_has_the_same_bill(tmp_path: Path) -> None:
    assert made(tmp_path) == made(tmp_path)
    assert made(tmp_path) != made(tmp_path, "2026-01-02T03:04:06+00:00")
