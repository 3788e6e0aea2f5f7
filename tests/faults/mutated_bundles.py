"""Model bundles with one thing wrong: copies of a good one, torn, mixed up or forged by a seeded hand.

A forged one has the sums of what it holds now, so that what is behind the sums has to find the fault.
"""

import hashlib
import json
import random
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

MANIFEST = "manifest.json"
DEEP = 100_000
HUGE = ("1e999", "-1e308", "1" + "0" * 400, "9223372036854775808", "NaN", "-Infinity", "1e-320", "-1")
ODD = ('"x"', "null", "[]", "{}", "true", '"\\ud800"', '"' + "y" * 100_000 + '"', "[" * DEEP + "]" * DEEP)


def mutated(good: Path, number: int) -> tuple[str, Path]:
    """A copy of a bundle beside it with one thing wrong, and what: the same number gives the same."""
    pick = random.Random(number)
    folder = good.with_name(f"mutated-{number:04}")
    shutil.copytree(good, folder)
    _edit(folder / MANIFEST, lambda told: told | {"id": folder.name})
    name = list(WAYS)[number % len(WAYS)]
    WAYS[name](folder, pick)
    forged = bool(number // len(WAYS) % 2)
    if forged:
        forge_sums(folder)
    return f"{number}: {name}{', sums forged' if forged else ''}", folder


def forge_sums(folder: Path) -> None:
    """Let the manifest give the sums of what is there; one that is lost or cannot be read stays as it is."""
    sums = {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in _files(folder) if one.name != MANIFEST}
    try:
        _edit(folder / MANIFEST, lambda told: told | {"files": sums})
    except (OSError, ValueError, TypeError, RecursionError):
        return


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def _any(folder: Path, pick: random.Random, pattern: str = "*") -> Path:
    return pick.choice(sorted(folder.glob(pattern)))


def _edit(path: Path, change: Callable[[dict], dict]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text("utf-8")))))


def _flip(folder: Path, pick: random.Random) -> None:
    path = _any(folder, pick)
    body = bytearray(path.read_bytes())
    for _ in range(pick.choice((1, 1, 8))):
        body[pick.randrange(len(body))] ^= 1 << pick.randrange(8)
    path.write_bytes(bytes(body))


def _truncate(folder: Path, pick: random.Random) -> None:
    path = _any(folder, pick)
    path.write_bytes(path.read_bytes()[: pick.randrange(path.stat().st_size)])


def _swap(folder: Path, pick: random.Random) -> None:
    one, other = pick.sample(_files(folder), 2)
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def _lose(folder: Path, pick: random.Random) -> None:
    _any(folder, pick).unlink()


def _number(folder: Path, pick: random.Random) -> None:
    """A number of some JSON becomes one that no program expects."""
    _replace(
        _any(folder, pick, "*.json"), r"(?<=[ \[:])-?\d+(\.\d+)?([eE][-+]?\d+)?(?=[,\]} ])", pick.choice(HUGE), pick
    )


def _value(folder: Path, pick: random.Random) -> None:
    """A value of some JSON becomes one of another kind, or one nested without end."""
    _replace(_any(folder, pick, "*.json"), r'(?<=: )("[^"]*"|-?[\d.]+)', pick.choice(ODD), pick)


def _key(folder: Path, pick: random.Random) -> None:
    """A key of some JSON has another name: one is missing, one is unknown."""
    _replace(_any(folder, pick, "*.json"), r'"\w+"(?=: )', '"strange"', pick)


def _tree(folder: Path, pick: random.Random) -> None:
    """A number of some model's trees is another."""
    odd = pick.choice(("-1", "0", "7", "2147483647", "-2147483648", "1e308", "nan", "99999999999999999999"))
    _replace(_any(folder, pick, "*.txt"), r"(?<=[= ])-?\d+(\.\d+)?(e[-+]?\d+)?(?=[ \n])", odd, pick)


def _replace(path: Path, pattern: str, by: str, pick: random.Random) -> None:
    text = path.read_text("utf-8")
    found = [match.span() for match in re.finditer(pattern, text)]
    begin, end = pick.choice(found) if found else (0, len(text))
    path.write_text(text[:begin] + by + text[end:], "utf-8")


WAYS: dict[str, Callable[[Path, random.Random], None]] = {
    "bytes flipped": _flip,
    "number out of range": _number,
    "truncated": _truncate,
    "tree altered": _tree,
    "files swapped": _swap,
    "value of another kind": _value,
    "file lost": _lose,
    "key renamed": _key,
}


def all_mutated(good: Path, numbers: Iterable[int]) -> Iterator[tuple[str, Path]]:
    """One after another; each is gone before the next comes."""
    for number in numbers:
        name, folder = mutated(good, number)
        yield name, folder
        shutil.rmtree(folder)
