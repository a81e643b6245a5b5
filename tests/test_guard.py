from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from agbento.lock import ROOT

PROGRAM = """
import collections, io, pickle, sys
from pathlib import Path
from agbento.guard import RefusedError, opening_only
streams = [pickle.dumps(v, p) for p in range(6) for v in (collections.OrderedDict(), collections.Counter(), {1: "a"})]
hostile = b"cos\\nsystem\\n(S'touch /tmp/agbento-guard-canary'\\ntR."
def tried(load, stream):
    try:
        load(io.BytesIO(stream)).load()
    except RefusedError as error:
        return str(error).split()[0]
    return "loaded"
with opening_only(Path("."), {("collections", "OrderedDict"), ("copyreg", "_reconstructor"), ("builtins", "object")}):
    for load in (pickle.Unpickler, pickle._Unpickler):
        print(*(tried(load, stream) for stream in streams), tried(load, hostile))
print({tried(pickle.Unpickler, stream) for stream in streams})
"""


def test_only_what_was_read_is_unpickled_in_any_protocol() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    expected = " ".join(["loaded collections.Counter loaded"] * 6) + " os.system"
    assert done.stdout.splitlines() == [expected, expected, "{'loaded'}"]


WAYS_OUT = """
import os, socket, subprocess, sys
from pathlib import Path
from agbento import guard
from agbento.guard import RefusedError, opening_only
outside, inside = Path(sys.argv[1]), Path(sys.argv[2])
os.chdir(inside)
def tried(do):
    try:
        return do() and "done"
    except RefusedError as error:
        return "refused"
link = inside / "link"
link.symlink_to(outside)
ways = [
    lambda: outside.read_bytes(),
    lambda: open(os.fsencode(outside), "rb"),
    lambda: os.open(outside, os.O_RDONLY),
    lambda: link.read_bytes(),
    lambda: Path("..", outside.name).read_bytes(),
    lambda: outside.with_name("new").write_text("x"),
    lambda: os.system("true") == 0,
    lambda: socket.create_connection(("127.0.0.1", 9)),
    lambda: socket.socket().bind(("127.0.0.1", 0)),
    lambda: subprocess.run(["true"]),
    lambda: os.fork() or os._exit(0),
    lambda: outside.with_name("folder").mkdir(),
    lambda: outside.unlink(),
    lambda: (inside / "own").write_text("y"),
    lambda: open(guard.__file__, "a"),
    lambda: os.open(guard.__file__, os.O_RDWR),
    lambda: (inside / "own").read_bytes(),
    lambda: open("/etc/hostname"),
    lambda: (Path(os.environ["TMPDIR"]) / "made").write_text("x"),
    lambda: __import__("wave"),
]
with opening_only(inside, ()):
    print(*map(tried, ways))
print(tried(ways[0]))
"""


def test_only_its_own_files_are_opened_and_nothing_is_started(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.write_text("x")
    scratch = tmp_path / "scratch"
    inside.mkdir()
    scratch.mkdir()
    (inside / "own").write_text("x")
    command = [sys.executable, "-c", WAYS_OUT, str(outside), str(inside)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)},
    )
    assert done.stdout.splitlines() == [" ".join(["refused"] * 16 + ["done"] * 4), "done"]
