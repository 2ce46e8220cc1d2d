"""The JSON Schemas of the files that users write."""

import json
from pathlib import Path

import msgspec
import pytest

from tagkit.cards import DetectorCard, ImageCard, TagCard, UpscalerCard
from tagkit.packs import Rule
from tagkit.rendering.jobfile import JobFile
from tagkit.settings import SEARCHED, SettingsFile
from tagkit.training.recipe import Recipe

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"
TYPES = {
    "rule": Rule,
    "image-card": ImageCard,
    "tag-card": TagCard,
    "upscaler-card": UpscalerCard,
    "detector-card": DetectorCard,
    "job-file": JobFile,
    "settings": SettingsFile,
    "training-recipe": Recipe,
}


def read(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def references(value):
    """Every `$ref` in a schema."""
    if isinstance(value, dict):
        yield from (each for key, each in value.items() if key == "$ref")
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from references(each)


@pytest.mark.parametrize("name", TYPES)
def test_a_schema_names_every_key_and_no_other(name):
    schema = read(name)
    top = schema["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    fields = msgspec.structs.fields(TYPES[name])
    assert top["properties"].keys() == {field.encode_name for field in fields}
    assert set(top["required"]) == {field.encode_name for field in fields if field.required}
    assert top["additionalProperties"] is False


@pytest.mark.parametrize("name", TYPES)
def test_its_references_lead_somewhere(name):
    schema = read(name)
    found = set(references(schema))
    assert {f"#/$defs/{each}" for each in schema["$defs"]} == found


def test_there_is_no_other_schema():
    assert {path.stem for path in FOLDER.glob("*.json")} == TYPES.keys()


def test_what_editors_complete():
    settings = read("settings")["$defs"]["SettingsFile"]["properties"]
    assert settings.keys() >= set(SEARCHED)
    assert "comfyui" in settings["dialect"]["enum"]
    severity = read("rule")["$defs"]["Rule"]["properties"]["severity"]
    assert set(severity["enum"]) == {"error", "warning", "info", "off"}
