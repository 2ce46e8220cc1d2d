"""tagkit.yaml: the nearest one counts."""

import pytest

from tagkit.errors import UserError
from tagkit.settings import Settings, find_settings


def test_the_nearest_file_counts_and_nothing_is_merged(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "tagkit.yaml").write_text("model: tiny\nignore: [FIT]\n", encoding="utf-8")
    (tmp_path / "a" / "tagkit.yaml").write_text("cards: [my]\n", encoding="utf-8")
    assert find_settings(tmp_path).model == "tiny"
    found = find_settings(inner / "prompts.txt")
    assert (found.model, found.ignore) == ("", ())
    assert found.cards == (tmp_path / "a" / "my",)


def test_without_a_file_the_defaults_hold(tmp_path):
    assert find_settings(tmp_path) == Settings()


def test_an_unknown_key_is_named(tmp_path):
    (tmp_path / "tagkit.yaml").write_text("modell: tiny\n", encoding="utf-8")
    with pytest.raises(UserError, match="did you mean `model`"):
        find_settings(tmp_path)
