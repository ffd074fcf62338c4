"""Reads a page of HTML: its elements, its text, and its tables."""

from collections import defaultdict
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "wbr"}


class Outline(HTMLParser):
    """Collects a page's elements, the rows of its tables by caption, and checks that its tags are closed."""

    def __init__(self, text: str):
        super().__init__()
        self.elements, self.tables, self.text, self.open_tags, self.caption = (
            [],
            defaultdict(list),
            "",
            [],
            "",
        )
        self.feed(text)
        self.close()
        assert self.open_tags == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open_tags.append(tag)
        if tag == "caption":
            self.caption = ""
        if tag == "tr":
            self.tables[self.caption].append([])
        if tag in ("td", "th"):
            self.tables[self.caption][-1].append("")

    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag

    def handle_data(self, data):
        self.text += data
        if "caption" in self.open_tags:
            self.caption += data
        elif {"td", "th"} & set(self.open_tags):
            self.tables[self.caption][-1][-1] += data

    def table(self, caption: str) -> dict[str, list[str]]:
        """Return the rows of the table whose caption starts with `caption`: label -> cells."""
        rows = next(rows for name, rows in self.tables.items() if name.startswith(caption))
        return {row[0]: row[1:] for row in rows}

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]
