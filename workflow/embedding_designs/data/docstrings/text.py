"""A docstring as natural text: its summary sentence and the rest as prose, without code and markup."""

import re
from typing import NamedTuple


class Prose(NamedTuple):
    """The cleaned parts of one docstring."""

    summary: str  # its first sentence
    description: str  # the prose after it, may be empty
    text: str  # all of it, with the line breaks between paragraphs


LISTS = {"parameters", "other parameters", "returns", "yields", "raises", "warns", "receives"}
SKIPPED_SECTIONS = {"examples", "example", "references", "see also", "methods", "attributes", "usage"}
KEPT_DIRECTIVES = {"note", "warning", "tip", "important", "hint", "caution", "attention", "admonition"}
FIELD = re.compile(r"^:(?:param|parameter|arg|returns?|raises?|keyword|kwarg|key|yields?)\b[^:]*:\s*")
BARE_FIELD = re.compile(r"^:\w+[^:]*:.*$")  # :type x: int, :meta private:
TYPED_NAME = re.compile(r"^[\w*.,\s`\\{}\[\]'\"|-]{1,60}\s:(?:\s.*)?$")  # numpydoc: "axis : int, optional"
# Google style: "x (int): the value"
GOOGLE_NAME = re.compile(r"^(?:[-*]\s+)?[`*]*\w+[`*]*\s?(?:\(.{1,120}?\))?\s*:(?:\s+|$)")
QUOTE = re.compile(r"^>\s*(?:\[!\w+\])?\s*")  # markdown: "> [!WARNING]"
UNDERLINE = re.compile(r"^\s*([=\-~^\"'#*+_])\1{2,}\s*$")
GOOGLE_SECTION = re.compile(
    r"^(args|arguments|parameters|returns?|raises|yields|examples?|notes?|usage|attributes)::?$", re.I
)
NOT_LETTER = re.compile(r"[\W\d_](?<! )")
SENTENCE = re.compile(
    r"(?<![ .(]\w)(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bvs)(?<!\bcf)[.!?](?=\s+[\"'(\[]?[A-Z0-9*])"
)
MARKUP = re.compile(r"[`*\\$|<\[%]|::|//|([!-/:-@\[-`{-~])\1\1")  # without it nothing of INLINE matches
INLINE = [
    (re.compile(r":math:`[^`]*`|\$\$?[^$\n]{1,200}\$\$?"), " "),
    (re.compile(r":[\w:+-]+:`[~!]?(?:[\w.]*\.)?([^`<]*?)\s*(?:<[^`>]*>)?`"), r"\1"),
    (re.compile(r"`([^`<\n]+?)\s*<[^`>]+>`_{0,2}"), r"\1"),
    (re.compile(r"!?\[([^\]\n]+)\]\([^)\s]*\)"), r"\1"),
    (re.compile(r"<?\b(?:https?|ftp)://[^\s>)]+>?"), " "),
    (re.compile(r"\[`([^`\]]+)`\]"), r"\1"),
    (re.compile(r"\[(?:\d+|\w+\d{4}\w?)\]_"), ""),
    (re.compile(r"\|\w+\||%\(\w+\)s|<[/\w][^<>\n]{0,80}>"), " "),
    (re.compile(r"`{1,3}([^`]*)`{1,3}_{0,2}"), r"\1"),
    (re.compile(r"(?<!\w)\*{1,2}(?=\S)([^*\n]+?)(?<=\S)\*{1,2}(?!\w)"), r"\1"),
    (re.compile(r"\\(?=[\s*_`|])"), ""),
    (re.compile(r"([!-/:-@\[-`{-~])\1{2,}"), r"\1"),
    (re.compile(r"::(?=\s|$)"), ":"),
]


