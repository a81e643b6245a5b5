"""An instruction for kernels: fetch a cache line that is needed soon."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic


def _prefetch(_context: Any, array: Any, index: Any) -> tuple[Any, Any]:
    """Ask for the cache line of ``array[index]`` without waiting for it; numba has no such function of its own.

    https://llvm.org/docs/LangRef.html#llvm-prefetch-intrinsic
    """

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = target.make_array(signature.args[0])(target, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        declared: Any = cgutils.get_or_insert_function
        # To be read, kept in all caches, as data.
        builder.call(declared(builder.module, kind, "llvm.prefetch.p0"), [address, number(0), number(3), number(1)])
        return target.get_dummy_value()

    return types.void(array, index), generate


# By its Python name, it takes an array and an index.
prefetch: Any = intrinsic(_prefetch)
