from __future__ import annotations

import msgspec
import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("PIL")

from tagkit.cards import Speed  # noqa: E402
from tagkit.errors import UserError  # noqa: E402
from tagkit.infotext import Infotext  # noqa: E402
from tagkit.rendering.blocks import DetailerEntry, Expand, Hires, LoraEntry, Negative  # noqa: E402
from tagkit.rendering.fields import Fields, Overrides, merged  # noqa: E402
from tagkit.rendering.jobfile import parse_overrides, read_source  # noqa: E402
from tagkit.rendering.saving import save_picture  # noqa: E402

HEAD = "version: 1\nmodel: tiny\n"


@pytest.fixture
def read(tmp_path):
    """Reads a job file of this text."""

    def read_text(text, name="jobs.yaml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return read_source(tmp_path / name)

    return read_text


def said(request):
    return merged(*request.layers)


def test_every_field(read):
    source = read(
        HEAD
        + """defaults: {negative: auto, size: 64x128, steps: 9, cfg: 6, sampler: DPM++ 2M Karras,
  rng: nv, seed: -1, count: 3, fix: off, expand: off, hires: card,
  loras: [{name: x, weight: 0.8}], detailer: [{detector: face, sampler: Euler a}], vae: fixed,
  clip_skip: 2, emphasis: no-norm, styles: [flat], filename: "{seed}", format: webp,
  variants: all, cfg_rescale: 0.2}
matrix: {cfg: [5, 6.5], fix: [safe, off]}
prompts:
  - 1girl
  - {prompt: smile, seed: 4, negative: {text: hat, complete: none}, expand: {length: long}}
"""
    )
    first, second = source.requests
    assert first.prompt == "1girl"
    assert said(first) == Fields(
        model="tiny", negative="auto", size="64x128", steps=9, cfg=6, sampler="dpm++-2m",
        scheduler="karras", seed=-1, count=3, fix="off", expand="off", hires="card",
        loras=(LoraEntry("x", 0.8),), detailer=(DetailerEntry("face", sampler="euler-a"),),
        vae="fixed", clip_skip=2, emphasis="no-norm", styles=("flat",), filename="{seed}",
        format="webp", variants="all", cfg_rescale=0.2, rng="nv",
    )  # fmt: skip
    assert said(second).negative == Negative("hat", "none")
    assert said(second).expand.length == "long"
    assert first.cells == tuple(
        Fields(cfg=cfg, fix=fix) for cfg in (5, 6.5) for fix in ("safe", "off")
    )


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("defaults:\n  stepz: 4", 4, "`stepz`"),
        ("defaults:\n  steps: 0", 4, "steps"),
        ("defaults:\n  steps: many", 4, "steps"),
        ("defaults:\n  seed: -2", 4, "seed"),
        ("defaults:\n  cfg: .nan", 4, "cfg"),
        ("defaults:\n  cfg: -1", 4, "cfg"),
        ("defaults:\n  count: 0", 4, "count"),
        ("defaults:\n  seed: 1\n  size: 65x64", 5, "size"),
        ("defaults:\n  size: 0x64", 4, "size"),
        ("defaults:\n  size: 64", 4, "size"),
        ("defaults:\n  size: big", 4, "size"),
        ("defaults:\n  sampler: dpm", 4, "euler-a"),
        ("defaults:\n  fix: on", 4, "safe or unsafe or off"),
        ("defaults:\n  scheduler: karass", 4, "karras"),
        ("defaults:\n  sampler: DPM fast", 4, "euler-a"),
        ("defaults:\n  hires: on", 4, "card or off"),
        ("defaults:\n  hires: {upscale: 2}", 4, "`upscale`"),
        ("defaults:\n  hires:\n    scale: 2\n    denoise: 1.5", 6, "hires.denoise"),
        ("defaults:\n  hires: {size: 0x0}", 4, "hires.size"),
        ("defaults:\n  hires: {sampler: dpm}", 4, "hires.sampler"),
        ("defaults:\n  detailer: face", 4, "detailer"),
        ("defaults:\n  detailer: [{denoise: 0.4}]", 4, "detector"),
        ("defaults:\n  detailer: [{detector: x, dilat: 4}]", 4, "dilate"),
        ("defaults:\n  detailer: [{detector: x, size: 9x9}]", 4, "multiples"),
        ("defaults:\n  loras: [{name: x, weight: heavy}]", 4, "weight"),
        ("defaults:\n  loras: [{weight: 1}]", 4, "name"),
        ("defaults:\n  emphasis: none", 4, "no-norm"),
        ("defaults:\n  rng: gpu", 4, "nv"),
        ("defaults:\n  clip_skip: 0", 4, "clip_skip"),
        ("defaults:\n  format: gif", 4, "webp"),
        ("defaults:\n  speed: {compile: on}", 4, "`speed`"),
        ("matrix:\n  hires.denoize: [0.4]", 4, "denoise"),
        ("matrix:\n  hires.denoise:\n    - 0.4\n    - 4", 6, "denoise"),
        ("matrix:\n  sampler: [euler, eulr]", 4, "eulr"),
        ("defaults:\n  filename: ../x", 4, "inside"),
        ("defaults:\n  filename: '{sed}'", 4, "seed"),
        ("matrix:\n  cgf: [1]", 4, "`cgf`"),
        ("matrix:\n  cfg:\n    - 1\n    - x", 6, "matrix.cfg"),
        ("matrix:\n  size: [64x64, 9x9]", 4, "size"),
        ("matrix:\n  cfg: []", 4, "matrix.cfg"),
        ("matrix:\n  cfg: 5", 4, "matrix.cfg"),
        ("matrix:\n  cfg: [[5]]", 4, "matrix.cfg"),
        ("defaults:\n  size: 64*64", 4, "832x1216"),
        ("defaults:\n  negative: {text: a, complete: all}", 4, "base or overfit or none"),
        ("defaults:\n  detailer: [{detector: x, select: size}]", 4, "area or confidence"),
        ("defaults:\n  expand:\n    length: tiny", 5, "very-short"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(read, tmp_path, text, line, words):
    with pytest.raises(UserError) as caught:
        read(f"{HEAD}{text}\nprompts: [1girl]\n")
    error = caught.value
    assert words in f"{error.what} {error.hint}"
    assert error.where.startswith(f"{tmp_path / 'jobs.yaml'}:{line}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prompts: []", "prompts"),
        ("version: 2\nprompts: [a]", "version"),
        ("prompts: [{seed: 1}]", "prompt or a file"),
        ("prompts: [{prompt: a, file: b.txt}]", "prompt or a file"),
        ("prompts: [{prompt: a, sed: 1}]", "sed"),
        ("prompts: [{file: nowhere.txt}]", "nowhere.txt"),
        ("prompts: [[", "YAML"),
        ("", "prompts"),
        ("- a", "jobs.yaml"),
    ],
)
def test_a_wrong_file_is_an_error(read, words, text):
    with pytest.raises(UserError, match=words):
        read(text)


