"""Images as a job file that renders them again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from tagkit.errors import UserError
from tagkit.infotext import sampler_and_schedule
from tagkit.rendering.fields import Fields
from tagkit.rendering.recorded import recorded_fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tagkit.infotext import Infotext

# They decide nothing themselves, or what they say is A1111's default.
_WITHOUT_FIELD = frozenset(
    {"Hashes", "Lora hashes", "Model hash", "RNG", "TI hashes", "User", "VAE hash", "Version"}
)
_GROUPS = {
    "sampling": re.compile("Sampler|Schedule type"),
    "hires": re.compile("Hires |Denoising strength"),
    "detailer": re.compile("ADetailer "),
}
_LONGEST_COMMENT = 1000
# PyYAML writes them as they are, and reads them back as blanks.
_LINE_BREAKS = frozenset("\x85\u2028\u2029")


def job_file(images: Sequence[tuple[str, Infotext]]) -> str:
    """YAML of a job file with an entry for each image, given as path and infotext.

    What the job language cannot say is named in a comment above the entry.
    """
    entries = [_comments(path, info) + _entry(path, info) for path, info in images]
    return "".join(["version: 1\nprompts:\n", *entries])


def _entry(path: str, info: Infotext) -> str:
    import yaml

    fields = recorded_fields(_parted(info.settings, path)[0], path)
    said = msgspec.to_builtins(fields)
    entry: dict[str, object] = {
        "prompt": info.prompt,
        "negative": {"text": info.negative or "", "complete": "none"},
        **{name: value for name, value in said.items() if value is not None},
        "fix": "off",
        "expand": "off",
    }
    readable = _LINE_BREAKS.isdisjoint(info.prompt + (info.negative or ""))
    text: str = yaml.safe_dump([entry], allow_unicode=readable, sort_keys=False, width=2**20)
    return text


def _comments(path: str, info: Infotext) -> str:
    lost = _parted(info.settings, path)[1]
    comment = f"# {_printable(f'{path} ({info.source})')}\n"
    if not lost:
        return comment
    names = _printable(", ".join(f"{key}: {value}" for key, value in lost.items()))
    return f"{comment}# not carried over: {names[:_LONGEST_COMMENT]}\n"


def _parted(settings: Mapping[str, str], path: str) -> tuple[dict[str, str], dict[str, str]]:
    """The settings that a job file can say, and those that are lost."""
    groups: dict[str, dict[str, str]] = {}
    for key, value in _in_one_spelling(settings).items():
        groups.setdefault(_group(key), {})[key] = value
    kept: dict[str, str] = {}
    lost: dict[str, str] = {}
    for group in groups.values():
        said = _said(group, path)
        tells = said is not None and (
            said != Fields(rng=said.rng) or group.keys() <= _WITHOUT_FIELD
        )
        (kept if tells else lost).update(group)
    return kept, lost


def _group(key: str) -> str:
    """What says something together stands or falls together."""
    return next((group for group, member in _GROUPS.items() if member.match(key)), key)


def _in_one_spelling(settings: Mapping[str, str]) -> dict[str, str]:
    sampler, schedule = sampler_and_schedule(settings)
    names = {"Sampler": sampler, "Schedule type": schedule}
    return dict(settings) | {key: name for key, name in names.items() if name}


def _said(settings: Mapping[str, str], path: str) -> Fields | None:
    """What these settings say in the job language, None for what cannot be rendered."""
    try:
        return recorded_fields(settings, path)
    except UserError:
        return None


def _printable(text: str) -> str:
    """YAML allows no control characters, not even in comments."""
    return "".join(char if char.isprintable() else " " for char in text)
