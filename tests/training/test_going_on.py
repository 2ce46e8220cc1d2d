"""Training that was stopped goes on as if it never had been, and loses nothing to errors."""

from __future__ import annotations

import shutil

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from safetensors.torch import load_file  # noqa: E402
from small_model import draw  # noqa: E402

from tagkit.errors import UserError  # noqa: E402
from tagkit.training.events import Saved, Stepped, Warned  # noqa: E402

KINDS = {
    "adamw": {},
    "text, average, accumulation": {
        "trained": "unet+text", "ema": 0.9, "gradient_accumulation": 2, "batch_size": 2,
        "captions": {"shuffle": True, "tag_dropout": 0.2, "dropout": 0.3},
        "schedule": {"name": "cosine", "warmup_steps": 3}, "precision": {"mixed": "bf16"},
    },
    "lora with dropout": {"lora": {"rank": 2, "dropout": 0.3}, "loss": {"min_snr_gamma": 5}},
    "weights in bf16": {"precision": {"mixed": "bf16", "full": "bf16"}},
    "checkpointed": {"gradient_checkpointing": True, "trained": "unet+text"},
}  # fmt: skip
EIGHT_BITS = ("lion", "lion-8bit", "adamw-8bit")


def tensors_at(folder, step):
    path = folder / "checkpoints" / f"{step:08}"
    return {
        f"{file.stem}.{name}": tensor
        for file in sorted(path.glob("*.safetensors"))
        for name, tensor in load_file(file).items()
    }


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


def in_two_parts(train, tmp_path, **said):
    """Ten steps at once, and five and five."""
    train("straight", max_steps=10, **said)
    steps: list[object] = []
    stopping = lambda: sum(isinstance(each, Stepped) for each in steps) >= 5  # noqa: E731
    with pytest.raises(KeyboardInterrupt):
        train("parts", max_steps=10, events=steps, stopping=stopping, **said)
    assert (tmp_path / "parts" / "checkpoints" / "00000005").is_dir()
    summary = train("parts", max_steps=10, **said)
    assert summary.made == 5
    assert_same(tensors_at(tmp_path / "straight", 10), tensors_at(tmp_path / "parts", 10))
    logs = [(tmp_path / each / "training.csv").read_text() for each in ("straight", "parts")]
    losses = [[line.split(",")[:4] for line in log.splitlines()] for log in logs]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 11


@pytest.mark.parametrize("said", KINDS.values(), ids=KINDS)
def test_five_steps_and_five_are_ten_to_the_bit(train, tmp_path, said):
    in_two_parts(train, tmp_path, **said)


@pytest.mark.parametrize("name", EIGHT_BITS)
def test_optimisers_of_bitsandbytes_go_on_to_the_bit(train, tmp_path, name):
    pytest.importorskip("bitsandbytes")
    in_two_parts(train, tmp_path, optimizer={"name": name, "betas": [0.9, 0.95]})


def test_another_seed_trains_another_model(train, tmp_path):
    train("one")
    train("two", seed=1)
    one, two = tensors_at(tmp_path / "one", 2), tensors_at(tmp_path / "two", 2)
    assert not torch.equal(one["weights.unet.conv_in.weight"], two["weights.unet.conv_in.weight"])


def test_the_last_checkpoints_stay(train, tmp_path):
    events: list[object] = []
    train(max_steps=7, save={"every_steps": 2, "keep": 2, "models": "each"}, events=events)
    there = sorted(each.name for each in (tmp_path / "out" / "checkpoints").iterdir())
    assert there == ["00000006", "00000007", "lock"]
    assert (tmp_path / "out" / "recipe-00000004.safetensors").is_file()
    written = [each.path.name for each in events if isinstance(each, Saved)]
    assert [name for name in written if name.isdigit()] == [
        "00000002", "00000004", "00000006", "00000007",
    ]  # fmt: skip


def test_checkpoints_come_by_the_clock(recipe, tmp_path):
    from tagkit.training import Surroundings, planned
    from tagkit.training import train as run

    times = iter(range(0, 10_000, 7))
    events: list[object] = []
    around = Surroundings(watch=events.append, clock=lambda: next(times))
    plan = planned(recipe(max_steps=8, save={"every_steps": 0, "every_minutes": 1, "keep": 9}))
    run(plan, tmp_path / "out", device="cpu", surroundings=around)
    kept = [each.path.name for each in events if isinstance(each, Saved)]
    assert len([name for name in kept if name.isdigit()]) == 3


def test_a_training_that_is_done_is_not_done_again(train):
    events: list[object] = []
    train()
    summary = train(events=events)
    assert (summary.made, summary.steps, summary.loss) == (0, 2, None)
    assert not [each for each in events if isinstance(each, Stepped)]