def test_a_prompt_that_needs_quotes_is_told_so(read):
    with pytest.raises(UserError) as caught:
        read("prompts:\n  - {smile|closed eyes}, 1girl\n")
    assert ":2" in caught.value.where
    assert "quotes" in caught.value.hint


def test_a_matrix_of_too_many_combinations(read, tmp_path):
    many = list(range(1, 101))
    with pytest.raises(UserError, match="100,000,000 combinations") as caught:
        read(f"prompts: [a]\nmatrix: {{cfg: {many}, steps: {many}, seed: {many}, count: {many}}}")
    assert caught.value.where == f"{tmp_path / 'jobs.yaml'}:2"


@pytest.mark.parametrize("name", ["gone.txt", "jobs.yaml", ".", "binary.dat"])
def test_a_file_that_an_entry_names_and_nobody_can_read_is_told_with_its_line(read, tmp_path, name):
    (tmp_path / "binary.dat").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(UserError) as caught:
        read(f"prompts:\n  - 1girl\n  - {{file: {name}}}\n")
    assert f"named in {tmp_path / 'jobs.yaml'}:3" in caught.value.where


def test_an_entry_may_name_a_picture(read, tmp_path, make_job):
    save_picture(np.zeros((8, 8, 3), np.uint8), make_job(seed=9, cfg=4.5), tmp_path)
    source = read("prompts:\n  - {file: a.png, cfg: 6}\n")
    [request] = source.requests
    assert (request.prompt, request.recorded) == ("1girl, blue hair", True)
    assert (said(request).seed, said(request).cfg) == (9, 6)


def test_a_file_of_prompts_takes_the_fields_of_its_entry(read, tmp_path):
    (tmp_path / "p.txt").write_text("1girl\nsmile\n\n2girls\nNegative prompt: hat\n")
    source = read(HEAD + "defaults: {cfg: 4}\nprompts: [{file: p.txt, seed: 9}]")
    assert [request.prompt for request in source.requests] == ["1girl", "smile", "2girls"]
    assert {(said(each).cfg, said(each).seed) for each in source.requests} == {(4, 9)}
    assert said(source.requests[2]).negative == "hat"


def test_the_digest_follows_every_file(read, tmp_path):
    text = HEAD + "prompts: [{file: p.txt}]"
    digests = set()
    for prompt in ("1girl", "2girls"):
        (tmp_path / "p.txt").write_text(prompt)
        digests |= {read(text).digest, read(text + "\n").digest}
    assert len(digests) == 4


def test_a_prompt_file(read):
    source = read("1girl\nsmile\n", "prompts.txt")
    assert [request.prompt for request in source.requests] == ["1girl", "smile"]
    assert said(source.requests[0]) == Fields()


