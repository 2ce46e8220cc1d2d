from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tagkit.errors import UserError
from tagkit.packs import shipped_rules
from tagkit.rendering.fields import Fields
from tagkit.rendering.jobfile import read_source
from tagkit.rendering.planning import plan_key
from tagkit.settings import Settings

BASE = "lowres, error, worst quality, low quality, jpeg artifacts, watermark, signature, username"
DEFAULTS = Settings()
OVERFIT = "halo, heterochromia, focus"


def test_order_is_prompt_then_matrix_then_seed(plan):
    found = plan(
        ["a", {"prompt": "b", "count": 1}],
        matrix={"cfg": [5, 6], "steps": [4, 5]},
        defaults={"count": 2, "seed": 3},
    )
    assert [(job.prompt, job.cfg, job.steps, job.seed) for job in found.jobs] == [
        ("a", cfg, steps, seed) for cfg in (5, 6) for steps in (4, 5) for seed in (3, 4)
    ] + [("b", cfg, steps, 3) for cfg in (5, 6) for steps in (4, 5)]
    assert [job.index for job in found.jobs] == list(range(12))


RECORD = "a\nSteps: 9, Sampler: Euler a, CFG scale: 4, Seed: 1, Size: 64x64, RNG: CPU"


@pytest.mark.parametrize(
    ("prompt", "fields", "overrides", "cfg"),
    [
        ("a", {}, (), 5),  # the card's
        ("a", {"defaults": {"cfg": 4.5}}, (), 4.5),
        (RECORD, {"defaults": {"cfg": 4.5}}, (), 4),
        ({"prompt": RECORD, "cfg": 5}, {"defaults": {"cfg": 4.5}}, (), 5),
        ({"prompt": RECORD, "cfg": 5}, {"matrix": {"cfg": [5.5]}}, (), 5.5),
        ({"prompt": RECORD, "cfg": 5}, {"matrix": {"cfg": [5.5]}}, ("cfg=7",), 7),
    ],
)
def test_precedence(plan, prompt, fields, overrides, cfg):
    assert [job.cfg for job in plan([prompt], overrides, **fields).jobs] == [cfg]


def test_the_card_fills_what_is_left_open(plan):
    [job] = plan(["1girl"]).jobs
    assert (job.width, job.height, job.steps, job.cfg) == (128, 128, 25, 5)
    assert (job.sampler, job.rng, job.model) == ("euler-a", "cpu", "tiny")


@pytest.mark.parametrize(
    ("negative", "expected"),
    [
        ("auto", f"{BASE}, {OVERFIT}"),
        ("none", ""),
        ("hat", f"hat, {OVERFIT}"),
        ({"text": "hat, hat", "complete": "none"}, "hat, hat"),
        ({"text": "hat", "complete": "overfit"}, f"hat, {OVERFIT}"),
        ({"text": "hat", "complete": "base"}, f"hat, {BASE}, {OVERFIT}"),
        ({"text": "", "complete": "base"}, f"{BASE}, {OVERFIT}"),
    ],
)
@pytest.mark.parametrize("fix", ["safe", "off"])
def test_negatives(plan, negative, expected, fix):
    [job] = plan([{"prompt": "1girl", "negative": negative, "fix": fix}]).jobs
    assert job.negative == expected


def test_what_the_prompt_asks_for_is_not_injected(plan):
    for fix in ("safe", "off"):
        [job] = plan([{"prompt": "1girl, glowing halo", "fix": fix}]).jobs
        assert job.negative == f"{BASE}, heterochromia, focus"


def test_prompts_are_fixed_and_the_original_is_kept(plan):
    found = plan(["smile, 1girl, smile", {"prompt": "smile, 1girl, smile", "fix": "off"}])
    fixed, kept = found.jobs
    assert fixed.prompt == "1girl, smile"
    assert kept.prompt == fixed.original == kept.original == "smile, 1girl, smile"
    assert not fixed.diagnostics
    assert {"DUP101", "ORD101"} <= set(kept.diagnostics)
    assert fixed.tokens.positive < kept.tokens.positive


def test_a_record_is_planned_exactly_as_it_was(plan):
    record = "smile, 1girl, smile\nNegative prompt: hat, hat\n" + RECORD.partition("\n")[2]
    [job] = plan([record], defaults={"count": 4}).jobs
    assert (job.prompt, job.negative) == ("smile, 1girl, smile", "hat, hat")