def test_a_folder_with_a_training_is_not_trained_into_anew(train):
    train()
    with pytest.raises(UserError, match="holds a training up to step 2"):
        train(resume=False)


def test_what_has_changed_in_the_recipe_is_told(train):
    events: list[object] = []
    train()
    train(max_steps=3, learning_rate=0.002, events=events)
    told = [each.text for each in events if isinstance(each, Warned)]
    assert told == ["the recipe has changed since the checkpoint: learning_rate: 0.001 -> 0.002"]


def test_a_checkpoint_of_other_weights_is_refused(train):
    train()
    with pytest.raises(UserError, match="holds other weights than the recipe trains"):
        train(max_steps=3, trained="unet+text")


def test_a_damaged_checkpoint_is_named(train, tmp_path):
    train()
    file = tmp_path / "out" / "checkpoints" / "00000002" / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UserError, match="00000002` is damaged"):
        train(max_steps=3)


def test_a_loss_that_is_no_number_leaves_the_last_checkpoint(train, tmp_path):
    with pytest.raises(UserError) as caught:
        train(max_steps=9, learning_rate=1e30, max_grad_norm=0, save={"every_steps": 1})
    assert "is no number" in caught.value.what
    assert "learning_rate" in caught.value.hint
    kept = tensors_at(tmp_path / "out", 1)
    assert kept
    assert all(tensor.isfinite().all() for tensor in kept.values())


def test_a_damaged_picture_stops_before_the_first_step(train, pictures):
    path = draw(pictures / "z.jpg", (64, 64), "red", "1girl")
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(UserError, match=r"z\.jpg` cannot be read as a picture"):
        train()


def test_latents_are_worked_out_once_and_anew_when_a_picture_changes(train, tmp_path, pictures):
    train()
    (folder,) = (tmp_path / "out" / "cache").glob("latents-*")
    before = (folder / "000000.safetensors").stat().st_mtime_ns
    train(max_steps=3)
    assert (folder / "000000.safetensors").stat().st_mtime_ns == before
    draw(pictures / "red.png", (64, 64), "pink", None)
    train(max_steps=4)
    assert len(list((tmp_path / "out" / "cache").glob("latents-*"))) == 2


def test_texts_are_stored_only_where_they_stay_what_they_are(train, tmp_path):
    train("fixed", captions={"dropout": 0.5})
    train("shuffled", captions={"shuffle": True})
    train("trained", trained="unet+text")
    stored = {each.parent.parent.name for each in tmp_path.glob("*/cache/texts-*")}
    assert stored == {"fixed"}


def test_stored_texts_train_the_same_as_texts_that_are_read_each_time(train, tmp_path):
    """A keep_tokens beyond all tags shuffles nothing, and yet captions are read at each step."""
    said = {"dropout": 0.4, "keep_tokens": 99}
    train("stored", captions=said, batch_size=2)
    train("read", captions=said | {"shuffle": True}, batch_size=2)
    one, two = tensors_at(tmp_path / "stored", 2), tensors_at(tmp_path / "read", 2)
    assert all(torch.allclose(one[name], two[name], atol=1e-4) for name in one)


def test_the_caches_may_be_removed(train, tmp_path):
    train()
    shutil.rmtree(tmp_path / "out" / "cache")
    assert train(max_steps=3).made == 1


def test_samples_are_drawn_by_the_renderer_and_change_nothing(train, tmp_path):
    samples = {
        "prompts": ["1girl, red hair", "hat"], "every_steps": 2, "steps": 2,
        "width": 64, "height": 96,
    }  # fmt: skip
    said = {"max_steps": 4, "ema": 0.9, "precision": {"mixed": "bf16"}}
    train("with", samples=samples, **said)
    train("without", **said)
    assert_same(tensors_at(tmp_path / "with", 4), tensors_at(tmp_path / "without", 4))
    names = sorted(each.name for each in (tmp_path / "with" / "samples").iterdir())
    assert names == ["00000002-00.png", "00000002-01.png", "00000004-00.png", "00000004-01.png"]
    from tagkit.infotext import read_image

    info = read_image(tmp_path / "with" / "samples" / "00000004-01.png")
    assert info.prompt == "hat"
    assert info.settings["Size"] == "64x96"


def test_an_unknown_sampler_is_named_before_anything_is_done(train, tmp_path):
    with pytest.raises(UserError, match="there is no sampler `euler-b`"):
        train(samples={"prompts": ["hat"], "sampler": "euler-b"})
    assert not list(tmp_path.glob("out/cache"))


def test_half_precision_needs_a_gpu_and_says_so(train):
    with pytest.raises(UserError) as caught:
        train(precision={"mixed": "fp16", "full": "fp16"})
    assert "needs a GPU" in caught.value.what
    assert "bf16" in caught.value.hint
