from __future__ import annotations

import random
from functools import cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagkit.cards import image_card
from tagkit.clip import count_tokens
from tagkit.commands.parts import part_of
from tagkit.documents import parse_document, parse_record
from tagkit.linting import Knowledge, Linter, facts, shipped_lexicon
from tagkit.linting.checking import Checker, _found
from tagkit.linting.context import Context
from tagkit.linting.matchers import ALONE, MATCHERS, MEETINGS, OF_SIGNS, OF_TAGS
from tagkit.linting.screening import Screen, chunks_of
from tagkit.packs import shipped_rules, switched_on
from tagkit.prompt import CAPTIONS, DIALECTS, parse
from tagkit.reporting.as_json import Start

RULES = tuple(switched_on(rule) for rule in shipped_rules())
CARDS = {name: image_card(name) for name in ("baxl-v3", "kohaku-delta", "pony-v6")}
TAGS = st.sampled_from(
    "1girl|2girls|solo|multiple girls|1boy|blonde hair|black hair|multicolored hair|blue eyes|"
    "red eyes|heterochromia|simple background|outdoors|forest|thighhighs|white thighhighs|hat|"
    "witch hat|halo|masterpiece|best quality|score_9|long_hair|Long Hair|sketch|blue theme|halo|"
    "hoshino \\\\(blue archive\\\\)|blue archive|hatsune miku|child|nude|loli|sex|pussy|wlop|"
    "artist:wlop|by wlop|speed|:3|^_^|:)|(smile:1.2)|(smile|smile)|[a:b:0.5]|{a|b}|__place__|"
    '<lora:x:1>|a BREAK b|AND|word++|1.2::x::|"a|b"|/* a|b */|a # b||very long hair, solo|'
    "twin tails|eyes closed|(gray_hair:1.2)|sowrd|"
    "from behind|looking at viewer|a tag that is not known at all|tag:1.2|cat  ears|，|a-|"
    "cowboy shot|official art|[smile|hat:0.5]|{{smile|hat}}|2021|newest|year 2021|safe|rating:safe|"
    "chibi|monochrome".split("|")
)
SEPARATORS = st.sampled_from([", "] * 12 + [",", ",, ", "\n", " "])


@st.composite
def prompts(draw):
    parts = draw(st.lists(TAGS, max_size=9))
    return "".join(part + draw(SEPARATORS) for part in parts[:-1]) + "".join(parts[-1:])


@pytest.fixture(scope="module")
def knowledge():
    return {name: Knowledge(card, shipped_lexicon()) for name, card in CARDS.items()}


@pytest.fixture(scope="module")
def screens(knowledge):
    """One screen each for all examples: what it remembers must not mislead it."""
    return {
        (name, where, dialect): Screen(RULES, knowledge[name], where, dialect)
        for name in CARDS
        for where in ("positive", "negative")
        for dialect in DIALECTS
    }


@pytest.fixture(scope="module")
def linters():
    """One linter each for all examples, for the same reason."""
    safeties = {False: ("safe",), True: ("safe", "unsafe")}
    return {
        (name, unsafe): Linter(card, RULES, fixes=fixes)
        for name, card in CARDS.items()
        for unsafe, fixes in safeties.items()
    }


@pytest.fixture(scope="module")
def checkers(knowledge):
    return {
        (name, dialect): Checker(RULES, knowledge[name], dialect)
        for name in CARDS
        for dialect in (*DIALECTS, CAPTIONS)
    }


@pytest.fixture(scope="module")
def pairs():
    """A linter and one that judges every prompt by its tree, the same ones for all examples."""

    @cache
    def pair(name, dialect, keep_tokens):
        card, rules = CARDS[name], shipped_rules() if keep_tokens % 2 else RULES
        return tuple(kind(card, rules, dialect, keep_tokens=keep_tokens) for kind in (Linter, Slow))

    return pair


