"""Coverage-guided fuzzing of everything that reads a prompt.

    pip install atheris
    python tests/fuzz/prompts.py -max_total_time=600 tests/fuzz/corpus

Any exception but UserError is a finding, and so is a text that does not come back, a fix that a
second run would change, or a count that is not the number of ids.
"""

import sys

import atheris

with atheris.instrument_imports(include=["tagkit"]):
    import tagkit
    from tagkit.clip import prompt_chunks
    from tagkit.documents import parse_document
    from tagkit.linting import lint
    from tagkit.prompt import DIALECTS, parse
    from tagkit.prompt.detection import detect_dialect

LONGEST = 2_000


def one_input(data: bytes) -> None:
    """Reads one text in every way."""
    text = atheris.FuzzedDataProvider(data).ConsumeUnicodeNoSurrogates(LONGEST)
    for dialect in DIALECTS:
        assert str(parse(text, dialect)) == text
        try:
            tagkit.weighted_text(text, dialect)
            for other in DIALECTS:
                tagkit.convert(text, dialect, other)
        except tagkit.UserError:
            pass
    detect_dialect(text)
    assert tagkit.schedule(text, 10)[-1][0] == 10
    assert tagkit.count_tokens(text).total >= 0
    assert all(len(chunk.ids) <= 75 for chunk in prompt_chunks(text))
    parse_document(text, "fuzz")
    fixed = lint(text, "").fixed.positive
    assert lint(fixed, "").fixed.positive == fixed


def main() -> None:
    """Hands over to libFuzzer."""
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


main()
