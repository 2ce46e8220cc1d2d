"""Write `tests/expansion/kgen_prompts.json`: what kgen, the tag models' own program, asks them.

    pip install tipo-kgen==0.3.1
    python scripts/build_kgen_prompts.py

kgen classifies the tags by its own lists and builds the text; no model is loaded.
"""

from __future__ import annotations

import json
from itertools import cycle
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parent.parent / "tests" / "expansion" / "kgen_prompts.json"

DTG = {
    "dantaggen-alpha": "DanTagGen-alpha",
    "dantaggen-beta": "DanTagGen-beta",
    "dantaggen-delta": "DanTagGen-delta",
    "dantaggen-delta-rev2": "DanTagGen-delta-rev2",
}
TIPO = ("tipo-100m", "tipo-200m", "tipo-200m-ft", "tipo-500m", "tipo-500m-ft")
LENGTHS = ("very_short", "short", "long", "very_long")
SIZES = ((1024, 1024), (832, 1216), (1216, 832), (768, 1344), (1792, 768))
PROMPTS: tuple[tuple[tuple[str, ...], str], ...] = (
    ((), ""),
    (("1girl",), ""),
    (("smile", "open mouth"), ""),
    (("1girl", "1boy", "blue hair", "cat ears", "holding umbrella"), ""),
    (("1girl", "solo", "shiroko (blue archive)", "blue archive", "wolf ears"), ""),
    (("1girl", "solo", "masterpiece", "best quality", "smile"), ""),
    (("1girl", "solo", "safe", "sensitive", "hat"), ""),
    (("1girl", "solo", "itaru (kidomh63)", "highres", "commentary request", "hat"), ""),
    (
        (
            *("2girls", "march 7th (honkai: star rail)", "stelle (honkai: star rail)"),
            *("honkai: star rail", "masterpiece", "safe", "highres", "^_^", "night sky"),
        ),
        "",
    ),
    ((), "A girl with silver hair sits alone by the window"),
    (("1girl", "solo", "silver hair"), "A girl sits alone by the window at night"),
    (("masterpiece", "safe"), "A girl sits alone by the window at night"),
)


def cases() -> list[dict[str, Any]]:
    """Every card with every prompt; lengths and sizes take turns, one prompt has all lengths."""
    lengths, sizes = cycle(LENGTHS), cycle(SIZES)
    turns = [(tags, prose, next(lengths), next(sizes)) for tags, prose in PROMPTS]
    turns += [(*PROMPTS[3], length, SIZES[1]) for length in LENGTHS]
    return [
        {"card": card, "tags": tags, "prose": prose, "length": length, "size": size, "text": text}
        for card in (*DTG, *TIPO)
        for tags, prose, length, size in turns
        if (text := kgen_text(card, tags, prose, length, size)) is not None
    ]


def kgen_text(
    card: str, tags: tuple[str, ...], prose: str, length: str, size: tuple[int, int]
) -> str | None:
    """What kgen passes to the model; None for sentences where it has no place for them."""
    from kgen import models
    from kgen.executor.dtg import apply_dtg_prompt
    from kgen.executor.tipo import apply_tipo_prompt, parse_tipo_request
    from kgen.formatter import seperate_tags

    tag_map, aspect = seperate_tags(tags), size[0] / size[1]
    if card in DTG:
        models.current_model_name = DTG[card]
        return None if prose else str(apply_dtg_prompt(tag_map, length, aspect))
    meta, operations, general, sentences = parse_tipo_request(
        tag_map, prose, expand_prompt=False, tag_length_target=length
    )
    # kgen leaves the name of this field to its callers; this is the one of the training texts.
    return str(
        apply_tipo_prompt(
            meta | {"aspect ratio": f"{aspect:.1f}"}, general, sentences, *operations[0]
        )
    )


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(case) for case in cases())
    OUTPUT.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(lines.splitlines())} texts")
