from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import msgspec
import pytest

from tagkit.data import data_folder
from tagkit.errors import UserError
from tagkit.expansion import Options, expand, find_tag_model, load_tag_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tagkit.expansion import TagModel

TINY = data_folder("models") / "tiny" / "tag"


def test_names() -> None:
    assert find_tag_model("tiny", named_by_user=False).folder == TINY
    rev2 = find_tag_model("dantaggen-delta-rev2", named_by_user=False)
    assert (rev2.hub, rev2.may_fetch) == ("KBlueLeaf/DanTagGen-delta-rev2", False)
    by_id = find_tag_model("KBlueLeaf/DanTagGen-delta-rev2", named_by_user=True)
    assert (by_id.card, by_id.may_fetch) == (rev2.card, True)


@pytest.mark.parametrize("name", ["tinny", "./nowhere", "/no/such/folder", "a/b/c", "../x"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(UserError):
        find_tag_model(name, named_by_user=True)


@pytest.mark.parametrize(
    ("name", "card"),
    [
        ("someone/DanTagGen-beta", "dantaggen-beta"),
        ("someone/tipo-200m-ft", "tipo-200m-ft"),
        ("KBlueLeaf/TIPO-500M", "tipo-500m"),
        ("someone/else", "dantaggen-delta-rev2"),
    ],
)
def test_a_copy_is_known_by_the_name_of_its_model(name: str, card: str, tmp_path: Path) -> None:
    assert find_tag_model(name, named_by_user=True).card.name == card
    folder = tmp_path / name.partition("/")[2]
    folder.mkdir()
    assert find_tag_model(str(folder), named_by_user=True).card.name == card
    assert find_tag_model(f"{folder}/", named_by_user=True).card.name == card


def copy(folder: Path, **config: object) -> Path:
    shutil.copytree(TINY, folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    return folder


def load(folder: Path) -> TagModel:
    return load_tag_model(find_tag_model(str(folder), named_by_user=True), "cpu")


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    model = load(copy(tmp_path / "own"))
    assert model.name == str(tmp_path / "own")
    assert model.ids("general: 1girl<|input_end|>")


def test_folders_that_hold_no_tag_model(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no tag model"):
        load(tmp_path)
    with pytest.raises(UserError, match="of type gpt2"):
        load(copy(tmp_path / "gpt", model_type="gpt2"))
    with pytest.raises(UserError, match="cannot load"):
        load(copy(tmp_path / "size", hidden_size=64))


def test_damaged_weights(tmp_path: Path) -> None:
    folder = copy(tmp_path / "cut")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match="cannot load"):
        load(folder)


def test_weights_that_are_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="lacks weights"):
        load(copy(tmp_path / "deeper", num_hidden_layers=5))


def test_the_reader_of_llamas_tokenizer_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagkit.extras.find_spec", lambda name: name != "sentencepiece" or None)
    folder = copy(tmp_path / "old")
    (folder / "tokenizer.json").rename(folder / "tokenizer.model")
    with pytest.raises(UserError, match="sentencepiece") as error:
        load(folder)
    assert "pip install" in error.value.hint


def test_a_tokenizer_without_the_layouts_tokens() -> None:
    source = find_tag_model("tiny", named_by_user=True)
    layout = msgspec.structs.replace(source.card.layout, end_of_input="<|other|>")
    card = msgspec.structs.replace(source.card, layout=layout)
    with pytest.raises(UserError, match="does not know"):
        load_tag_model(msgspec.structs.replace(source, card=card), "cpu")


def test_the_activation_of_the_config_is_computed(
    random_model: Callable[..., Path], tmp_path: Path
) -> None:
    """DanTagGen has mish where LLaMA has SiLU."""
    torch = pytest.importorskip("torch")
    from transformers import LlamaForCausalLM

    from tagkit.expansion.decoding import Batch

    name = "dantaggen-delta-rev2"
    folder = random_model(tmp_path / name, name, hidden_act="mish", num_hidden_layers=24)
    model = load(folder)
    prompts = [model.ids("general: 1girl<|input_end|>"), model.ids("general: 2boys, hat")]
    reference = LlamaForCausalLM.from_pretrained(folder).double().eval()
    assert reference.config.hidden_act == "mish"
    with torch.inference_mode():
        read = Batch(model._network, prompts).read_prompts()
        wanted = [reference(torch.tensor([ids])).logits[0, -1] for ids in prompts]
        reference.set_submodule("model.layers.0.mlp.act_fn", torch.nn.SiLU())
        other = reference(torch.tensor(prompts[:1])).logits[0, -1]
    torch.testing.assert_close(read, torch.stack(wanted))
    assert not torch.allclose(read[0], other)


@pytest.mark.parametrize("length", ["very-short", "short"])
def test_a_list_ends_at_the_maximum_of_its_length(
    random_model: Callable[..., Path], tmp_path: Path, length: str
) -> None:
    """The network is random, but that it likes commas and never ends a list itself."""
    torch = pytest.importorskip("torch")
    model = load(random_model(tmp_path / "TIPO-100M", "tipo-100m"))
    bias = torch.zeros(model._network.config.vocab_size, dtype=torch.float64)
    bias[list(model._vocabulary.ends)] = -100
    bias[list(model._vocabulary.bare)] = 5
    model._network.lm_head.bias = torch.nn.Parameter(bias)
    text = r"1girl, (cat ears:1.25), <lora:style:0.7>, ganyu \(genshin impact\) BREAK [hat], smile"
    done = expand(text, model, seed=1, options=Options(max_tokens=1000, length=length))[0]
    target = model.card.lengths[length]
    assert done.length.minimum == target.minimum <= done.length.reached == target.maximum
    assert done.ended == "full"
    rest = iter(done.prompt)
    assert all(letter in rest for letter in text), "the text is kept in its order"
    for part in ("(cat ears:1.25)", "<lora:style:0.7>", r"ganyu \(genshin impact\)", "[hat]"):
        assert part in done.prompt


def test_a_prompt_with_more_than_the_maximum_gets_nothing(
    random_model: Callable[..., Path], tmp_path: Path
) -> None:
    model = load(random_model(tmp_path / "TIPO-100M", "tipo-100m"))
    text = ", ".join(f"tag{number}" for number in range(20))
    done = expand(text, model, seed=1, length="very-short", options=Options(max_tokens=1000))[0]
    assert (done.prompt, done.ended, done.length.reached) == (text, "full", 20)


def test_devices() -> None:
    with pytest.raises(UserError, match="no device `tpu`"):
        load_tag_model(find_tag_model("tiny", named_by_user=True), "tpu")


def test_size_and_licence_of_what_is_carried() -> None:
    files = [path for path in TINY.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 3_000_000
    assert {path.suffix for path in files} == {".json", ".safetensors"}
