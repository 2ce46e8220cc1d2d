"""What prompts name and the user's folders lack; triggers of LoRAs that prompts forget."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tagkit.errors import UserError
from tagkit.infotext.a1111 import parse_settings
from tagkit.linting.diagnostics import Finding
from tagkit.prompt import canonical
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.linting.context import Context
    from tagkit.linting.diagnostics import Where
    from tagkit.linting.files import Named
    from tagkit.packs import Rule
    from tagkit.prompt import Prompt

_NETWORKS = ("lora", "lyco")
_EMBEDDING = re.compile(r"\bembedding:([^\s,:()]+)")
_TI_HASHES = "TI hashes"


def missing_loras(context: Context, rule: Rule) -> Iterator[Finding]:
    """LoRA tags whose file is in no folder of the settings."""
    loras = context.knowledge.files.loras
    if loras is None:
        return
    for where, prompt in context.prompts(rule):
        for network in prompt.networks:
            if network.kind in _NETWORKS and loras.find(network.name) is None:
                yield _missing(network.name, loras, where, network.span)


def missing_embeddings(context: Context, rule: Rule) -> Iterator[Finding]:
    """Embeddings called as ComfyUI calls them, and those that a record says it was made with."""
    embeddings = context.knowledge.files.embeddings
    if embeddings is None:
        return
    for where, name, span in _embeddings(context, rule):
        without_suffix = name.rpartition(".")[0]
        if embeddings.find(name) is None and embeddings.find(without_suffix) is None:
            yield _missing(name, embeddings, where, span)


def missing_wildcard_files(context: Context, rule: Rule) -> Iterator[Finding]:
    """Wildcards that no file has, those included that the values of others name.

    A template that cannot be read has errors of another kind.
    """
    wildcards = context.knowledge.files.wildcards
    for where, prompt in context.prompts(rule):
        if wildcards is None or "__" not in prompt.text:
            continue
        from tagkit.prompt.templates import missing_wildcards

        names = wildcards.names()
        try:
            missing = missing_wildcards(prompt.text, wildcards)
        except UserError:
            continue
        for each in missing:
            near = _near(each.name, names)
            yield Finding(where, each.span, {"name": each.name, "near": near}, _variant(near))


def loras_without_trigger(context: Context, rule: Rule) -> Iterator[Finding]:
    """LoRAs whose file has triggers beside it of which the prompt holds none."""
    files = context.knowledge.files
    for where, prompt in context.prompts(rule):
        for network in prompt.networks:
            file = files.lora(network)
            triggers = files.triggers(file) if file else ()
            if triggers and not _says_any(prompt, triggers):
                values = {"name": network.name, "trigger": triggers[0]}
                yield Finding(where, network.span, values)


def _embeddings(context: Context, rule: Rule) -> Iterator[tuple[Where, str, Span]]:
    for where, prompt in context.prompts(rule):
        for tag in prompt.tags if "embedding:" in prompt.text else ():
            written = prompt.text[tag.span.start : tag.span.end]
            for found in _EMBEDDING.finditer(written):
                yield where, found[1], Span(*found.span(1)).shifted(tag.span.start)
    if _TI_HASHES in context.settings:
        for pair in parse_settings(context.settings).get(_TI_HASHES, "").split(","):
            name = pair.rpartition(":")[0].strip()
            start = context.settings.find(f"{name}:", context.settings.find(_TI_HASHES))
            if name and start >= 0:
                yield "settings", name, Span(start, start + len(name))


def _missing(name: str, files: Named, where: Where, span: Span) -> Finding:
    near = files.nearest(name)
    return Finding(where, span, {"name": name, "near": near}, _variant(near))


def _variant(near: str) -> str:
    return "near" if near else "found"


def _near(name: str, names: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, names, 1, 0.6)), "")


def _says_any(prompt: Prompt, triggers: tuple[str, ...]) -> bool:
    said = canonical(prompt.text)
    return any(trigger in said for trigger in triggers)
