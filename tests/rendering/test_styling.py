from __future__ import annotations

import pytest

from tagkit.errors import UserError
from tagkit.settings import Settings

CSV = '''name,prompt,negative_prompt
flat,"flat color, {prompt}, (no shading:1.2)",realistic
ink,ink,"colour, ""soft"""
only negative,,blurry
'''


@pytest.fixture
def styled(tmp_path):
    (tmp_path / "styles.csv").write_text(CSV, encoding="utf-8")
    return Settings(styles=(tmp_path / "styles.csv",))


@pytest.mark.parametrize(
    ("styles", "prompt", "negative"),
    [
        (["ink"], "1girl, ink", 'hat, colour, "soft"'),
        (["flat"], "flat color, 1girl, (no shading:1.2)", "hat, realistic"),
        (["ink", "flat"], "flat color, 1girl, ink, (no shading:1.2)",
         'hat, colour, "soft", realistic'),
        (["only negative"], "1girl", "hat, blurry"),
        ([], "1girl", "hat"),
    ],
)  # fmt: skip
def test_styles_are_added_as_a1111_adds_them(plan, styled, styles, prompt, negative):
    exact = {"text": "hat", "complete": "none"}
    entry = {"prompt": "1girl", "styles": styles, "negative": exact, "fix": "off"}
    [job] = plan([entry], settings=styled).jobs
    assert (job.prompt, job.negative, job.original) == (prompt, negative, "1girl")


def test_the_cards_words_come_to_the_negative_prompt_as_ever(plan, styled):
    def negative(said):
        entry = {"prompt": "1girl", "styles": ["only negative"], "negative": said}
        return plan([entry], settings=styled).jobs[0].negative

    assert negative("none") == "blurry"
    assert negative("hat").startswith("hat, blurry, halo")
    assert negative("auto").startswith("blurry, lowres")
    assert negative("auto").endswith("focus")


def test_a_folder_of_files_and_drawing(plan, tmp_path):
    (tmp_path / "a.csv").write_text('name,prompt\nany,"{x|y}"\n')
    settings = Settings(styles=(tmp_path,))
    entry = {"prompt": "1girl", "styles": ["any"], "count": 20, "fix": "off"}
    jobs = plan([entry], settings=settings).jobs
    assert {job.prompt for job in jobs} == {"1girl, x", "1girl, y"}


def test_a_style_that_there_is_not(plan, styled):
    with pytest.raises(UserError, match="flatt") as caught:
        plan([{"prompt": "a", "styles": ["flatt"]}], settings=styled)
    assert "`flat`" in caught.value.hint
    assert "jobs.json:1" in caught.value.where
    with pytest.raises(UserError) as caught:
        plan([{"prompt": "a", "styles": ["flat"]}])
    assert "tagkit.yaml" in caught.value.hint


def test_a_record_is_not_styled_by_defaults(plan, styled):
    record = "1girl\nSteps: 4, Sampler: Euler a, Seed: 1, Size: 64x64"
    [job] = plan([record], settings=styled, defaults={"styles": ["ink"]}).jobs
    assert job.prompt == "1girl"
