"""NovelAI: texts of a PNG, `Comment` holding JSON; since 2023 the same in the alpha channel too.

Braces and `1.2::…::` of the prompt are NovelAI's own and stay as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tagkit.infotext.samplers import sampler_settings
from tagkit.infotext.values import infotext, items, json_object, mapping, size, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tagkit.infotext.a1111 import Infotext

SOURCE = "novelai"
_MODEL = re.compile(r"(.*?)\s+([0-9A-F]{8})")


def read(texts: Mapping[str, str]) -> Infotext | None:
    """The infotext of NovelAI's texts, None if they are something else."""
    comment = json_object(texts.get("Comment"))
    if comment is None or not _is_novelai(texts, comment):
        return None
    source = texts.get("Source", "")
    model = _MODEL.fullmatch(source)
    settings = {
        "Steps": comment.get("steps"),
        **sampler_settings(
            written(comment.get("sampler")) or "", written(comment.get("noise_schedule")) or ""
        ),
        "CFG scale": comment.get("scale"),
        "Seed": comment.get("seed"),
        "Size": size(comment.get("width"), comment.get("height")),
        "Model hash": model[2] if model else None,
        "Model": model[1] if model else source,
        "Denoising strength": _strength(comment),
        "Version": "NovelAI",
    }
    prompt = _with_characters(
        comment.get("prompt") or texts.get("Description"), comment.get("v4_prompt")
    )
    negative = _with_characters(comment.get("uc"), comment.get("v4_negative_prompt"))
    return infotext(SOURCE, prompt, negative, settings)


def _is_novelai(texts: Mapping[str, str], comment: Mapping[str, object]) -> bool:
    return texts.get("Software") == "NovelAI" or {"uc", "sampler", "scale"} <= comment.keys()


def _strength(comment: Mapping[str, object]) -> object:
    """Text to image writes a strength as well, which then means nothing."""
    is_image = comment.get("request_type") == "Img2ImgRequest"
    return comment.get("strength") if is_image else None


def _with_characters(base: object, structured: object) -> str | None:
    """A prompt of version 4 and later: what is said of each character is a line of its own."""
    caption = mapping((mapping(structured) or {}).get("caption")) or {}
    parts = [written(caption.get("base_caption")) or written(base)]
    parts += [
        written(character.get("char_caption"))
        for character in map(mapping, items(caption.get("char_captions")))
        if character
    ]
    if all(part is None for part in parts):
        return None
    return "\n".join(part for part in parts if part)
