"""Write rules, alerts and whatever else is generated: ``python -m monitoring.program [--check]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from monitoring.program.files import ROOT, differing


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write what differs, or, with ``--check``, only name it; 1 if something did differ and was not written."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.program", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; name the files that differ")
    asked = parser.parse_args(arguments)
    stale = differing(root)
    for path, text in stale.items():
        if asked.check:
            sys.stderr.write(f"{path}: not what monitoring/program makes of it; `make monitoring` writes it\n")
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
        sys.stdout.write(f"{path}\n")
    return int(asked.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
