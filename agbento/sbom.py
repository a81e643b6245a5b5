"""The software bill of materials of a model's image: its Python packages, from its lock, as CycloneDX 1.6 JSON.

https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from agbento import lock

SBOM = "sbom.cdx.json"  # in a stored model's folder


def save(folder: Path, text: str, python: str, tag: str, time: str) -> None:
    """Write the bill of the lock ``text`` under ``python`` (``"3.11"``) for the model ``tag``, made at ``time``.

    The same for the same: its serial number is that of its content.
    """
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion
    from packageurl import PackageURL

    name, _, version = tag.partition(":")
    kind = ComponentType.MACHINE_LEARNING_MODEL
    model = Component(name=name, version=version, type=kind, bom_ref=tag)
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"{tag} {python} {time} {text}"))
    bom.metadata.component = model
    bom.metadata.timestamp = datetime.fromisoformat(time)
    bom.components.add(Component(name="python", version=python, type=ComponentType.PLATFORM, bom_ref="python"))
    for pin in lock.pins(text):
        if not pin.fits(python):
            continue
        url = PackageURL("pypi", name=pin.name, version=pin.version)
        component = Component(
            name=pin.name, version=pin.version, purl=url, bom_ref=url.to_string(), type=ComponentType.LIBRARY
        )
        # A package has a hash for each of its files; which one is installed is the image's platform's to say.
        component.hashes.update(HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in pin.hashes)
        bom.components.add(component)
        bom.register_dependency(model, [component])
    writer = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    (folder / SBOM).write_text(writer.output_as_string(indent=1) + "\n", "utf-8")
