"""The basis of a snapshot: one hash of all code that its values depend on, found by following imports."""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_ROOM = Path(__file__).parents[1]


def modules(*roots: str) -> list[Path]:
    """The files of `features` that modules (dotted, without `features.`) are made of, themselves included."""
    needed, waiting = set[Path](), list(roots)
    while waiting:
        path = _ROOM / waiting.pop().replace(".", "/")
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if file in needed or not file.exists():
            continue
        needed.add(file)
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            waiting += _imported(node)
    return sorted(needed)


@cache
def code_hash(*roots: str) -> str:
    """SHA-256 over the text of these modules."""
    digest = hashlib.sha256()
    for file in modules(*roots):
        digest.update(str(file.relative_to(_ROOM)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


@cache
def file_hash(*files: str) -> str:
    """SHA-256 over the text of files, for code outside this room."""
    return hashlib.sha256(b"\0".join(Path(file).read_bytes() for file in files)).hexdigest()


def _imported(node: ast.AST) -> Iterable[str]:
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "features":
        of = ".".join((node.module or "").split(".")[1:])
        return [of, *(f"{of}.{alias.name}".strip(".") for alias in node.names)]
    if isinstance(node, ast.Import):
        return [alias.name.removeprefix("features.") for alias in node.names if alias.name.startswith("features.")]
    return []