def test_random_seeds_are_drawn_once_a_prompt(plan):
    fields = {"matrix": {"cfg": [5, 6]}, "defaults": {"seed": -1, "count": 2}}
    jobs = plan(["a", "b"], **fields).jobs
    seeds = [job.seed for job in jobs]
    assert seeds[:2] == seeds[2:4] == [seeds[0], seeds[0] + 1]
    assert seeds[0] != seeds[4]
    assert [job.seed for job in plan(["a", "b"], **fields).jobs] == seeds
    assert [job.seed for job in plan(["a", "b"], seed=1, **fields).jobs] != seeds


def test_equal_recipes_are_one_job(plan):
    found = plan(["a", "a", {"prompt": "a", "filename": "other"}, {"prompt": "a", "cfg": 6}])
    assert [job.file for job in found.jobs] == ["00000-1.png", "00001-1.png"]


CHANGES = [
    {"seed": 2}, {"size": "64x128"}, {"steps": 24}, {"cfg": 6}, {"negative": "none"}, {"rng": "nv"},
]  # fmt: skip


def test_an_id_stands_for_all_that_decides_the_picture(plan):
    ids = {plan([{"prompt": "a", **change}]).jobs[0].id for change in ({}, *CHANGES)}
    ids.add(plan(["b"]).jobs[0].id)
    assert len(ids) == len(CHANGES) + 2
    assert plan([{"prompt": "a", "filename": "x"}]).jobs[0].id in ids
    assert all(len(each) == 20 for each in ids)


def test_an_id_is_the_same_on_every_machine(plan):
    """Changing it would make every picture of every user pending again."""
    [job] = plan([{"prompt": "1girl, smile", "negative": "none"}]).jobs
    trained = {"weights": "ab" * 32, "prediction": "epsilon", "zero_snr": False}
    fixed = msgspec.structs.replace(job, **trained, cfg=6.0, cfg_rescale=0.0)
    from tagkit.rendering.job import identified

    assert identified(fixed).id == "319016b49c7b7d4d93bd"


def test_a_job_without_weights_has_no_id(plan):
    [job] = plan([{"prompt": "a", "model": "baxl-v3", "size": "832x1216"}]).jobs
    assert job.id is None
    assert job.weights is None
    assert "baxl-v3.safetensors" in job.unresolved


@pytest.fixture
def with_wildcards(tmp_path):
    (tmp_path / "wild").mkdir()
    (tmp_path / "wild" / "place.txt").write_text("beach\nforest\n{day|night} city\n")
    return Settings(wildcards=(tmp_path / "wild",))


def test_variants_and_wildcards_are_drawn_for_each_image(plan, with_wildcards):
    entry = {"prompt": "{a|b}, __place__", "count": 40}
    jobs = plan([entry], settings=with_wildcards).jobs
    drawn = {job.prompt for job in jobs}
    assert drawn <= {
        f"{x}, {place}" for x in "ab" for place in ("beach", "forest", "day city", "night city")
    }
    assert len(drawn) > 4
    assert {job.original for job in jobs} == {"{a|b}, __place__"}
    again = plan([{**entry, "seed": 11, "count": 1}], settings=with_wildcards).jobs
    assert again[0].prompt == next(job.prompt for job in jobs if job.seed == 11)


def test_all_variants_come_in_their_order(plan, with_wildcards):
    found = plan(
        [{"prompt": "{a|b}, {c|d}", "count": 2}],
        settings=with_wildcards,
        defaults={"variants": "all"},
        matrix={"cfg": [5, 6]},
    )
    prompts = [job.prompt for job in found.jobs]
    assert prompts == [text for text in ("a, c", "a, d", "b, c", "b, d") for _ in range(4)]
    assert [job.cfg for job in found.jobs[:4]] == [5, 5, 6, 6]


def test_a_missing_wildcard_is_named_with_its_place(plan, with_wildcards):
    with pytest.raises(UserError, match="plaice") as caught:
        plan(["a", {"prompt": "b, __plaice__"}], settings=with_wildcards)
    assert "jobs.json:1" in caught.value.where


def test_what_was_drawn_once_is_not_drawn_again(plan):
    [job] = plan([{"prompt": f"{{a|b}}, {RECORD}"}]).jobs
    assert job.prompt == "{a|b}, a"


def test_a_size_that_the_model_cannot_have(plan):
    with pytest.raises(UserError, match="size") as caught:
        plan(["a"], defaults={"size": "136x128"})
    assert "jobs.json:1" in caught.value.where
    with pytest.raises(UserError, match="136x128") as caught:
        plan(["a"], ["size=136x128"])
    assert caught.value.where == "--set size"


