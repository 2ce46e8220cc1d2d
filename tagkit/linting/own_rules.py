"""Rules that users write themselves: packs, checked before any prompt is judged by them."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tagkit.errors import UserError
from tagkit.lexicon import shipped_lexicon
from tagkit.linting.classify import Knowledge
from tagkit.linting.linter import UNKNOWN_MODEL
from tagkit.linting.matchers.exclusive import Exclusions, exclusive_index
from tagkit.linting.matchers.implied import Implied, implied_table
from tagkit.linting.matchers.listed import Listed, listing_of
from tagkit.linting.matchers.together import Together, word_pair
from tagkit.packs import Rule, Written, read_pack, shipped_rules
from tagkit.prompt import canonical
from tagkit.typed_yaml import convert_at, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_CODE = re.compile(r"[A-Z]{2,6}[0-9]{3}")
_HEADERS = ("words", "tag", "tag\tinstead", "child\tparent")
_FIRST_ROW = 2


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of a matcher that has none."""


class Kind(NamedTuple):
    """A matcher that suits packs.

    settings: what a rule's `with` may hold. prepared: reads what that names, and fails if it is
    broken. holes: what messages and the fix's title may speak of.
    """

    settings: type[msgspec.Struct]
    holes: tuple[str, ...]
    prepared: Callable[[Rule, Knowledge], object] | None = None


KINDS = {
    "exclusive": Kind(Exclusions, ("tag", "other"), exclusive_index),
    "implied": Kind(Implied, ("tag", "by"), implied_table),
    "listed": Kind(Listed, ("tag", "instead", "model"), listing_of),
    "never-together": Kind(Together, ("this", "that"), word_pair),
    "repeated": Kind(Nothing, ("tag",)),
}


def own_rules(packs: Sequence[Path]) -> tuple[Rule, ...]:
    """The rules of these packs, ordered by code. Raises UserError for whatever is wrong in them."""
    return tuple(each.rule for each in written_rules(packs))


def all_rules(packs: Sequence[Path]) -> tuple[Rule, ...]:
    """tagkit's own rules and those of these packs, ordered by code. Raises UserError."""
    own = own_rules(packs) if packs else ()
    return tuple(sorted((*shipped_rules(), *own), key=lambda rule: rule.code))


def written_rules(packs: Sequence[Path]) -> tuple[Written, ...]:
    """The same rules with where they are written."""
    known = {name: "tagkit" for rule in shipped_rules() for name in _names(rule)}
    found: dict[str, Written] = {}
    for pack in dict.fromkeys(each.absolute() for each in packs):
        for written in read_pack(pack):
            _refuse_clash(written, known)
            _check(written)
            known |= dict.fromkeys(_names(written.rule), written.place("code"))
            found[written.rule.code] = written
    return tuple(found[code] for code in sorted(found))


def _names(rule: Rule) -> tuple[str, ...]:
    return (rule.code, rule.name, *rule.aliases)


def _refuse_clash(written: Written, known: dict[str, str]) -> None:
    for name in _names(written.rule):
        if name in known:
            what = f"`{name}` is a rule of {known[name]} already"
            raise UserError(what, written.place("code"), "choose a prefix of your own")


def _check(written: Written) -> None:
    """Raises UserError for what the form of a rule lets pass and no matcher could use."""
    rule = written.rule
    if not _CODE.fullmatch(rule.code):
        what = f"`{rule.code}` is no code of a rule"
        raise UserError(what, written.place("code"), "two to six capitals, three digits: ABC101")
    if rule.kind not in KINDS:
        hint = nearest(rule.kind, [*KINDS], "kinds for packs")
        raise UserError(f"no rule of a pack can be `{rule.kind}`", written.place("kind"), hint)
    if rule.always:
        raise UserError("only tagkit's own rules are `always`", written.place("always"))
    convert_at(rule.settings, KINDS[rule.kind].settings, written.path, (*written.steps, "with"))
    for key, table in rule.settings.items():
        if isinstance(table, str) and Path(table).is_absolute():
            _check_table(Path(table), written.place("with", key))
    _check_words(written)
    _prepare(written)


def _check_table(table: Path, where: str) -> None:
    """Names that are spelt in another way than tags are known by would never be found."""
    try:
        header, *rows = table.read_text(encoding="utf-8").splitlines() or [""]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the table `{table}`", f"{where}: {error}") from error
    if header not in _HEADERS:
        shown = ", ".join(f"`{each}`" for each in _HEADERS).replace("\t", "<TAB>")
        hint = f"the first line names the columns: {shown}"
        raise UserError(f"a table has no `{header}`", f"{table}:1", hint)
    for number, row in enumerate(rows, _FIRST_ROW):
        for name in row.split("\t"):
            if name != canonical(name):
                hint = f"write `{canonical(name)}`"
                raise UserError(f"tags are not spelt `{name}`", f"{table}:{number}", hint)


def _check_words(written: Written) -> None:
    """Messages and the fix's title may speak of what the matcher says and of nothing else."""
    rule, holes = written.rule, KINDS[written.rule.kind].holes
    texts = [(("messages", key), text) for key, text in rule.messages.items()]
    if rule.fix:
        texts.append((("fix", "title"), rule.fix.title))
    for steps, text in texts:
        for hole in _holes(text, written.place(*steps)):
            if hole not in holes:
                hint = nearest(hole, [f"{{{each}}}" for each in holes], "holes")
                raise UserError(f"`{{{hole}}}` in `{text}`", written.place(*steps), hint)
    said = [each.get("variant", "found") for each in rule.settings.get("exclusions", [{}])]
    for variant in said:
        if variant not in rule.messages:
            what = f"{rule.code} has no message `{variant}`"
            raise UserError(what, written.place("messages"), f"messages: {variant}: …")


def _holes(text: str, where: str) -> Iterator[str]:
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise UserError(f"`{text}`: {error}", where, "write {{ for a brace") from error
    for _, hole, form, conversion in parts:
        if hole is not None:
            yield hole + (f":{form}" if form else "") + (f"!{conversion}" if conversion else "")


def _prepare(written: Written) -> None:
    """Patterns are compiled and tables read now, so that no prompt is judged by a broken rule."""
    prepared = KINDS[written.rule.kind].prepared
    if prepared is None:
        return
    try:
        prepared(written.rule, Knowledge(UNKNOWN_MODEL, shipped_lexicon()))
    except UserError as error:
        where = "\n".join(filter(None, (error.where, written.place("with"))))
        raise UserError(error.what, where, error.hint) from error
