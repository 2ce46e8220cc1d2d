"""Tag models to test with: the tiny one that is carried, and random ones in the true formats."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tagkit.cards import tag_card
from tagkit.data import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tagkit.expansion import TagModel

# The config of DanTagGen delta and, by its trainer's files, of TIPO; width and depth are cut down.
SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 192,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": 2048,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


@pytest.fixture(scope="session")
def tiny() -> TagModel:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    import torch

    from tagkit.expansion import find_tag_model, load_tag_model

    torch.set_num_threads(1)
    return load_tag_model(find_tag_model("tiny", named_by_user=True), "cpu")


@pytest.fixture(scope="session")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SentencePiece model of 32,000 pieces with bytes, as LLaMA's, trained on names of tags."""
    sentencepiece = pytest.importorskip("sentencepiece")
    import marisa_trie

    names = marisa_trie.BytesTrie().mmap(str(data_folder("rules") / "names.marisa")).keys()[::9]
    path = tmp_path_factory.mktemp("pieces") / "tokenizer.model"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(", ".join(names[at : at + 20]) for at in range(0, len(names), 20)),
        model_prefix=str(path.with_suffix("")),
        model_type="bpe",
        vocab_size=32_000,
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        num_threads=1,
        minloglevel=2,
    )
    return path


@pytest.fixture(scope="session")
def tokenizer_files(pieces: Path) -> Callable[[Path, str], Path]:
    """Puts LLaMA's tokenizer with the special tokens of a card into a folder."""

    def put(folder: Path, card: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(pieces, folder / "tokenizer.model")
        tokens = tag_card(card).special_tokens
        form = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False}
        settings = {
            "tokenizer_class": "LlamaTokenizer",
            "add_bos_token": True,
            "add_eos_token": False,
            "legacy": False,
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "added_tokens_decoder": {
                str(index): {"content": token, "special": True, **form}
                for token, index in tokens.items()
            },
        }
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        return folder

    return put


@pytest.fixture(scope="session")
def random_model(tokenizer_files: Callable[[Path, str], Path]) -> Callable[..., Path]:
    """Puts a model with random weights in the format of a card into a folder."""

    def put(folder: Path, card: str, **config: Any) -> Path:
        torch = pytest.importorskip("torch")
        transformers = pytest.importorskip("transformers")
        tokenizer_files(folder, card)
        torch.manual_seed(0)
        vocabulary = 32_000 + len(tag_card(card).special_tokens)
        shape = transformers.LlamaConfig(vocab_size=vocabulary, **SHAPE | config)
        transformers.LlamaForCausalLM(shape).save_pretrained(folder)
        return folder

    return put
