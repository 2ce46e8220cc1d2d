"""What a tag model reads: the user's tags sorted into the text that it was trained on.

A card's layout says what that text is: a line for each header field, one with sentences if the
model knows how to read them, then the line with people counts and general tags, which the model
goes on with. Weights, LoRA tags, wildcards, BREAK, year words and what the layout has no line for
never reach it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tagkit.clip.counts import text_count
from tagkit.prompt import Choice, Text, Wildcard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tagkit.cards import LengthTarget, ProseTask, TagLayout
    from tagkit.lexicon import Lexicon
    from tagkit.prompt import Prompt, Segment, Tag

# The header fields that hold tags, by the kind of tag.
FIELDS = {
    "quality": "quality",
    "rating": "rating",
    "artist": "artist",
    "character": "characters",
    "copyright": "copyrights",
    "meta": "meta",
}
PROSE = "prose"  # the kind of what is no tag but a sentence
COUNTED = ("count", "general")  # kinds that a length target counts, in the order of the last line

_OWN_GROUPS = ("count", "quality", "rating", "year", "meta")
_PROSE_WORDS = 5  # an unknown name of so many words is a sentence
_ARTIST = re.compile(r"(?:artist:|by |@)\s*(\S.*)")
_FOREIGN = re.compile(r"[,\n]|<\|")  # would end a tag, a line, or be read as a special token

Tags = dict[str, tuple[str, ...]]  # canonical names by kind, in the user's order


def kind_of(name: str, lexicon: Lexicon) -> str:
    """count, general, artist, character, copyright, quality, rating, year or meta.

    An unknown name is general. So is a bare word that only the long lists have, where it is a pen
    name or an everyday word, which CLIP has as one token: they hold names such as `joyful`.
    """
    if _ARTIST.match(name):
        return "artist"
    entry = lexicon.find(name)
    if entry is None:
        return "general"
    if entry.group:
        return entry.group if entry.group in _OWN_GROUPS else entry.category
    ambiguous = " " not in name and (entry.category == "artist" or text_count(name) == 1)
    return "general" if ambiguous else entry.category


def tags_of(prompt: Prompt, lexicon: Lexicon) -> Tags:
    """The prompt's tags by kind, each once; of alternatives the first.

    Sentences are of the kind `PROSE`, and spelt as the user does.
    """
    found: dict[str, dict[str, None]] = {}
    for tag in _tags(prompt):
        kind = kind_of(tag.name, lexicon)
        bare = _ARTIST.fullmatch(tag.name) if kind == "artist" else None
        name = bare[1] if bare else tag.name
        if kind == "general" and _is_prose(name, lexicon):
            kind, name = PROSE, prompt.text[tag.span.start : tag.span.end].replace("\\", "")
        found.setdefault(kind, {})[name] = None
    return {kind: tuple(names) for kind, names in found.items()}


def without(tags: Tags, hidden: Callable[[str], bool]) -> Tags:
    """`tags` without those that the model must not see."""
    return {kind: tuple(name for name in names if not hidden(name)) for kind, names in tags.items()}


def model_text(
    tags: Mapping[str, tuple[str, ...]], aspect: float, length: LengthTarget, layout: TagLayout
) -> str:
    """The text for the model. aspect: width divided by height of the picture."""
    join = layout.separator.join
    listed = join(name for kind in COUNTED for name in tags.get(kind, ()))
    sentences = join(tags.get(PROSE, ()))
    task = _task(layout, bool(sentences), bool(listed))
    values = {field: join(tags.get(kind, ())) for kind, field in FIELDS.items()}
    values["aspect ratio"] = f"{aspect:.1f}"
    values["target"] = f"{length.token} {task.token}" if task else length.token
    filled = [(field, values[field] or layout.empty) for field in layout.header]
    lines = [f"{field}: {value}" for field, value in filled if value]
    if task:
        lines.append(f"{task.label}: {sentences}")
    last = f"{layout.opening}: {listed}{_behind(layout, bool(listed))}"
    return "\n".join([*lines, last.rstrip()])


def _task(layout: TagLayout, has_prose: bool, has_tags: bool) -> ProseTask | None:
    if layout.prose is None or not has_prose:
        return None
    return layout.prose.beside_tags if has_tags else layout.prose.alone


def _behind(layout: TagLayout, has_tags: bool) -> str:
    """What stands behind the tags. A model that goes on with the list gets a comma, or it might go
    on with the letters of the last tag: `hair` becomes `hairband`."""
    return layout.end_of_input or (layout.separator.rstrip() if has_tags else "")


def _tags(prompt: Prompt) -> Iterator[Tag]:
    for section in prompt.sections:
        for segment in section.segments:
            for tag in segment.tags if _reads_as_tags(segment) else ():
                first = not any(option for _, option in tag.choices)
                if first and not _FOREIGN.search(tag.name):
                    yield tag


def _is_prose(name: str, lexicon: Lexicon) -> bool:
    return len(name.split()) >= _PROSE_WORDS and lexicon.find(name) is None


def _reads_as_tags(segment: Segment) -> bool:
    """Not so where a wildcard or alternatives make up only a part of a tag: `__color__ hair`."""
    kinds = {type(node) for node in segment.nodes}
    return Text not in kinds or not kinds & {Wildcard, Choice}
