"""Pages of rules and model cards, for the terminal and for docs/ (Markdown)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tagkit.cards.files import cards_named
from tagkit.data import DEFAULT_CARD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tagkit.cards import Card
    from tagkit.packs import Example, Pass, Rule


def rule_page(rule: Rule) -> str:
    """The page of a rule, in Markdown."""
    return "\n".join(_rule_lines(rule)).rstrip()


def _rule_lines(rule: Rule) -> Iterator[str]:
    yield f"# {rule.name} ({rule.code})"
    yield ""
    fix = f"fix: {rule.fix.safety}" if rule.fix else "no fix"
    since = f"Since {rule.since} · " if rule.since else ""
    yield f"{since}severity: {rule.severity} · {fix}"
    yield from ("", "## What it finds", "", rule.summary)
    yield from ("", "## Why it matters", "", rule.why.strip())
    yield from ("", "## Example", "")
    if rule.installed:
        yield from ("With these files in your folders:", "")
        for name, content in rule.installed.items():
            yield from _indented(f"{name}: {content.strip()!r}" if content else name)
        yield ""
    for example in rule.examples:
        yield from _example(example)
    yield from ("", "## Write instead", "")
    for each in rule.passes:
        yield from _pass(each)
    yield from ("", "## Fix safety", "", _fix_safety(rule))
    if rule.settings:
        yield from ("", "## Settings", "", f"    {msgspec.json.encode(rule.settings).decode()}")
    yield from ("", "## Sources", "")
    yield from (f"- {source}" for source in rule.sources)


def _fix_safety(rule: Rule) -> str:
    if rule.fix is None:
        return "There is no fix: what was meant is for you to say."
    if rule.fix.safety == "safe":
        return (
            "Safe: it keeps what the prompt means, or the card asks for it. Pixels may still move."
        )
    return "Unsafe: it is a judgement. It needs --unsafe-fixes."


def _example(example: Example) -> Iterator[str]:
    yield from _indented(example.flagged)
    if example.negative is not None:
        yield from _indented(f"Negative prompt: {example.negative}")
    results = (
        ("", example.fixed),
        ("Negative prompt: ", example.fixed_negative),
        ("", example.fixed_settings),
    )
    for label, text in results:
        if text is not None:
            yield from ("", "becomes", "")
            yield from _indented(label + text)
    yield ""


def _pass(each: str | Pass) -> Iterator[str]:
    if isinstance(each, str):
        yield from _indented(each)
        return
    yield from _indented(each.text)
    if each.negative is not None:
        yield from _indented(f"Negative prompt: {each.negative}")
    if each.model != DEFAULT_CARD:
        yield from ("", f"(for {each.model})", "")


def _indented(text: str) -> Iterator[str]:
    yield from (f"    {line}" for line in text.splitlines())


def card_page(name: str, folders: Sequence[Path] = ()) -> str:
    """Everything that the cards of a name say, in the form of cards; there may be one of a kind.

    folders: of cards of the user's own. Raises UserError where there is none.
    """
    return "\n\n".join(_card_page(card) for card in cards_named(name, folders))


def _card_page(card: Card) -> str:
    facts = _facts(card)
    title, summary = facts.pop("title", card.name), facts.pop("summary", "").strip()
    del facts["name"]
    return "\n".join([f"# {title} ({card.name})", "", summary, "", *_block(facts, 0)])


def _facts(value: Any) -> Any:
    """Structs as mappings, tuples as lists; what is empty is left out."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, dict):
        facts = {key: _facts(inner) for key, inner in value.items()}
        return {key: inner for key, inner in facts.items() if inner not in (None, "", [], {})}
    return [_facts(inner) for inner in value] if isinstance(value, tuple | list) else value


def _block(value: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, list):
        yield from (f"{pad}- {_on_one_line(inner)}" for inner in value)
        return
    for key, inner in value.items():
        if isinstance(inner, dict | list):
            yield f"{pad}{key}:"
            yield from _block(inner, depth + 1)
        else:
            yield f"{pad}{key}: {inner}"


def _on_one_line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_on_one_line(inner)}" for key, inner in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)
