"""`tagkit train`, in a process of its own."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time

import pytest
import yaml

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

CPU = ("--device", "cpu")


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def test_a_dry_run_says_what_would_be_trained_and_writes_nothing(run, recipe, tmp_path):
    path = recipe(batch_size=2, gradient_accumulation=2, ema=0.9, lora={"rank": 4})
    out = run("train", path, "--dry-run", "--set", "max_steps=30")
    assert out.returncode == 0, out.stderr
    for line in (
        "pictures    5",
        "64x64      3",
        "steps       30 of 4 pictures, 15.0 epochs",
        "trained     a LoRA of rank 4 for the UNet, epsilon",
        "optimiser   adamw, weight decay 0.01, betas 0.9, 0.999",
    ):
        assert line in out.stdout
    assert not (tmp_path / "recipe").exists()


def test_a_dry_run_for_programs_counts_memory_to_the_byte(run, recipe):
    out = run("train", recipe(trained="unet+text"), "--dry-run", "--format", "json")
    plan = json.loads(out.stdout)
    memory = plan["memory"]
    assert plan["buckets"] == {"48x80": 1, "64x64": 3, "80x48": 1}
    assert memory["weights"] == memory["gradients"] == memory["optimizer"] / 2
    assert memory["weights"] > 4 * 49408 * (8 + 12)
    assert memory["average"] == 0


@pytest.mark.parametrize("dry", [["--dry-run"], []])
def test_no_hub_is_asked_for_kernels(run, recipe, kernels, dry):
    out = run("train", recipe(), *CPU, *dry)
    assert out.returncode == 0, out.stderr
    assert not kernels.exists()


def test_it_trains_beside_the_recipe_and_goes_on(run, recipe, tmp_path):
    path = recipe()
    out = run("train", path, *CPU, "--format", "json")
    assert out.returncode == 0, out.stderr
    said = json.loads(out.stdout)
    assert (said["steps"], said["made"]) == (2, 2)
    assert said["files"] == [
        str(tmp_path / "recipe" / "recipe.safetensors"),
        str(tmp_path / "recipe" / "recipe"),
    ]
    assert "[2/2] epoch 1, loss " in out.stderr
    more = run("train", path, *CPU, "--set", "max_steps=3")
    assert "3 steps done, 1 of them now" in more.stdout
    none = run("train", path, *CPU, "--resume", "none")
    assert none.returncode == 2
    assert "holds a training up to step 3" in none.stderr


def test_what_it_trained_is_rendered(run, recipe, tmp_path):
    assert run("train", recipe(), *CPU).returncode == 0
    model = tmp_path / "recipe" / "recipe"
    settings = ("--set", "size=64x64", "--set", "steps=2")
    out = run(
        "render", "-", "--model", "tiny", "--checkpoint", model, "-o", tmp_path / "out", *settings,
        stdin="1girl, red hair",
    )  # fmt: skip
    assert out.returncode == 0, out.stderr
    assert len(list((tmp_path / "out").glob("*.png"))) == 1


@pytest.mark.parametrize(
    ("lint", "status"), [("error", 0), ("warning", 2), ("off", 0), (False, 0)], ids=str
)
def test_captions_are_linted_first(run, recipe, pictures, lint, status):
    (pictures / "red.txt").write_text("1girl, smile, 1girl")
    out = run("train", recipe(lint=lint), "--dry-run")
    assert out.returncode == status
    if lint == "error":
        assert "warning" in out.stderr
    if lint == "warning":
        assert "red.txt" in out.stderr
        assert "DUP101" in out.stderr


def test_captions_that_nothing_allows_are_refused_whatever_lint_says(run, recipe, pictures):
    (pictures / "red.txt").write_text("loli, nude")
    out = run("train", recipe(lint="off"), "--dry-run")
    assert out.returncode == 2
    assert "SAF101" in out.stderr


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_stopped_training_keeps_a_checkpoint_and_goes_on(recipe, run, tmp_path, name):
    path = recipe(max_steps=100_000, save={"every_steps": 0})
    process = subprocess.Popen(
        [sys.executable, "-m", "tagkit", "train", str(path), *CPU],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    log = tmp_path / "recipe" / "training.csv"
    while not (log.is_file() and log.read_text().count("\n") > 3):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.2)
    process.send_signal(getattr(signal, name))
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in errors
    (step,) = [int(each.name) for each in (tmp_path / "recipe" / "checkpoints").glob("0*")]
    more = run("train", path, *CPU, "--set", f"max_steps={step + 1}")
    assert f"{step + 1} steps done, 1 of them now" in more.stdout


def limited(path, most):
    """Trains where no file may be larger than so many bytes, as on a disk that is full."""
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))\n"
        "from tagkit.__main__ import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, "train", str(path), *CPU],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
        timeout=300,
    )


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="the system has no such limit")
def test_a_full_disk_leaves_the_last_checkpoint_as_it_was(run, recipe, tmp_path):
    path = recipe()
    assert run("train", path, *CPU).returncode == 0
    checkpoint = tmp_path / "recipe" / "checkpoints" / "00000002"
    before = tree(checkpoint)
    document = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(document | {"max_steps": 3}))
    out = limited(path, 30_000)
    assert out.returncode == 2
    assert "cannot write" in out.stderr
    assert "help: make room" in out.stderr
    assert "Traceback" not in out.stderr
    assert tree(checkpoint) == before
    assert not list((tmp_path / "recipe").rglob("*.tmp"))
    assert "3 steps done, 1 of them now" in run("train", path, *CPU).stdout


def test_two_trainings_do_not_share_a_folder(recipe, run, tmp_path):
    from tagkit.rendering.lock import folder_lock

    with folder_lock(tmp_path / "recipe" / "checkpoints"):
        out = run("train", recipe(), *CPU)
    assert out.returncode == 2
    assert f"process {os.getpid()}" in out.stderr


def test_a_missing_package_is_named_with_its_install_line(recipe):
    code = (
        "import sys\n"
        "import importlib.util as util\n"
        "found = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'peft' else found(name, *rest)\n"
        "from tagkit.__main__ import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", code, "train", str(recipe()), *CPU]
    out = subprocess.run(command, capture_output=True, text=True, check=False)
    assert out.returncode == 2
    assert "not installed: peft" in out.stderr
    assert "pip install 'tagkit-prompts[train]'" in out.stderr


def test_a_recipe_that_is_not_there_is_named(run):
    out = run("train", "gone.yaml")
    assert out.returncode == 2
    assert "cannot read `gone.yaml`" in out.stderr


def test_two_processes_train_one_model(recipe, run, tmp_path):
    """Each sees its own batches, so that an epoch is over in half the steps."""
    path = recipe(max_steps=5, trained="unet+text")
    out = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2",
            "-m", "tagkit", "train", str(path), *CPU,
        ],
        capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "ACCELERATE_USE_CPU": "true"},
    )  # fmt: skip
    assert out.returncode == 0, out.stderr
    assert out.stdout.count("5 steps done") == 1
    rows = (tmp_path / "recipe" / "training.csv").read_text().splitlines()[1:]
    assert [row.split(",")[1] for row in rows] == ["0", "0", "0", "1", "1"]
    assert "6 steps done, 1 of them now" in run("train", path, *CPU, "--set", "max_steps=6").stdout
