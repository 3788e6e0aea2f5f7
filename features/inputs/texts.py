"""What people write, as numbers: a linear model over words and pieces of words, in any language it was fitted to.

A text is looked at twice, as words and pairs of words, and as pieces of 2 to 5 letters within words, which carry over
to inflected and misspelt forms. Each look is a vector of (1 + ln count) x idf of length one (TF-IDF, Salton and
Buckley, 1988, with smoothed idf); the score is its product with the weights. Letters are compared without case and
accents.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from features.errors import BundleError
from features.inputs.candidates import Floats

LONGEST = 6_000  # characters looked at: the first two thirds and the last third of a longer text
PIECES = (2, 3, 4, 5)
_TOKEN = re.compile(r"\w+|[!?]+|[\u2600-\u27bf\U0001f000-\U0001faff]")

Grams = Callable[[Sequence[str]], list[str]]


def looked_at(text: str, longest: int = LONGEST) -> str:
    """The text, of one that is too long its beginning and its end."""
    return text if len(text) <= longest else f"{text[: longest * 2 // 3]} {text[-longest // 3 :]}"


def tokens(text: str) -> list[str]:
    """Words in small letters without accents, runs of ! and ?, and pictures.

    >>> tokens("Hyvää!! Ei tullut 😡")
    ['hyvaa', '!!', 'ei', 'tullut', '😡']
    """
    plain = unicodedata.normalize("NFKD", looked_at(text).lower())
    return _TOKEN.findall("".join(letter for letter in plain if not unicodedata.combining(letter)))


def word_grams(words: Sequence[str]) -> list[str]:
    """The words and the pairs of neighbours.

    >>> word_grams(["not", "good"])
    ['not', 'good', 'not good']
    """
    return [*words, *(" ".join(pair) for pair in pairwise(words))]


def piece_grams(words: Sequence[str]) -> list[str]:
    """Pieces of `PIECES` letters within each word, a space before and after it counting as letters.

    >>> piece_grams(["no"])
    [' n', 'no', 'o ', ' no', 'no ', ' no ']
    """
    found = []
    for word in words:
        padded = f" {word} "
        for size in PIECES:
            found += [padded[at : at + size] for at in range(len(padded) - size + 1)]
    return found


LOOKS: tuple[Grams, ...] = (word_grams, piece_grams)


@dataclass(frozen=True)
class Look:
    """One way of looking: the grams known, what each is worth (`idf`), and its weight in the score."""

    grams: tuple[str, ...]
    idf: Floats
    weight: Floats

    @cached_property
    def place(self) -> dict[str, int]:
        """Where each gram stands."""
        return {gram: at for at, gram in enumerate(self.grams)}


@dataclass(frozen=True)
class TextModel:
    """A linear model of texts, one `Look` for each of `LOOKS`. Higher scores mean more of what it was fitted to."""

    looks: tuple[Look, ...]
    intercept: float

    def score(self, texts: Iterable[str]) -> Floats:
        """One score a text; a text of which nothing is known scores the intercept."""
        return np.array([self.intercept + sum(worth for _, worth in self._parts(text)) for text in texts], np.float64)

    def words_for(self, text: str, most: int = 3) -> list[tuple[str, float]]:
        """The words of a text that raise its score most, with what each adds: pairs of words count for both."""
        words = tokens(text)
        value: dict[str, float] = {}
        for gram, worth in self._of(words, 0):
            for word in gram.split(" "):
                value[word] = value.get(word, 0.0) + worth / len(gram.split(" "))
        return sorted(((w, v) for w, v in value.items() if v > 0), key=lambda pair: (-pair[1], pair[0]))[:most]

    def save(self, file: Path | BinaryIO) -> None:
        """Write all arrays, uncompressed; the same model gives the same bytes. No gram holds a line break."""
        arrays: dict[str, Any] = {"intercept": np.array(self.intercept)}
        for at, look in enumerate(self.looks):
            arrays[f"grams_{at}"] = np.frombuffer("\n".join(look.grams).encode(), np.uint8)
            arrays[f"idf_{at}"], arrays[f"weight_{at}"] = look.idf, look.weight
        np.savez(file, **arrays)

    @classmethod
    def load(cls, file: Path) -> "TextModel":
        """Read what `save` wrote; raises `BundleError` for anything else."""
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                looks = tuple(_look(arrays, at) for at in range(len(LOOKS)))
                return cls(looks, float(arrays["intercept"]))
        except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
            raise BundleError(f"{file} is no text model ({error}). Promote again, or roll back.") from error

    def _parts(self, text: str) -> list[tuple[str, float]]:
        words = tokens(text)
        return [part for at in range(len(LOOKS)) for part in self._of(words, at)]

    def _of(self, words: Sequence[str], at: int) -> list[tuple[str, float]]:
        """Each known gram of a look and what it adds to the score."""
        look = self.looks[at]
        counts = Counter(gram for gram in LOOKS[at](words) if gram in look.place)
        rows = np.fromiter((look.place[gram] for gram in counts), np.int64, len(counts))
        value = tf_idf(np.fromiter(counts.values(), np.float64, len(counts)), look.idf[rows])
        return list(zip(counts, (value * look.weight[rows]).tolist(), strict=True))


def tf_idf(counts: Floats, idf: Floats) -> Floats:
    """(1 + ln count) x idf of one text's grams, divided by their length."""
    value = (1 + np.log(counts)) * idf
    return np.asarray(value / max(float(np.sqrt((value * value).sum())), 1e-12))


def smoothed_idf(texts: int, texts_with: npt.NDArray[np.int64]) -> Floats:
    """ln((1 + texts) / (1 + texts with the gram)) + 1."""
    return log(1 + texts) - np.log1p(texts_with) + 1.0


def _look(arrays: Any, at: int) -> Look:
    text = arrays[f"grams_{at}"].tobytes().decode()
    look = Look(tuple(text.split("\n")) if text else (), arrays[f"idf_{at}"], arrays[f"weight_{at}"])
    if not len(look.grams) == len(look.idf) == len(look.weight):
        raise ValueError(f"{len(look.grams)} grams with {len(look.idf)} and {len(look.weight)} numbers")
    return look
