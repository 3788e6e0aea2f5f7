"""The next item of a session by its own items, and by the sessions nearest to it (VS-KNN).

`session_popularity` is S-POP of Hidasi et al., "Session-based Recommendations with Recurrent Neural Networks" (ICLR
2016), equal counts by first view. `VsKnn` is Vector Multiplication Session-Based kNN of Ludewig & Jannach, "Evaluation
of Session-based Recommendation Algorithms" (UMUAI 2018): the newest sessions that share an item are a sample;
similarity adds up the weights of shared items, which grow linearly with their place in the session, over the root of
the neighbour's length (cosine); an item scores the similarities of the nearest sessions that hold it, each multiplied
by a weight that falls linearly with the newest shared item's distance from the end, and by its rarity (idf), the last
two as in the authors' variants. Items are whole numbers; ties go to the smaller one.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import log, sqrt

Session = Sequence[int]


def session_popularity(sessions: Sequence[Session], prefixes: Sequence[Session], k: int) -> list[list[int]]:
    """The prefix's own items by count, equal ones as first viewed; then everybody's most viewed."""
    views = Counter(item for session in sessions for item in session)
    popular = sorted(views, key=lambda item: (-views[item], item))[: k + max(map(len, prefixes), default=0)]
    lists = []
    for prefix in prefixes:
        count = Counter(prefix)
        own = [item for item, _ in count.most_common()]
        lists.append([*own, *(item for item in popular if item not in count)][:k])
    return lists


class VsKnn:
    """Fitted on whole sessions, oldest first."""

    def __init__(
        self, sessions: Sequence[Session], *, sample: int = 5000, nearest: int = 500, cosine: bool = True
    ) -> None:
        """`sample` newest sessions are compared, the `nearest` of them vote."""
        self._sessions = [sorted(set(session)) for session in sessions]
        self._holding: dict[int, list[int]] = defaultdict(list)
        for number, session in enumerate(self._sessions):
            for item in session:
                self._holding[item].append(number)
        self._sample, self._nearest, self._cosine = sample, nearest, cosine
        n = len(self._sessions)
        self._weight = {item: log(n / len(held)) for item, held in self._holding.items()}

    def lists(self, prefixes: Sequence[Session], k: int) -> list[list[int]]:
        """At most `k` items for each prefix; fewer where its neighbours hold fewer."""
        return [self._list(prefix, k) for prefix in prefixes]

    def _list(self, prefix: Session, k: int) -> list[int]:
        place = {item: number for number, item in enumerate(prefix, start=1)}  # the latest place of each
        votes: dict[int, float] = defaultdict(float)
        for session, similarity in self._neighbours(prefix, place):
            held = self._sessions[session]
            newest = max(place[item] for item in held if item in place)
            away = len(prefix) - newest + 1
            vote = similarity * max(1.0 - 0.1 * away, 0.0)
            if vote:
                for item in held:
                    votes[item] += vote * self._weight[item]
        return sorted((item for item in votes if votes[item] > 0), key=lambda item: (-votes[item], item))[:k]

    def _neighbours(self, prefix: Session, place: dict[int, int]) -> list[tuple[int, float]]:
        similarity: dict[int, float] = defaultdict(float)
        for item in sorted(place):
            for session in self._holding.get(item, ())[-self._sample :]:
                similarity[session] += place[item] / len(prefix)
        newest = sorted(similarity, reverse=True)[: self._sample]
        if self._cosine:
            similarity.update({session: similarity[session] / sqrt(len(self._sessions[session])) for session in newest})
        best = sorted(newest, key=lambda session: (-similarity[session], -session))[: self._nearest]
        return [(session, similarity[session]) for session in best]