def test_values_outside_of_the_card_are_warnings(plan):
    found = plan(["a"], matrix={"cfg": [5, 9, 2], "size": ["128x128", "32x544"]})
    assert len(found.jobs) == 6
    assert {warning.split(" is ")[0] for warning in found.warnings} == {
        "cfg 9", "cfg 2", "a side of 32", "a side of 544",
    }  # fmt: skip


def test_an_unknown_model_is_named_with_its_line(plan):
    with pytest.raises(UserError, match="tinny") as caught:
        plan([{"prompt": "a", "model": "tinny"}])
    assert "jobs.json:1" in caught.value.where
    assert "tiny" in caught.value.hint


def test_expanding_needs_something_to_expand_with(plan):
    with pytest.raises(UserError, match="expand"):
        plan([{"prompt": "a", "expand": "card"}])


def test_what_cannot_be_completed_is_told_with_its_line(plan, tmp_path):
    def complete(requests):
        raise UserError("there is no tag card `nope`", "", "cards: tiny")

    with pytest.raises(UserError, match="nope") as caught:
        plan(["a", {"prompt": "b", "expand": "card"}], complete=complete)
    assert caught.value.where == f"{tmp_path / 'jobs.json'}:1"


@pytest.mark.parametrize(("per", "seeds"), [("image", [5, 6]), ("prompt", [5, 5])])
def test_expansion_is_asked_once_for_all_and_its_answer_is_fixed(plan, per, seeds):
    asked = []

    def complete(requests):
        asked.append(requests)
        return [f"{each.prompt}, smile, smile{each.seed}, smile" for each in requests]

    how = {"temperature": 0.5, "per": per}
    prompts = ["2girls", {"prompt": "halo, 1girl", "expand": how, "seed": 5, "count": 2}]
    found = plan(prompts, complete=complete)
    [requests] = asked
    assert [(each.prompt, each.seed) for each in requests] == [("1girl, halo", s) for s in seeds]
    assert requests[0].how.temperature == 0.5
    assert [job.prompt for job in found.jobs] == [
        "2girls", *(f"1girl, halo, smile, smile{seed}" for seed in seeds),
    ]  # fmt: skip
    assert found.jobs[1].original == "halo, 1girl"


def test_a_prompt_that_breaks_a_safety_rule_is_refused_whatever_is_ignored(plan, monkeypatch):
    """Any rule whose code begins with SAF refuses; here one that dislikes repetition."""
    rules = [
        msgspec.structs.replace(rule, code="SAF999") if rule.code == "DUP101" else rule
        for rule in shipped_rules()
    ]
    monkeypatch.setattr("tagkit.rendering.wording.shipped_rules", lambda: rules)
    settings = Settings(ignore=("SAF",))
    found = plan([{"prompt": "smile, smile", "fix": "off"}, "1girl"], settings=settings)
    assert [bool(job.refused) for job in found.jobs] == [True, False]


def test_the_key_follows_files_and_options(plan, tmp_path):
    plan(["a"])
    source = read_source(tmp_path / "jobs.json")
    keys = {
        plan_key([source], DEFAULTS, Fields(), ""),
        plan_key([source], DEFAULTS, Fields(cfg=5), ""),
        plan_key([source], DEFAULTS, Fields(), "x"),
        plan_key([source, source], DEFAULTS, Fields(), ""),
        plan_key([source], Settings(ignore=("DUP",)), Fields(), ""),
    }
    assert len(keys) == 5
    assert plan_key([read_source(tmp_path / "jobs.json")], DEFAULTS, Fields(), "") in keys


@given(
    st.lists(st.sampled_from(["1girl", "smile, 1girl", "halo", "a AND b"]), min_size=1, max_size=4),
    st.integers(1, 3),
    st.lists(st.sampled_from([4, 5, 6]), min_size=1, max_size=3, unique=True),
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_plan_is_complete_distinct_and_repeatable(plan, prompts, count, cfgs):
    fields = {"defaults": {"count": count}, "matrix": {"cfg": cfgs}}
    found = plan(prompts, **fields)
    assert len(found.jobs) == len(set(prompts)) * count * len(cfgs)
    assert len({job.id for job in found.jobs}) == len({job.file for job in found.jobs})
    assert [job.index for job in found.jobs] == list(range(len(found.jobs)))
    assert plan(prompts, **fields) == found


@pytest.mark.parametrize("prompt", ["1girl, <lora:gone:1>", "1girl, embedding:gone"])
def test_a_job_that_names_a_file_which_nobody_has_is_unresolved(plan, tmp_path, prompt):
    here = (tmp_path,)
    found = plan([prompt], settings=Settings(loras=here, embeddings=here))
    assert "`gone`" in found.jobs[0].unresolved
    assert found.jobs[0].id is None