@given(
    prompts(),
    st.sampled_from(sorted(CARDS)),
    st.sampled_from(["positive", "negative"]),
    st.sampled_from(DIALECTS),
)
def test_a_glance_leaves_out_no_rule_that_finds_something(
    screens, knowledge, text, name, where, dialect
):
    assert_sound(screens[name, where, dialect], text, knowledge[name], where, dialect)


def test_it_leaves_out_none_on_real_prompts(screens, knowledge, real_prompts):
    screen = screens["baxl-v3", "positive", "a1111"]
    for text in real_prompts:
        assert_sound(screen, text, knowledge["baxl-v3"], "positive", "a1111")


@given(
    prompts(),
    st.sampled_from(sorted(CARDS)),
    st.booleans(),
    st.sampled_from(["all", "base", "nothing"]),
)
def test_a_bare_prompt_is_judged_as_any_other(linters, text, name, unsafe, missed):
    linter = linters[name, unsafe]
    record = msgspec.structs.replace(parse_record(text), missed=missed)
    brief = linter.brief(record)
    if brief is not None:
        quick, whole = linter._in_full(brief, record), linter.lint_whole(record)
        assert quick.diagnostics == whole.diagnostics
        assert quick.fixed == whole.fixed
        assert sorted(map(repr, quick.remaining)) == sorted(map(repr, whole.remaining))


@given(prompts(), st.sampled_from(sorted(CARDS)), st.sampled_from([*DIALECTS, CAPTIONS]))
def test_a_list_of_tags_is_judged_as_its_tree_is(checkers, text, name, dialect):
    assert_alike(checkers[name, dialect], text, dialect)


def test_real_lists_of_tags_are_judged_as_their_trees_are(checkers, real_prompts):
    for dialect in (*DIALECTS, CAPTIONS):
        for text in real_prompts:
            assert_alike(checkers["baxl-v3", dialect], text.replace("\n", " "), dialect)


# Signs swallow the comma behind them, or leave it a token of its own.
SIGNS = "^_^ :3 :d ;) >_< =_= @_@ +++ ?! !! ... <3 \\o/ x_x 0_0 :>= o_o".split()
WORDS = "hat,blue eyes,1girl,outdoors,masterpiece,very long hair,smile".split(",")


@given(
    st.lists(st.sampled_from([*SIGNS, *WORDS]), min_size=2, max_size=9),
    st.sampled_from([1, 6]),
    st.sampled_from(sorted(CARDS)),
    st.sampled_from(DIALECTS),
)
@settings(max_examples=600)
def test_a_list_put_in_order_is_seen_as_one_that_was_written_so(
    screens, tags, times, name, dialect
):
    screen = screens[name, "positive", dialect]
    glance = screen.glance(", ".join(tags * times))
    if glance is None or glance.sorting is None or glance.signs & screen._order:
        return
    quick = screen.rearranged(glance, glance.sorting)
    fresh = screen.glance(quick.text)
    assert msgspec.structs.replace(quick, tags=tuple(quick.tags)) == fresh


@given(
    st.lists(st.sampled_from([*SIGNS, "1girl", "solo", "very long hair"]), min_size=30),
    st.sampled_from([*DIALECTS, CAPTIONS]),
)
def test_long_lists_are_cut_where_their_texts_are(checkers, tags, dialect):
    text = ", ".join(tags)
    glance = checkers["baxl-v3", dialect].glance(text)
    if glance is not None:
        assert chunks_of(glance) == count_tokens(text, dialect).chunks


@given(
    st.lists(st.sampled_from([*SIGNS, "1girl", "hat " * 30]), min_size=20),
    st.sampled_from(["positive", "negative"]),
    st.sampled_from(DIALECTS),
)
def test_no_tag_is_cut_unseen(screens, knowledge, tags, where, dialect):
    text = ", ".join(tag.strip() for tag in tags)
    assert_sound(screens["baxl-v3", where, dialect], text, knowledge["baxl-v3"], where, dialect)


