"""One pickle in a file, from its first opcode to STOP or to where it breaks off."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import islice
from pickletools import genops
from typing import Final

from agbento.pickles.limits import Budget
from agbento.pickles.machine import HANDLERS, Machine
from agbento.pickles.stack import Broken
from agbento.pickles.values import CONSTANT

_CHUNK: Final = 1 << 14

# Opcodes whose lines genops decodes more strictly than unpicklers do, and how many lines they have.
_LINES: Final = {b"c": 2, b"i": 2, b"I": 1, b"L": 1, b"F": 1, b"S": 1}


@dataclass(frozen=True)
class End:
    """What is wrong where a stream ends, None after STOP, and how many opcodes it has before that."""

    fault: str | None
    opcodes: int


def run(machine: Machine, budget: Budget) -> End:
    """Read the pickle that begins where the machine's file is; raises Exceeded."""
    machine.read_nested = lambda outer: _nested(outer, budget)
    fault: str | None = None
    try:
        while not machine.stopped:
            _chunk(machine, budget)
            machine.check_size()
    except Broken as error:
        fault = str(error)
    except IndexError:
        fault = "it takes a value that is not there"
    except KeyError:
        fault = "it takes a slot of the memo that is not set"
    finally:
        machine.finish()
    return End(fault, machine.ran)


def _nested(outer: Machine, budget: Budget) -> None:
    """Read the pickle of an array of objects, which Python's own unpickler reads: there are no arrays in it."""
    machine = Machine(outer.notes, budget.limits, outer.file, arrays=False)
    machine.inner = outer.inner
    end = run(machine, budget)
    if end.fault is not None:
        raise Broken(end.fault)


def _chunk(machine: Machine, budget: Budget) -> None:
    file = machine.file
    begin, count = file.tell(), 0
    at: int | None = None
    handler_of = HANDLERS.get
    try:
        for count, (operation, argument, at) in enumerate(islice(genops(file), _CHUNK), 1):  # noqa: B007
            if at is not None and at >= machine.edge:
                machine.pass_edge(at)
            handle = handler_of(operation.name)
            if handle is None:
                machine.stack.append(argument)
            else:
                handle(machine, argument, at or 0)
    except (ValueError, OverflowError, struct.error, Warning) as error:  # a warning, where those are errors: of escapes
        if file.tell() > machine.edge + 1:
            machine.pass_edge(file.tell())
        _place_behind(machine, begin, at)
        _lenient(machine, str(error))
    finally:
        machine.ran += count
        budget.opcodes(count)


def _place_behind(machine: Machine, begin: int, at: int | None) -> None:
    """Set the file's position behind the opcode that was read last, or to where there was none before."""
    if at is None:
        machine.file.seek(begin)
    elif machine.moved is not None and at < machine.moved:
        machine.file.seek(machine.moved)
    else:
        machine.file.seek(at)
        next(genops(machine.file))


def _lenient(machine: Machine, fault: str) -> None:
    """Read an opcode that genops cannot decode but unpicklers can; raises Broken where they cannot either."""
    at = machine.file.tell()
    code = machine.file.read(1)
    lines = [machine.file.readline() for _ in range(_LINES.get(code, 0))]
    if not lines or not all(line.endswith(b"\n") for line in lines):
        raise Broken(fault)
    if code not in b"ci":
        machine.stack.append(CONSTANT)
        return
    try:
        words = [line[:-1].decode() for line in lines]
    except UnicodeDecodeError as error:
        raise Broken(fault) from error
    HANDLERS["GLOBAL" if code == b"c" else "INST"](machine, " ".join(words), at)
