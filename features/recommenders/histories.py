"""Owners' baskets as one sparse matrix: what each has of each item, older baskets counting less."""

import numpy as np
from scipy import sparse

from features.recommenders.sequences import Ints, Sequences


def fading(of: Sequences, fade: float) -> sparse.csr_array:
    """`[owners, items]`: over the baskets with the item, the sum of `fade` to the power of baskets ago."""
    weight = np.power(fade, of.baskets_ago)
    return sparse.csr_array((weight, (of.owner, of.item)), shape=(len(of), of.size))


def basket_counts(of: Sequences) -> Ints:
    """How many baskets each owner has."""
    return np.diff(of.owner_start)


def basket_rows(of: Sequences) -> sparse.csr_array:
    """`[baskets, items]`: 1 where the basket holds the item."""
    return sparse.csr_array((np.ones(len(of.item)), of.item, of.basket_start), shape=(of.baskets, of.size))


def scaled(rows: sparse.csr_array, factor: sparse.csr_array | np.ndarray) -> sparse.csr_array:
    """Each row times its factor, `[rows]`."""
    return sparse.csr_array(
        (rows.data * np.repeat(factor, np.diff(rows.indptr)), rows.indices, rows.indptr), rows.shape
    )


def strongest(rows: sparse.csr_array, most: int) -> sparse.csr_array:
    """The `most` highest positive values of each row, the others left out; equal ones go by the smaller column."""
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    order = np.lexsort((rows.indices, -rows.data, row))
    place = np.arange(len(order)) - np.repeat(rows.indptr[:-1], np.diff(rows.indptr))
    kept = np.sort(order[(place < most) & (rows.data[order] > 0)])
    return sparse.csr_array((rows.data[kept], (row[kept], rows.indices[kept])), shape=rows.shape)
