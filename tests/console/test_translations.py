"""Every text of the console is there in Finnish, with the same places to fill in, and none that nobody shows."""

import re
from pathlib import Path

from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from serving import console
from serving.api.problems import PROBLEMS

ROOT = Path(console.__file__).parent
PLACES = re.compile(r"%\((\w+)\)s")


def shown() -> set[str | tuple[str, ...]]:
    """All texts of templates and code, of what the console passes on, and the titles of problems."""
    keywords = {"N_": None, "gettext": None, "said": None}
    templates = [("jinja2.ext:babel_extract", path, {}) for path in ROOT.glob("templates/*.html")]
    rooms = (ROOT, ROOT.with_name("campaigns"), ROOT.with_name("desk"))
    code = [("python", path, {"keywords": keywords}) for room in rooms for path in room.glob("*.py")]
    return {
        message
        for method, path, more in [*templates, *code]
        for _, message, _, _ in extract_from_file(method, str(path), **more)
    } | {title for _, title in PROBLEMS.values()}


def test_every_text_is_there_in_finnish_and_fills_in_the_same() -> None:
    with (ROOT / "translations" / "fi.po").open("rb") as file:
        found = {
            message.id if isinstance(message.id, str) else tuple(message.id): message
            for message in read_po(file)
            if message.id
        }
    assert set(found) == shown()
    for message in found.values():
        english = [message.id] if isinstance(message.id, str) else message.id
        finnish = [message.string] if isinstance(message.string, str) else message.string
        assert len(english) == len(finnish) and all(finnish), message.id
        for one, other in zip(english, finnish, strict=True):
            assert set(PLACES.findall(one)) == set(PLACES.findall(other)), message.id
