"""What a page consists of, read strictly: no tag left open, no script or style in an attribute."""

from html.parser import HTMLParser


class Outline(HTMLParser):
    """Tags, ids, what labels name, fields to fill in, and what links lead to."""

    VOID = ("meta", "link", "input", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.labelled: list[str] = []
        self.fields: list[str] = []
        self.leads_to: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert not any(name.startswith("on") or name == "style" for name in given), (tag, given)
        self.tags.append(tag)
        self.ids += [str(given["id"])] if given.get("id") else []
        self.leads_to += [str(given[name]) for name in ("href", "src") if name in given]
        if tag == "label":
            self.labelled.append(str(given["for"]))
        if tag in ("input", "select") and given.get("type") != "hidden":
            self.fields.append(str(given["id"]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
