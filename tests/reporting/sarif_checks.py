"""The rules of the SARIF 2.1.0 schema for the parts that tagkit writes, as plain code.

Written after the OASIS standard, sections 3.13 (log), 3.14 (run), 3.18 and 3.19 (tool), 3.27
(result), 3.29 and 3.30 (physical location, region), 3.49 (rule), 3.55 to 3.57 (fix).
"""

LEVELS = {"none", "note", "warning", "error"}
# Objects by name: the keys that must be there, and all that tagkit may write.
OBJECTS = {
    "log": ({"version", "runs"}, {"$schema"}),
    "run": ({"tool"}, {"results", "columnKind"}),
    "tool": ({"driver"}, set()),
    "driver": ({"name"}, {"version", "rules"}),
    "rule": (
        {"id"},
        {"name", "shortDescription", "fullDescription", "help", "defaultConfiguration"},
    ),
    "configuration": (set(), {"enabled", "level"}),
    "message": ({"text"}, {"markdown"}),
    "result": ({"message"}, {"ruleId", "ruleIndex", "level", "locations", "fixes"}),
    "location": (set(), {"physicalLocation"}),
    "physical": (set(), {"artifactLocation", "region"}),
    "artifact": (set(), {"uri"}),
    "fix": ({"artifactChanges"}, {"description"}),
    "change": ({"artifactLocation", "replacements"}, set()),
    "replacement": ({"deletedRegion"}, {"insertedContent"}),
    "content": (set(), {"text"}),
}
# Characters that a URI reference may hold (RFC 3986).
URI = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!$&'()*+,;=%")


def shape(value, name):
    """An object of that name, with the keys it must and may have."""
    required, optional = OBJECTS[name]
    assert isinstance(value, dict)
    assert required <= value.keys() <= required | optional, (name, value.keys())
    return value


def check_log(log):
    """The whole file."""
    shape(log, "log")
    assert log["version"] == "2.1.0"
    for run in log["runs"]:
        check_run(run)


def check_run(run):
    """One run: its rules, its results, and what each says of the other."""
    shape(run, "run")
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    driver = shape(shape(run["tool"], "tool")["driver"], "driver")
    assert driver["name"]
    rules = driver["rules"]
    for rule in rules:
        check_rule(rule)
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        check_result(result, rules)


def check_rule(rule):
    """A rule's texts and severity."""
    shape(rule, "rule")
    for key in ("shortDescription", "fullDescription", "help"):
        check_message(rule[key])
    configuration = shape(rule["defaultConfiguration"], "configuration")
    assert isinstance(configuration["enabled"], bool)
    assert configuration["level"] in LEVELS


def check_result(result, rules):
    """A result: it names its rule twice, and a place."""
    shape(result, "result")
    check_message(result["message"])
    assert result["level"] in LEVELS
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    for location in result["locations"]:
        physical = shape(shape(location, "location")["physicalLocation"], "physical")
        check_artifact(physical["artifactLocation"])
        check_line_region(physical["region"])
    for fix in result.get("fixes", ()):
        check_fix(fix)


def check_fix(fix):
    """A fix: what is deleted, and what comes in its place."""
    shape(fix, "fix")
    check_message(fix["description"])
    assert fix["artifactChanges"]
    for change in fix["artifactChanges"]:
        check_artifact(shape(change, "change")["artifactLocation"])
        assert change["replacements"]
        for replacement in change["replacements"]:
            region = shape(replacement, "replacement")["deletedRegion"]
            assert region.keys() == {"charOffset", "charLength"}
            assert all(isinstance(each, int) and each >= 0 for each in region.values())
            assert isinstance(shape(replacement["insertedContent"], "content")["text"], str)


def check_line_region(region):
    """Lines and columns from 1; the end column is behind the last character."""
    assert region.keys() == {"startLine", "startColumn", "endLine", "endColumn"}
    assert all(isinstance(each, int) and each >= 1 for each in region.values())
    start = region["startLine"], region["startColumn"]
    assert start <= (region["endLine"], region["endColumn"])


def check_message(message):
    """A text that is there."""
    assert all(isinstance(each, str) and each for each in shape(message, "message").values())


def check_artifact(artifact):
    """A URI reference."""
    assert set(shape(artifact, "artifact")["uri"]) <= URI
