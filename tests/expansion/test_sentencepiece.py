"""LLaMA's tokenizer, which the real tag models have: delimiters, bytes, special tokens."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tagkit.cards import tag_card
from tagkit.errors import UserError
from tagkit.expansion import find_tag_model, load_tag_model
from tagkit.expansion.recipes import model_text, tags_of
from tagkit.expansion.rows import Limits, Request, Row, nothing_else
from tagkit.linting import shipped_lexicon
from tagkit.prompt import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tagkit.expansion import TagModel
    from tagkit.expansion.rows import Draft

LEXICON = shipped_lexicon()
CARDS = ("dantaggen-delta-rev2", "tipo-200m")
ODD_TAGS = [
    *("1girl", "white hair", "ganyu (genshin impact)", "^_^", ":3", ">:)", "(o)_(o)", "||_||"),
    *("猫耳", "pokémon", "café (cuisine)", "d.va (overwatch)", "30s", "'s hand", "a.i. voice", "♥"),
]


@pytest.fixture(scope="module", params=CARDS)
def model(
    request: pytest.FixtureRequest,
    random_model: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> TagModel:
    """A model of 32,000 pieces, in a folder that bears the name of the real one."""
    name = tag_card(request.param).weights.hub.rpartition("/")[2]
    folder = random_model(tmp_path_factory.mktemp("models") / name, request.param)
    loaded = load_tag_model(find_tag_model(str(folder), named_by_user=True), "cpu")
    assert loaded.card.name == request.param
    return loaded


class Everything:
    """A judge who lets all tags through."""

    missing = 0
    full = False

    def __call__(self, tag: str) -> str | None:
        return None


def written(model: TagModel, ids: Sequence[int], limits: Limits | None = None) -> Draft:
    """The draft of a row in which the model writes exactly `ids`."""
    request = Request(model.ids("x"), 0, Everything())
    row = Row(request, model._vocabulary, limits or Limits(), greedy=True)
    for token in ids:
        row.grow([token], [1.0], nothing_else)
        if row.advance() is None:
            break
    return row.draft()


def ids_of(model: TagModel, text: str, **given: Any) -> list[int]:
    return list(model._tokenizer(text, add_special_tokens=False, **given)["input_ids"])


def names(seed: int, count: int) -> list[str]:
    random, groups = Random(seed), LEXICON.groups()
    return [random.choice(LEXICON.members(random.choice(groups))) for _ in range(count)]


@pytest.mark.parametrize("tags", [ODD_TAGS, names(1, 60), names(2, 60)], ids=["odd", "a", "b"])
def test_tags_come_back_as_they_were_written(model: TagModel, tags: list[str]) -> None:
    ids = [*ids_of(model, ", ".join(tags)), model._tokenizer.eos_token_id]
    draft = written(model, ids)
    assert (list(draft.tags), draft.ended) == (tags, "end")


def test_an_unfinished_tag_is_dropped_wherever_the_writing_stops(model: TagModel) -> None:
    ids = ids_of(model, ", ".join(ODD_TAGS))
    for length in range(1, len(ids)):
        draft = written(model, ids, Limits(new_tokens=length))
        assert list(draft.tags) == ODD_TAGS[: len(draft.tags)]
        assert draft.ended == "tokens"


def test_a_comma_may_be_a_part_of_a_piece_or_a_byte(model: TagModel) -> None:
    pieces = model._tokenizer.convert_ids_to_tokens(sorted(model._vocabulary.commas))
    assert {",", "),"} <= set(pieces)
    assert model._vocabulary.bare == {model._tokenizer.convert_tokens_to_ids(",")}
    comma, in_one_piece = model._tokenizer.convert_tokens_to_ids([",", "),"])
    name, hat = ids_of(model, "ganyu (genshin impact"), ids_of(model, "hat")
    parted = [*ids_of(model, "ganyu (genshin impact)"), comma, *hat, comma]
    assert written(model, parted).tags == ("ganyu (genshin impact)", "hat")
    assert written(model, [*name, in_one_piece, *hat, comma]).tags == written(model, parted).tags


def test_a_line_end_ends_the_list(model: TagModel) -> None:
    draft = written(model, ids_of(model, "smile, hat\nlong: a girl, who, sits"))
    assert (draft.tags, draft.ended) == (("smile", "hat"), "end")


def test_special_tokens_are_one_token_and_no_part_of_a_tag(model: TagModel) -> None:
    card = model.card
    tags = tags_of(parse("1girl, a girl who sits alone at the window"), LEXICON)
    ids = model.ids(model_text(tags, 1.0, card.lengths["short"], card.layout))
    assert ids[0] == model._tokenizer.bos_token_id
    assert model._tokenizer.eos_token_id not in ids
    held = [index for index in ids if index >= 32_000]
    names = {index: token for token, index in card.special_tokens.items()}
    if card.layout.end_of_input:
        assert held == [32001] * 5 + [32003, 32000]
        assert ids[-1] == 32000
    else:
        assert [names[index] for index in held] == ["<|short|>", "<|short_to_tag|>"]
        assert model._tokenizer.decode(ids[-1:]) == ","
    assert written(model, [*ids_of(model, "smile"), max(names), *ids_of(model, ",")]).tags == (
        "smile",
    )


def test_special_tokens_that_only_the_old_file_names(
    random_model: Callable[..., Path], tmp_path: Path
) -> None:
    """transformers' slow tokenizers wrote `added_tokens.json`, and marked nothing as special."""
    folder = random_model(tmp_path / "TIPO-500M", "tipo-500m")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    del settings["added_tokens_decoder"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    tokens = tag_card("tipo-500m").special_tokens
    (folder / "added_tokens.json").write_text(json.dumps(tokens))
    model = load_tag_model(find_tag_model(str(folder), named_by_user=True), "cpu")
    assert {token: model.ids(token)[-1] for token in tokens} == tokens
    assert written(model, [*ids_of(model, "smile"), 32012, *ids_of(model, ", hat,")]).tags == (
        *("smile", "hat"),
    )


def test_a_tokenizer_of_the_other_family_is_refused(
    random_model: Callable[..., Path], tmp_path: Path
) -> None:
    folder = random_model(tmp_path / "DanTagGen-beta", "tipo-200m")
    with pytest.raises(UserError, match=r"does not know `<.input_end.>`"):
        load_tag_model(find_tag_model(str(folder), named_by_user=True), "cpu")
