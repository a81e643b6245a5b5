"""What may never be on the list of names that a predictor's pickles may import, whatever predictors hold.

A list that is made from what was seen is as good as what was seen: one training with a function of one's own, or one
package with a careless pickle, and a loader or an evaluator would be on it. So each name is held against rules of
text, and against what it is found to be where it can be imported here.
"""

from __future__ import annotations

import builtins
import importlib
import re
import types
from typing import Any, Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STANDARD: Final = _words(
    """
    os posix posixpath nt ntpath sys _sysconfigdata subprocess _posixsubprocess shutil socket _socket ssl _ssl
    importlib _imp imp _frozen_importlib runpy pickle _pickle cPickle pickletools marshal shelve dbm ctypes _ctypes
    code codeop types pkgutil zipimport webbrowser urllib http ftplib smtplib imaplib poplib nntplib telnetlib
    xmlrpc socketserver select selectors asyncio multiprocessing _multiprocessing concurrent threading _thread
    signal pty tty tempfile glob fileinput io _io mmap fcntl atexit gc sqlite3 zipfile tarfile gzip bz2 lzma pdb bdb
    profile cProfile trace timeit doctest unittest test site sitecustomize sysconfig distutils ensurepip venv
    platform getpass pwd idlelib tkinter turtledemo pydoc ast symtable linecache tracemalloc faulthandler weakref
    contextlib logging cgi cgitb wsgiref readline rlcompleter cmd antigravity
    """
)
INSTALLED: Final = _words(
    """
    setuptools pip pkg_resources dill cloudpickle joblib requests urllib3 httpx httpx2 httpcore aiohttp boto3
    botocore s3transfer fsspec s3fs gcsfs smart_open huggingface_hub pytest _pytest IPython jinja2 yaml cffi numba
    llvmlite ray dask psutil sh plumbum paramiko fabric uv mypy ruff hypothesis gevent eventlet tests test sample
    benchmarks agbento __main__ __mp_main__
    """
)
MODULES: Final = _words(
    """
    numpy.lib.npyio numpy.lib._npyio_impl numpy.lib.format numpy.lib._format_impl numpy.f2py numpy.distutils
    numpy.testing numpy.ctypeslib numpy.lib._datasource pandas.io pandas.core.computation pandas._testing
    pandas.testing scipy.io sklearn.datasets sklearn.utils._testing sklearn.utils.parallel sklearn.externals
    torch.hub torch.jit torch.package torch.serialization torch.utils.cpp_extension torch.utils.model_zoo
    torch.utils.data torch.distributed torch.fx torch._dynamo torch._inductor torch.onnx torch.multiprocessing
    torch.ops torch.classes torch.testing torch.export autogluon.common.loaders autogluon.common.savers
    autogluon.core.utils.loaders autogluon.core.utils.savers autogluon.common.utils.s3_utils
    autogluon.core.utils.files fastai.data.external fastai.imports fastcore.xtras fastcore.net fastcore.parallel
    fastcore.script networkx.readwrite networkx.drawing imodels.rule_set imodels.util.rule lightgbm.libpath
    xgboost.libpath pytorch_lightning lightning_fabric.plugins lightning_fabric.loggers lightning_utilities
    pytabkit.models.training.lightning_callbacks
    """
)
BUILTINS: Final = _words(
    """
    Ellipsis NotImplemented bool bytearray bytes complex dict float frozenset int list object print range reversed
    set slice str tuple
    """
)
ONLY: Final = {  # of these modules, nothing but this: classes that hold values, and functions that make nothing else
    "builtins": BUILTINS,
    "operator": frozenset({"itemgetter"}),
    "_operator": frozenset({"itemgetter"}),
    "functools": frozenset({"partial"}),
    "inspect": frozenset({"Parameter", "Signature", "_ParameterKind", "_empty"}),
    "pathlib": frozenset({"PosixPath", "PurePosixPath", "PureWindowsPath", "WindowsPath"}),
    "pathlib._local": frozenset({"PosixPath", "PurePosixPath", "PureWindowsPath", "WindowsPath"}),
    "copyreg": frozenset({"__newobj__", "__newobj_ex__", "_reconstructor"}),
    "_codecs": frozenset({"encode"}),
    "codecs": frozenset({"encode"}),
}
DEEDS: Final = re.compile(
    r"(load|read|save|open|download|fetch|exec|execute|eval|import|run|spawn|popen|system|compile|urlopen|unlink|remove|"
    r"rmtree|mkdir|chmod|write|memmap|from_?(file|buffer)|tofile|genfromtxt|loadtxt|savetxt|fromregex|unpickle_file|query|attrgetter|"
    r"methodcaller|getattr|setattr|delattr|globals|locals|vars|breakpoint|input|subprocess|shell|to_(pickle|csv|sql|json|"
    r"parquet|excel|hdf|feather|stata|html))s?(_.*)?"
)
READ_SPECIALLY: Final = ("torch.storage", "_load_from_bytes")  # the reader reads what it would load


def refusal(module: str, name: str) -> str | None:
    """Say why ``module``'s ``name`` (dotted, where it lies in a class) may never be allowed; None where it may.

    Where the module can be imported here it is, and what is found is judged by its own module and name as well, so that
    a door into another module ("autogluon.core.metrics", "np.load") is none. Raises nothing.
    """
    if (module, name) == READ_SPECIALLY:
        return None
    if told := refusal_by_text(module, name):
        return told
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
            if isinstance(found, types.ModuleType):
                return f"{part} is a module"
    except Exception:  # noqa: BLE001 — a package of another version, or one that is not here
        return None
    return _refusal_of(found)


def refusal_by_text(module: str, name: str) -> str | None:
    """Say why the name may never be allowed, by what it is called alone."""
    top = module.split(".", 1)[0]
    if top in STANDARD or top in INSTALLED:
        return f"nothing of {top} is allowed"
    if below := next((each for each in sorted(MODULES) if module == each or module.startswith(f"{each}.")), None):
        return f"nothing of {below} is allowed"
    if module in ONLY and name not in ONLY[module]:
        return f"of {module}, only {', '.join(sorted(ONLY[module]))} may be"
    first, *rest = name.split(".")
    if any(part.startswith("__") for part in rest):
        return "it reaches into an object's own parts"
    if rest and not first.strip("_")[:1].isupper():
        return f"{first} is no class by its name"
    if DEEDS.fullmatch(name.rsplit(".", 1)[-1].strip("_")):
        return "its name says that it loads, saves, runs or opens"
    if {"test", "tests", "testing", "_testing", "conftest"} & set(module.split(".")):
        return "it belongs to tests"
    return None


def _refusal_of(found: Any) -> str | None:
    """Judge an object by what it is, wherever it was found."""
    thing = found if isinstance(found, (type, types.FunctionType, types.BuiltinFunctionType)) else type(found)
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "")
    if not isinstance(module, str) or isinstance(found, types.MethodType) or thing in _PLAIN:
        return None
    if (
        isinstance(thing, type)
        and module == "builtins"
        and name not in BUILTINS
        and not issubclass(thing, BaseException)
    ):
        return f"it is {module}.{name}"
    told = refusal_by_text(module, name.replace("<locals>.", ""))
    return f"it is {module}.{name}: {told}" if told else None


_PLAIN: Final = frozenset({type(None), type(builtins.len), types.FunctionType, types.MethodDescriptorType})
