"""CLIP's byte-level BPE on the `tokenizers` engine, built as transformers' CLIPTokenizer is."""

from __future__ import annotations

import gzip
from functools import cache
from typing import TYPE_CHECKING

from tagkit.data import data_folder

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MERGES = "merges.txt.gz"
BOS, EOS = 49406, 49407
COMMA = 267

_PRE_TOKEN = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)


def encode(text: str) -> list[int]:
    """CLIP token ids of the raw text, no BOS or EOS added; equals transformers' CLIPTokenizer."""
    ids: list[int] = load_tokenizer().encode(text, add_special_tokens=False).ids
    return ids


@cache
def load_tokenizer() -> Tokenizer:
    """The tokenizer; building it takes about a fifth of a second, so it is kept."""
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

    packed = (data_folder("models") / "clip" / MERGES).read_bytes()
    pairs = [line.split() for line in gzip.decompress(packed).decode().split("\n")]
    merges = [(left, right) for left, right in pairs]
    tokenizer = Tokenizer(
        models.BPE(
            vocab=_vocabulary(merges),
            merges=merges,
            continuing_subword_prefix="",
            end_of_word_suffix="</w>",
            unk_token="<|endoftext|>",
        )
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    split = pre_tokenizers.Split(Regex(_PRE_TOKEN), behavior="removed", invert=True)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    tokenizer.add_special_tokens(
        [AddedToken(each, special=True) for each in ("<|startoftext|>", "<|endoftext|>")]
    )
    return tokenizer


def _vocabulary(merges: list[tuple[str, str]]) -> dict[str, int]:
    """Ids as CLIP numbers them: letters, letters that end a word, merges, the two marks."""
    letters = byte_letters()
    words = [*letters, *(letter + "</w>" for letter in letters)]
    words += [left + right for left, right in merges]
    words += ["<|startoftext|>", "<|endoftext|>"]
    return {word: number for number, word in enumerate(words)}


def byte_letters() -> list[str]:
    """A printable letter for each byte, in the order of CLIP's `bytes_to_unicode`."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    return [chr(byte) for byte in printable] + [chr(256 + n) for n in range(len(others))]