def prose(docstring: str) -> Prose:
    """Return the summary sentence, the other prose, and the full text of a docstring.

    `docstring` is dedented, as `ast.get_docstring` returns it. Doctests, code blocks, rst directives,
    reference lists and the type lines of parameter tables are left out; what parameters mean is kept.
    """
    lines = _without_code(docstring.encode("utf-8", "replace").decode().expandtabs().split("\n"))
    paragraphs = [p for p in (_plain(p) for p in _paragraphs(lines)) if _is_natural(p)]
    if not paragraphs:
        return Prose("", "", "")
    summary, rest = _first_sentence(paragraphs[0])
    description = " ".join(_sentence(p) for p in [rest, *paragraphs[1:]] if p)
    return Prose(summary, description, "\n".join(paragraphs))


def folded(text: str) -> str:
    """Return `text` in lower case with single spaces: two texts that fold alike are duplicates."""
    return " ".join(text.lower().split())


def _without_code(lines: list[str]) -> list[str]:
    kept: list[str] = []
    skip_deeper_than = -1  # inside a block of code: drop lines indented more than this
    in_doctest = in_fence = False
    for line in lines:
        stripped = line.strip()
        indent = _indent(line)
        if stripped.startswith(("```", "~~~")):
            in_fence = not in_fence
            continue
        if not stripped:
            in_doctest = False
            kept.append("")
            continue
        if in_fence or in_doctest or (skip_deeper_than >= 0 and indent > skip_deeper_than):
            continue
        skip_deeper_than = -1
        if stripped.startswith((">>>", "In [")):
            in_doctest = True
        elif stripped.startswith(".. ") or stripped == "..":
            name, _, inline = stripped[2:].strip().partition("::")
            if name.lower() in KEPT_DIRECTIVES:
                kept.append(inline.strip())
            else:
                skip_deeper_than = indent
        else:
            kept.append(line)
            if stripped.endswith("::") and not GOOGLE_SECTION.match(stripped):
                skip_deeper_than = indent
    return kept


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _paragraphs(lines: list[str]) -> list[str]:
    paragraphs: list[list[str]] = [[]]
    section = ""
    for number, line in enumerate(lines):
        stripped = QUOTE.sub("", line.strip())
        following = lines[number + 1] if number + 1 < len(lines) else ""
        is_title = bool(stripped) and bool(UNDERLINE.match(following)) and not UNDERLINE.match(line)
        if is_title or GOOGLE_SECTION.match(stripped):
            section = stripped.rstrip(":").lower()
            paragraphs.append([])
        elif section in SKIPPED_SECTIONS or UNDERLINE.match(line):
            continue
        elif section in LISTS and _indent(following) > _indent(line) == 0:
            paragraphs.append([])  # the name and type of what the next lines describe
        elif not stripped or TYPED_NAME.match(line) or BARE_FIELD.match(FIELD.sub("", stripped)):
            paragraphs.append([])
        elif FIELD.match(stripped) or GOOGLE_NAME.match(stripped) or stripped.startswith(("- ", "* ")):
            paragraphs.append([_unnamed(stripped)])
        else:
            paragraphs[-1].append(stripped)
    return [" ".join(paragraph) for paragraph in paragraphs if paragraph]


def _unnamed(line: str) -> str:
    """Return the description of a parameter without its name and type."""
    line = FIELD.sub("", line)
    return GOOGLE_NAME.sub("", line).lstrip("-* ")


def _plain(paragraph: str) -> str:
    if MARKUP.search(paragraph):
        for pattern, replacement in INLINE:
            paragraph = pattern.sub(replacement, paragraph)
    return re.sub(r"\s+([.,;)])", r"\1", " ".join(paragraph.split()))


def _is_natural(paragraph: str) -> bool:
    """Tell prose from tables, signatures and leftovers: mostly letters, several words or a full stop."""
    is_phrase = " " in paragraph or paragraph.endswith(".")
    return is_phrase and len(NOT_LETTER.findall(paragraph)) <= 0.2 * len(paragraph)


def _first_sentence(paragraph: str) -> tuple[str, str]:
    end = SENTENCE.search(paragraph)
    return (paragraph[: end.end()], paragraph[end.end() :].strip()) if end else (paragraph, "")


def _sentence(paragraph: str) -> str:
    return paragraph if paragraph[-1] in ".!?:;" else paragraph + "."
