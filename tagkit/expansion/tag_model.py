"""Tag models: found by name, loaded, and asked for drafts."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tagkit.cards import TagCard, tag_card, tag_cards
from tagkit.data import data_folder
from tagkit.errors import UserError
from tagkit.expansion.fetching import first_line, folder_of
from tagkit.expansion.rows import Limits, Vocabulary
from tagkit.extras import need

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

    from tagkit.expansion.rows import Draft, Request, Sampling

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_LINE_ENDS = ("\n", "Ċ", "<0x0A>")  # in pieces of tokenizers
_LOCAL = {"local_files_only": True, "trust_remote_code": False}
_SMALL = 20_000_000  # weights
_BATCH = {"cpu": 16, "mps": 16, "cuda": 32}


class Source(msgspec.Struct, frozen=True):
    """Where a tag model is. name: what it is reported as. folder or hub: one of the two.

    may_fetch: whether the user named it, and so allowed a download.
    """

    card: TagCard
    name: str
    folder: Path | None = None
    hub: str = ""
    may_fetch: bool = False


class TagModel:
    """A loaded tag model."""

    def __init__(
        self, source: Source, network: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase
    ) -> None:
        self.card = source.card
        self.name = source.name
        self._network = network
        self._tokenizer = tokenizer
        self._vocabulary = _vocabulary(network, tokenizer, source.card)
        self._limits = Limits(
            new_tokens=source.card.sampling.max_new_tokens,
            context=min(network.config.max_position_embeddings, source.card.context or sys.maxsize),
        )

    def ids(self, text: str) -> tuple[int, ...]:
        """Token ids of a text for the model to go on with."""
        return tuple(self._tokenizer(text)["input_ids"])

    def drafts(self, requests: Sequence[Request], sampling: Sampling) -> list[Draft]:
        """A draft for each request, in order."""
        from tagkit.expansion.decoding import decode

        size = _BATCH[self._network.device.type]
        return [
            draft
            for start in range(0, len(requests), size)
            for draft in decode(
                self._network,
                self._vocabulary,
                requests[start : start + size],
                sampling,
                self._limits,
            )
        ]


def find_tag_model(name: str, folders: Sequence[Path] = (), *, named_by_user: bool) -> Source:
    """The source of a tag model: the name of a card, a folder, or a Hugging Face id, in this order.

    folders: the user's own cards. named_by_user: only then is anything ever downloaded. A folder or
    id that is called like the model of a card is taken for a copy of it, any other to speak
    DanTagGen's layout. Raises UserError for an unknown name.
    """
    is_path = "/" in name or "\\" in name
    cards = tag_cards(folders)
    if Path(name).is_dir() and (is_path or name not in cards):
        return Source(_card_of(Path(name).resolve().name, cards), name, Path(name))
    if not is_path:
        card = tag_card(name, folders)
        folder = data_folder("models") / card.weights.folder if card.weights.folder else None
        return Source(card, card.name, folder, card.weights.hub, named_by_user)
    if not _HUB_ID.fullmatch(name) or name.startswith("."):
        raise UserError(f"there is no folder `{name}`", "", "name a folder with a tag model")
    return Source(_card_of(name.rpartition("/")[2], cards), name, None, name, named_by_user)


def _card_of(model: str, cards: Mapping[str, TagCard]) -> TagCard:
    for card in cards.values():
        if model.lower() in (card.name, card.weights.hub.rpartition("/")[2].lower()):
            return card
    return next(card for card in tag_cards().values() if card.stands_in and not card.extends)


def load_tag_model(source: Source, device: str = "auto") -> TagModel:
    """Load the weights. device: auto, cpu, mps, cuda or cuda:1. Raises UserError if that fails."""
    need("expand", "torch", "transformers", "safetensors")
    chosen = _device(device)
    folder = folder_of(source)
    try:
        with _quiet():
            network, tokenizer = _read(folder)
    except UserError:
        raise
    except Exception as error:  # the libraries raise whatever they like
        raise UserError(f"cannot load the tag model `{source.name}`", first_line(error)) from error
    _require_layout(source, tokenizer)
    return TagModel(source, _moved(network, chosen), tokenizer)


def _read(folder: Path) -> tuple[LlamaForCausalLM, PreTrainedTokenizerBase]:
    from transformers import AutoConfig, AutoTokenizer, LlamaForCausalLM

    kind = AutoConfig.from_pretrained(folder, **_LOCAL).model_type
    if kind != "llama":
        raise UserError(
            f"`{folder}` holds a model of type {kind}", "", "tag models are of type llama"
        )
    network, info = LlamaForCausalLM.from_pretrained(
        folder, use_safetensors=True, output_loading_info=True, **_LOCAL
    )
    if info["missing_keys"]:
        raise UserError(f"`{folder}` lacks weights", ", ".join(sorted(info["missing_keys"])[:3]))
    return network.eval(), AutoTokenizer.from_pretrained(folder, **_LOCAL)


def _moved(network: LlamaForCausalLM, device: str) -> LlamaForCausalLM:
    """On its device, in a precision where rounding does not decide which tag is drawn.

    Sums round differently from one batch to another. In double precision that never reaches a
    draw, and a small model pays nothing for it; a large one keeps single precision.
    """
    import torch

    small = network.num_parameters() < _SMALL and device != "mps"
    return network.to(device=device, dtype=torch.float64 if small else torch.float32)


def _device(name: str) -> str:
    import torch

    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    available = [*cuda[:1], *mps, "cpu", *cuda[1:]]
    if name == "auto":
        return available[0]
    if name not in available and not (name == "cuda" and cuda):
        raise UserError(
            f"there is no device `{name}`", "", f"devices: auto, {', '.join(available)}"
        )
    return name


def _require_layout(source: Source, tokenizer: PreTrainedTokenizerBase) -> None:
    """A token that is unknown, or is another than the weights were trained with, makes nonsense."""
    card, known = source.card, tokenizer.get_vocab()
    own = source.hub == card.weights.hub
    for token in card.tokens:
        wanted = card.special_tokens.get(token) if own else None
        if token not in known or wanted not in (None, known[token]):
            raise UserError(
                f"the tag model `{source.name}` does not know `{token}`",
                f"token {known[token]} instead of {wanted}" if token in known else "",
                f"it must be trained in the layout of `{card.name}`; a card that `extends` that of "
                "its family and names its folder makes another layout known",
            )


def _vocabulary(
    network: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, card: TagCard
) -> Vocabulary:
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    commas = {index: piece for index, piece in enumerate(pieces) if "," in piece}
    ends = network.config.eos_token_id
    # Not every tokenizer marks these as special.
    unseen = {*tokenizer.convert_tokens_to_ids([*card.tokens, *card.special_tokens])}
    lines = [index for index, piece in enumerate(pieces) if any(end in piece for end in _LINE_ENDS)]
    return Vocabulary(
        ends=frozenset(
            [*(ends if isinstance(ends, list) else [ends]), tokenizer.eos_token_id, *lines]
        ),
        commas=frozenset(commas),
        bare=frozenset(index for index, piece in commas.items() if piece.strip(" ▁Ġ") == ","),
        text=lambda ids: tokenizer.decode(
            [index for index in ids if index not in unseen],
            skip_special_tokens=True,
            clean_up_tokenization_spaces=False,
        ),
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from drawing bars and warning on stderr."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
