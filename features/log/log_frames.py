"""Whether SQLite's write-ahead log can be read back as it was written.

What a disk refused stays in memory for a while, and may give way to whatever the disk holds in its place. SQLite looks
at the sums of the log's frames when it opens a log that nobody has open, and at no other time: a checkpoint would bring
such a hole into the database. Its formats: https://www.sqlite.org/fileformat2.html#walformat, https://www.sqlite.org/walformat.html.
"""

import struct
from pathlib import Path

_HEAD, _FRAME_HEAD = 32, 24
_BIG_ENDIAN = 0x377F0683
_INDEX = struct.Struct("=16xI4xII64xI")
"""Of the index that all who have the log open share: how many frames count, the sums of the last of them, and how many
frames the database has already."""


def is_whole(database: Path) -> bool:
    """Whether all frames that the database lacks are in its log, which somebody has open and nobody writes.

    Raises `OSError` where the log or its index cannot be read.
    """
    with database.with_name(f"{database.name}-shm").open("rb") as index:
        frames, *last, in_database = _INDEX.unpack(index.read(_INDEX.size))
    if frames == in_database:
        return True
    with database.with_name(f"{database.name}-wal").open("rb") as written:
        head = written.read(_HEAD)
        if len(head) < _HEAD:
            return False
        magic, _, page_bytes, _, salts, *sums = struct.unpack(">IIII8sII", head)
        order = ">" if magic == _BIG_ENDIAN else "<"
        if _summed(head[:24], order, 0, 0) != tuple(sums):
            return False
        words = tuple(sums)
        for _ in range(frames):
            frame = written.read(_FRAME_HEAD + page_bytes)
            if len(frame) < _FRAME_HEAD + page_bytes or frame[8:16] != salts:
                return False
            words = _summed(frame[:8], order, *words)
            words = _summed(frame[_FRAME_HEAD:], order, *words)
            if struct.unpack(">II", frame[16:24]) != words:
                return False
    return words == tuple(last)


def _summed(data: bytes, order: str, first: int, second: int) -> tuple[int, int]:
    """SQLite's sums of 32-bit words, gone on with."""
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for one in words:
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + next(words) + first) & 0xFFFFFFFF
    return first, second
