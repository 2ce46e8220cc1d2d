"""Rule packs: every rule is one YAML file that says what is wrong, why, and shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tagkit._version import __version__
from tagkit.compiled import compiled
from tagkit.data import data_folder
from tagkit.errors import UserError
from tagkit.typed_yaml import nearest, read_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Severity = Literal["error", "warning", "info", "off"]
Safety = Literal["safe", "unsafe"]


class RuleFix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule's fix is called (holes as in the message) and how far it can be trusted."""

    title: str
    safety: Safety


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt or record that the rule finds something in.

    fixed, fixed_negative: what the rule's fixes, unsafe ones included, make of it.
    """

    flagged: str
    fixed: str | None = None
    negative: str | None = None
    fixed_negative: str | None = None
    fixed_settings: str | None = None
    model: str = "baxl-v3"


class Pass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt or record with a negative prompt that the rule finds nothing in."""

    text: str
    negative: str | None = None
    model: str = "baxl-v3"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule. `kind` names its matcher, `settings` (`with:` in the file) are the matcher's.

    looks_at: the texts of a prompt it judges. dialects: those it applies to; a caption
    of a training picture has one of its own. needs_card: whether
    it is silent where a record names a model without a card. messages: one for each variant that
    the rule wants of its matcher. always: nothing switches it off. once: it is said once a
    document, whatever the number of prompts.
    """

    code: str
    name: str
    since: str
    severity: Severity
    summary: str
    why: str
    kind: str
    messages: dict[str, str]
    examples: tuple[Example, ...]
    passes: tuple[str | Pass, ...]
    looks_at: tuple[Literal["positive", "negative", "settings", "comment"], ...] = ("positive",)
    dialects: tuple[Literal["a1111", "comfyui", "novelai", "compel", "caption"], ...] = (
        "a1111",
        "comfyui",
        "novelai",
        "compel",
        "caption",
    )
    needs_card: bool = False
    always: bool = False
    once: Literal["document"] | None = None
    settings: dict[str, Any] = msgspec.field(name="with", default_factory=dict)
    fix: RuleFix | None = None
    aliases: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


def shipped_rules() -> tuple[Rule, ...]:
    """tagkit's own rules, ordered by code. Raises UserError for a broken file."""
    paths = sorted(data_folder("rules").glob("*/*.yaml"))
    return compiled(paths, tuple[Rule, ...], lambda: _read(paths), __version__)


def find_rule(name: str, rules: Sequence[Rule]) -> Rule:
    """The rule with this code, name or alias. Raises UserError with the nearest one."""
    for rule in rules:
        if name.upper() == rule.code or name.lower() == rule.name or name in rule.aliases:
            return rule
    known = [word for rule in rules for word in (rule.code, rule.name)]
    raise UserError(f"there is no rule `{name}`", "", nearest(name, known, "rules"))


def selected(
    rules: Sequence[Rule], select: Sequence[str], ignore: Sequence[str]
) -> tuple[Rule, ...]:
    """Rules whose code begins with one of `select` (all if empty) and with none of `ignore`.

    Rules that nothing switches off are among them whatever is asked for. A prefix that fits no
    rule raises UserError: it is a slip of the pen.
    """
    for prefix in (*select, *ignore):
        if not any(rule.code.startswith(prefix.upper()) for rule in rules):
            find_rule(prefix, rules)
    wanted = tuple(prefix.upper() for prefix in select) or ("",)
    unwanted = tuple(prefix.upper() for prefix in ignore)
    return tuple(
        rule
        for rule in rules
        if rule.always
        or (rule.code.startswith(wanted) and not (unwanted and rule.code.startswith(unwanted)))
    )


def _read(paths: Sequence[Path]) -> tuple[Rule, ...]:
    rules: dict[str, Rule] = {}
    for path in paths:
        rule = read_yaml(path, Rule)
        if path.stem != f"{rule.code}-{rule.name}":
            raise UserError(
                f"rule file `{path.name}` is misnamed",
                str(path),
                f"call it {rule.code}-{rule.name}.yaml",
            )
        if rule.code in rules:
            raise UserError(f"two rules have the code {rule.code}", str(path), "codes are unique")
        rules[rule.code] = rule
    return tuple(rules[code] for code in sorted(rules))