@pytest.mark.parametrize("dialect", ["a1111", CAPTIONS])
@pytest.mark.parametrize("unsafe", [False, True])
def test_lists_are_reported_as_trees_are(dialect, unsafe):
    fixes = ("safe", "unsafe") if unsafe else ("safe",)
    quick, slow = (kind(CARDS["baxl-v3"], RULES, dialect, fixes) for kind in (Linter, Slow))
    text = "\n".join(drawn_lists(1_000))
    assert as_json(text, quick) == as_json(text, slow)


@given(
    st.lists(prompts(), min_size=1, max_size=4),
    st.sampled_from(sorted(CARDS)),
    st.sampled_from([*DIALECTS, CAPTIONS]),
    st.integers(0, 3),
)
def test_what_is_printed_of_lists_is_what_is_printed_of_trees(pairs, texts, name, dialect, keep):
    text = "\n".join(texts)
    quick, slow = pairs(name, dialect, keep)
    assert as_json(text, quick) == as_json(text, slow)


def test_what_is_printed_of_real_prompts_is_what_is_printed_of_their_trees(pairs, real_prompts):
    lines = "\n".join(text.replace("\n", " ") for text in real_prompts[::6])
    for name in CARDS:
        for dialect in ("a1111", CAPTIONS):
            quick, slow = pairs(name, dialect, 0)
            assert as_json(lines, quick) == as_json(lines, slow)


def test_a_glance_spares_most_rules_the_look(screens):
    screen = screens["baxl-v3", "positive", "a1111"]
    assert screen.suspects("1girl, solo, long hair, blue eyes, smile") == 0


def test_of_tags_without_end_only_the_last_are_remembered(knowledge, monkeypatch):
    monkeypatch.setattr(facts, "_REMEMBERED", 10)
    screen = Screen(RULES, knowledge["baxl-v3"], "positive", "a1111")
    for number in range(100):
        text = f"1girl, unheard of {number}, long hair, [oddity {number}]"
        assert screen.glance(text) is None
        assert len(screen.facts) <= 10
    assert screen.suspects("1girl, 1girl") != 0


def test_every_kind_that_is_glanced_at_exists():
    assert MATCHERS.keys() >= ALONE | MEETINGS.keys() | OF_TAGS
    assert OF_SIGNS <= ALONE


def assert_sound(screen, text, knowledge, where, dialect):
    context = Context.of(where, parse(text, dialect), knowledge)
    suspects = screen.suspects(text)
    for index, rule in enumerate(RULES):
        judges = where in rule.looks_at and (knowledge.card.name or not rule.needs_card)
        if judges and not suspects >> index & 1:
            assert not list(MATCHERS[rule.kind](context, rule)), (rule.code, text)


class Slow(Linter):
    """Judges every prompt by its tree."""

    def brief(self, record, said=()):
        return None


def assert_alike(checker, text, dialect):
    """Whether all rules find in the whole tree what those that were suspected find in a list."""
    glance = checker.glance(text)
    if glance is None:
        return
    everything = checker.context(parse(text, dialect), frozenset({"positive"}))
    rules = [rule for rule in checker.rules if "positive" in rule.looks_at]
    assert checker.check_list(glance) == _found(rules, everything), text
    assert glance.tokens == count_tokens(text, dialect).real


def drawn_lists(count):
    """Lists of tags that are curated names, popular as prompts have them."""
    draw, lexicon = random.Random(7), shipped_lexicon()
    names = [name for group in lexicon.groups() for name in lexicon.members(group)]
    often = [
        name for group in ("hair_color", "count", "quality") for name in lexicon.members(group)
    ]
    for _ in range(count):
        tags = draw.choices(names, k=draw.randint(3, 30)) + draw.choices(often, k=3)
        draw.shuffle(tags)
        yield ", ".join(tags)


def as_json(text, linter):
    """All that is printed of a document, its summary included."""
    captions = linter.dialect == CAPTIONS
    document = parse_document(text, "x", captions=captions)
    return part_of(document, Start(2, 30), lambda _: ("baxl-v3", "", linter), frozenset())