RECORD = """1girl, 1girl
Negative prompt: lowres
Steps: 9, Sampler: Euler a, CFG scale: 5.5, Seed: 7, Size: 64x128, Model: tiny, RNG: CPU"""


def test_a_record_is_rendered_as_it_was(read):
    [request] = read(RECORD, "prompts.txt").requests
    assert request.prompt == "1girl, 1girl"
    assert said(request) == Fields(
        model="tiny", negative=Negative("lowres", "none"), size="64x128", steps=9, cfg=5.5,
        sampler="euler-a", scheduler="automatic", rng="cpu", seed=7, count=1, fix="off",
        expand="off", styles=(), hires="off", detailer="off",
    )  # fmt: skip


def test_a_record_without_noise_source_is_a1111s(read):
    [request] = read(RECORD.replace(", RNG: CPU", ""), "prompts.txt").requests
    assert said(request).rng == "nv"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("Euler a", "DPM fast"), "DPM fast"),
        (("Size", "Schedule type: KL Optimal, Size"), "KL Optimal"),
        (("Size", "Denoising strength: 0.4, Size"), "another"),
        (("Size", "Hires checkpoint: other, Size"), "Hires checkpoint"),
        (("Size", "ADetailer model: x, ADetailer restore face: True, Size"), "restore face"),
        (("Size", "ADetailer denoising strength: 0.4, Size"), "detector"),
        (("Size", "NGMS: 0.5, Size"), "NGMS"),
        (("Size", "Variation seed: 5, Size"), "Variation seed"),
        (("Size", "Emphasis: Ignore, Size"), "Emphasis"),
        (("Seed: 7", "Seed: x"), "Seed"),
        (("Steps: 9", "Steps: 0"), "Steps"),
        (("RNG: CPU", "RNG: GPU2"), "GPU2"),
    ],
)
def test_a_record_that_cannot_be_made_again(read, change, words):
    with pytest.raises(UserError, match=words) as caught:
        read(RECORD.replace(*change), "prompts.txt")
    assert "prompts.txt:1" in caught.value.where


def test_an_entry_wins_over_its_record(read):
    text = msgspec.json.encode({"prompts": [{"prompt": RECORD, "seed": 8, "cfg": 3}]}).decode()
    [request] = read(text, "jobs.json").requests
    assert (said(request).seed, said(request).cfg, said(request).steps) == (8, 3, 9)


def test_an_image_is_rendered_again(tmp_path):
    pytest.importorskip("PIL")
    from PIL import Image, PngImagePlugin

    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", str(Infotext("1girl", None, {"Steps": "4", "Seed": "3"})))
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=chunks)
    [request] = read_source(tmp_path / "a.png").requests
    assert request.prompt == "1girl"
    assert said(request).negative == Negative("", "none")


def test_overrides():
    fields = parse_overrides(["cfg=6", "negative=(hat:1.2), cap", "fix=off", "cfg=7"])
    assert fields == Overrides(cfg=7, negative="(hat:1.2), cap", fix="off", speed=Speed())


def test_an_override_can_say_one_key_of_a_mapping():
    said = ["hires=card", "hires.denoise=0.4", "hires.prompt=sky, blue", "speed.compile=true"]
    fields = parse_overrides([*said, "speed.dtype=bfloat16"])
    assert fields.hires == Hires(denoise=0.4, prompt="sky, blue")
    assert fields.speed == Speed(compile=True, dtype="bfloat16")


def test_layers_merge_mappings_key_by_key():
    below = Fields(hires=Hires(scale=2, denoise=0.4), expand="card", detailer=(DetailerEntry("a"),))
    above = Fields(hires=Hires(denoise=0.5), expand=Expand(length="long"), detailer=())
    assert merged(below, above) == Fields(
        hires=Hires(scale=2, denoise=0.5), expand=Expand(length="long"), detailer=()
    )
    assert merged(below, Fields(hires="off"), above).hires == Hires(denoise=0.5)
    assert merged(below, above, Fields(hires="card")).hires == "card"


def test_a_matrix_of_keys_in_mappings(read):
    [request] = read(
        HEAD + "matrix: {hires.denoise: [0.3, 0.4], hires.steps: [5, 6], cfg: [4]}\nprompts: [a]"
    ).requests
    assert request.cells == tuple(
        Fields(hires=Hires(denoise=denoise, steps=steps), cfg=4)
        for denoise in (0.3, 0.4)
        for steps in (5, 6)
    )


@pytest.mark.parametrize("setting", ["cfg", "cfg=x", "cgf=1", "size=9x9", "steps=0", "cfg=[", "=1",
    "hires.denoize=1", "hires.denoise=2", "speed.compile=x", "cfg.x=1"])  # fmt: skip
def test_wrong_overrides(setting):
    with pytest.raises(UserError, match="--set"):
        parse_overrides([setting])
