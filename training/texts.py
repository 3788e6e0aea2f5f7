"""Fitting a text model: TF-IDF of words and pieces (`features/inputs/texts.py`) under a regularised logistic line."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from features.inputs.texts import LOOKS, Look, TextModel, smoothed_idf, tokens
from training.metrics import Array, log_loss
from training.split import customer_folds

RAREST = 2  # texts a gram must be in
PENALTIES = (1.0, 3.0, 10.0)  # scikit-learn's C, chosen by folds


@dataclass(frozen=True)
class FittedText:
    """The model of all texts, and each text's score by a model that never saw it."""

    model: TextModel
    out_of_fold: Array  # [texts]


def fit_text(texts: Sequence[str], truth: Array, *, folds: int = 5) -> FittedText:
    """Fit with the penalty that predicts held-out texts best (log loss); equal texts share a fold.

    `truth` is 0 or 1 and has both.
    """
    fold = customer_folds(np.array([" ".join(tokens(text)) for text in texts]), folds)
    held_out = {c: np.zeros(len(texts)) for c in PENALTIES}
    for number in range(folds):
        inside, outside = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        if not 0 < truth[outside].sum() < len(outside):
            rate = truth[outside].mean() if len(outside) else truth.mean()  # all texts are one: nobody else is there
            held_out = {c: _with(scores, inside, rate) for c, scores in held_out.items()}
            continue
        learned = _Counted.of([texts[i] for i in outside.tolist()])
        asked = [texts[i] for i in inside.tolist()]
        for c in PENALTIES:
            held_out[c][inside] = learned.fit(truth[outside], c).score(asked)
    best = min(PENALTIES, key=lambda c: log_loss(truth, 1 / (1 + np.exp(-held_out[c]))))
    return FittedText(_Counted.of(texts).fit(truth, best), held_out[best])


def _with(scores: Array, rows: Array, rate: float) -> Array:
    scores[rows] = np.log((rate + 1e-3) / (1 - rate + 1e-3))
    return scores


@dataclass(frozen=True)
class _Counted:
    """Texts as a matrix, with the grams of its columns."""

    matrix: sparse.csr_array
    grams: list[tuple[str, ...]]
    idf: list[Array]

    @classmethod
    def of(cls, texts: Sequence[str]) -> "_Counted":
        words = [tokens(text) for text in texts]
        blocks, names, idfs = [], [], []
        for grams_of in LOOKS:
            counted = [Counter(grams_of(one)) for one in words]
            spread = Counter(gram for one in counted for gram in one)
            grams = tuple(sorted(gram for gram, n in spread.items() if n >= RAREST))
            place = {gram: at for at, gram in enumerate(grams)}
            rows = [(at, place[g], n) for at, one in enumerate(counted) for g, n in one.items() if g in place]
            text, column, count = (
                (np.array(part, np.int64) for part in zip(*rows, strict=True)) if rows else [np.empty(0, np.int64)] * 3
            )
            idf = smoothed_idf(len(texts), np.array([spread[gram] for gram in grams], np.int64))
            value = (1 + np.log(count)) * idf[column]
            length = np.sqrt(np.bincount(text, value * value, len(texts)))
            blocks.append(sparse.csr_array((value / length[text], (text, column)), shape=(len(texts), len(grams))))
            names.append(grams)
            idfs.append(idf)
        return cls(sparse.csr_array(sparse.hstack(blocks)), names, idfs)

    def fit(self, truth: Array, c: float) -> TextModel:
        """The model with scikit-learn's inverse penalty `c`."""
        if not self.matrix.shape[1]:
            rate = (truth.sum() + 0.5) / (len(truth) + 1)
            coef, intercept = np.empty(0), float(np.log(rate / (1 - rate)))
        else:
            line = LogisticRegression(C=c, max_iter=1000).fit(self.matrix, truth > 0.5)
            coef, intercept = line.coef_[0], float(line.intercept_[0])
        cuts = np.cumsum([len(grams) for grams in self.grams])[:-1]
        parts = zip(self.grams, self.idf, np.split(coef, cuts), strict=True)
        return TextModel(tuple(Look(grams, idf, weight) for grams, idf, weight in parts), intercept)
