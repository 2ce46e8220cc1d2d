from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

from safetensors.torch import save_file  # noqa: E402

from tagkit.clip import BOS, EOS, encode  # noqa: E402
from tagkit.errors import UserError  # noqa: E402
from tagkit.rendering.conditioning import Conditioner  # noqa: E402
from tagkit.rendering.guidance import Reading, guidance  # noqa: E402
from tagkit.rendering.job import Embedding  # noqa: E402

LONG = ", ".join(["blue hair"] * 40)


@pytest.fixture(scope="module")
def conditioner(components):
    return Conditioner(components.text_encoder.float(), components.text_encoder_2.float())


@pytest.fixture(scope="module")
def calculated(components):
    """Context and pooled vector by hand: [(token id, weight)] a chunk."""

    def calculate(*chunks):
        rows, pooled = [], None
        for chunk in chunks:
            ids, weights = [BOS], [1.0]
            for token, weight in chunk:
                ids.append(token)
                weights.append(weight)
            ids.append(EOS)
            sides = []
            for encoder, fill in ((components.text_encoder, EOS), (components.text_encoder_2, 0)):
                tokens = torch.tensor([ids + [fill] * (77 - len(ids))])
                with torch.no_grad():
                    output = encoder(tokens, output_hidden_states=True)
                layer = output.hidden_states[len(output.hidden_states) - 2][0]
                scaled = layer.clone()
                for place, weight in enumerate(weights):
                    scaled[place] *= weight
                sides.append(scaled * layer.mean() / scaled.mean())
            pooled = output.text_embeds[0] if pooled is None else pooled
            rows.append(torch.cat(sides, 1))
        return torch.cat(rows, 0), pooled

    return calculate


def weighted(text, weight=1.0):
    return [(token, weight) for token in encode(text)]


COMMA = encode(",")[0]


def chunked(*spans):
    """Chunks of [(token id, weight)], cut as A1111's documentation of its own code has it.

    spans: texts with weights; None is BREAK. A chunk that is full when a word comes gives what
    stands behind its last comma, if that is 20 tokens or less, to the next one.
    """
    chunks, current, comma = [], [], -1

    def flush():
        nonlocal current, comma
        chunks.append(current)
        current, comma = [], -1

    for span in spans:
        if span is None:
            flush()
            continue
        for token in encode(span[0]):
            if token == COMMA:
                comma = len(current)
            elif len(current) == 75 and comma != -1 and 75 - comma <= 20:
                moved, current = current[comma + 1 :], current[: comma + 1]
                flush()
                current = moved
            if len(current) == 75:
                flush()
            current.append((token, span[1]))
    return [*chunks, current]


WORDS = "blue hair, red sky, " * 16
BY_HAND = {
    LONG: [(LONG, 1.0)],
    f"{WORDS}(one two three four five six seven eight nine ten:1.3), smile": [
        (WORDS, 1.0), ("one two three four five six seven eight nine ten", 1.3), (", smile", 1.0),
    ],
    "((a)), [b], (c:1.4) d": [
        ("a", 1.21), (", ", 1.0), ("b", 1 / 1.1), (", ", 1.0), ("c", 1.4), (" d", 1.0),
    ],
    "(x (y:1.3):0.5) BREAK z": [("x ", 0.5), ("y", 0.65), None, ("z", 1.0)],
    "sun " * 80: [("sun " * 80, 1.0)],
    f"{'sun ' * 60}, {'sea ' * 18}": [(f"{'sun ' * 60}, {'sea ' * 18}", 1.0)],
}  # fmt: skip


@pytest.mark.parametrize("prompt", BY_HAND, ids=range(len(BY_HAND)))
def test_prompts_are_what_a_calculation_by_hand_gives(conditioner, calculated, prompt):
    chunks = chunked(*BY_HAND[prompt])
    [(found, _)] = conditioner.positive(guidance(prompt, "", 4), 0)
    assert found.context.shape[0] == 77 * len(chunks)
    assert same(found, calculated(*chunks))


def test_a_prompt_moves_words_over_the_end_of_a_chunk():
    """Else the calculation by hand would not try it."""
    first, second = chunked(*BY_HAND[f"{'sun ' * 60}, {'sea ' * 18}"])
    assert (len(first), len(second)) == (61, 18)


SCHEDULED = {
    "[red:blue:0.5] hair": ["red hair"] * 3 + ["blue hair"],
    "[red:blue:1] hair": ["red hair"] * 2 + ["blue hair"] * 2,
    "[red:blue:1.0] hair": ["red hair"] * 4,
    "a[, (hat:1.2):2]": ["a"] * 3 + ["a, (hat:1.2)"],
    "a[, hat::2]": ["a, hat"] * 3 + ["a"],
    "[red|blue|] hair": ["red hair", "red hair", "blue hair", " hair"],
}


@pytest.mark.parametrize("prompt", SCHEDULED)
def test_scheduled_prompts_are_those_of_their_step(conditioner, prompt):
    """Both prompts; A1111 counts from 0 to ends that count from 1, so the first text stays on."""
    said = guidance(prompt, prompt, 4)
    for step, text in enumerate(SCHEDULED[prompt]):
        plain = guidance(text, text, 4)
        [(found, _)], [(expected, _)] = (conditioner.positive(each, step) for each in (said, plain))
        assert same(found, expected), step
        assert same(conditioner.negative(said, step), conditioner.negative(plain, step)), step


def same(one, other):
    return all(torch.allclose(a, b, atol=1e-5) for a, b in zip(one, other, strict=True))


def test_a_weighted_prompt(conditioner, calculated):
    [(found, weight)] = conditioner.positive(guidance("1girl, (blue hair:1.3), smile", "", 4), 0)
    tokens = [*weighted("1girl, "), *weighted("blue hair", 1.3), *weighted(", smile")]
    assert weight == 1.0
    assert found.context.shape == (77, 64)
    assert same(found, calculated(tokens))


def test_break_and_the_pooled_vector_of_the_first_chunk(conditioner, calculated):
    [(found, _)] = conditioner.positive(guidance("(a:1.2) BREAK b", "", 4), 0)
    assert same(found, calculated(weighted("a", 1.2), weighted("b")))


def test_a_short_negative_is_filled_with_empty_chunks(conditioner, calculated):
    said = guidance(LONG, "lowres", 4)
    found = conditioner.negative(said, 0)
    assert found.context.shape == (154, 64)
    assert same(found, calculated(weighted("lowres"), []))


def test_shorter_and_parts_are_filled_with_their_last_vector(conditioner):
    said = guidance(f"a AND {LONG}", "", 4)
    (short, _), (long, _) = conditioner.positive(said, 0)
    assert short.context.shape == long.context.shape == (154, 64)
    assert torch.equal(short.context[77:], short.context[76].expand(77, -1))


@pytest.mark.parametrize("negative", ["", "<lora:x:1>", "# nothing"])
def test_an_empty_negative_is_zero(conditioner, negative):
    found = conditioner.negative(guidance("a", negative, 4), 0)
    if negative == "# nothing":  # A1111 leaves the line end of a comment, which is a text
        assert found.context.any()
    else:
        assert not found.context.any()
        assert not found.pooled.any()


def test_a_negative_that_is_empty_at_times_is_not_zero(conditioner):
    found = conditioner.negative(guidance("a", "[lowres::2]", 4), 3)
    assert found.context.any()


def test_texts_are_read_once(components):
    calls = []

    class Counted:
        device, dtype = torch.device("cpu"), torch.float32

        def __call__(self, *args, **kwargs):
            calls.append(1)
            return components.text_encoder_2(*args, **kwargs)

    conditioner = Conditioner(Counted(), Counted())
    for _ in range(3):
        conditioner.positive(guidance("1girl", "", 4), 0)
    assert len(calls) == 4  # the text and the empty chunk, twice each


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers
def test_an_unweighted_prompt_is_what_diffusers_makes_of_it(components, conditioner):
    """diffusers' own encoding of a prompt of one chunk, with tokenizers that only pad."""

    class Tokens:
        def __init__(self, fill):
            self.fill, self.model_max_length, self.added_tokens_encoder = fill, 77, {}

        def tokenize(self, text):
            return [text]

        def __call__(self, texts, **options):
            ids = [BOS, *encode(texts[0]), EOS]
            filled = torch.tensor([ids + [self.fill] * (77 - len(ids))])
            return type("Output", (), {"input_ids": filled})

    scheduler = diffusers.EulerAncestralDiscreteScheduler()
    pipeline = diffusers.StableDiffusionXLPipeline(
        components.vae, components.text_encoder, components.text_encoder_2, Tokens(EOS), Tokens(0),
        components.unet, scheduler, add_watermarker=False,
    )  # fmt: skip
    context, _, pooled, _ = pipeline.encode_prompt(
        "1girl, blue hair", do_classifier_free_guidance=False
    )
    [(found, _)] = conditioner.positive(guidance("1girl, blue hair", "", 4), 0)
    assert same(found, (context[0], pooled[0]))


def test_emphasis_without_norm(components):
    """The weighted states stay as they are: against the same prompt without weights."""
    conditioner = Conditioner(components.text_encoder.float(), components.text_encoder_2.float())
    bare = guidance("1girl, blue hair", "", 4)
    said = guidance("1girl, (blue hair:1.3)", "", 4, reading=Reading("no-norm"))
    [(plain, _)], [(found, _)] = (conditioner.positive(each, 0) for each in (bare, said))
    start = 1 + len(encode("1girl, "))
    stop = start + len(encode("blue hair"))
    expected = plain.context.clone()
    expected[start:stop] *= 1.3
    assert torch.allclose(found.context, expected, atol=1e-6)


def test_clip_skip_leaves_layers_out(components, conditioner):
    usual, two, three = (
        conditioner.positive(guidance("1girl", "", 4, reading=Reading(clip_skip=skip)), 0)[0][0]
        for skip in (None, 2, 3)
    )
    assert torch.equal(usual.context, two.context)
    tokens = torch.tensor([[BOS, *encode("1girl"), *[EOS] * 75][:77]])
    with torch.no_grad():
        states = components.text_encoder(tokens, output_hidden_states=True).hidden_states
    assert torch.allclose(three.context[:, :24], states[-3][0], atol=1e-6)


@pytest.fixture
def inverted(components, tmp_path):
    """A conditioner that knows an embedding `neg-xl` of three vectors, those of `blue hair,`."""
    ids = torch.tensor(encode("blue hair,"))
    tables = {
        name: encoder.get_input_embeddings().weight[ids].detach().float().clone()
        for name, encoder in (
            ("clip_l", components.text_encoder), ("clip_g", components.text_encoder_2)
        )
    }  # fmt: skip
    save_file(tables, tmp_path / "neg-xl.safetensors")
    files = {"abc": tmp_path / "neg-xl.safetensors"}
    return Conditioner(components.text_encoder.float(), components.text_encoder_2.float(), files)


EMBEDDED = Reading(embeddings=(Embedding("neg-xl", "abc", 3),))


@pytest.mark.parametrize("name", ["neg-xl", "NEG-XL", "(neg-xl:1.2)"])
def test_an_embedding_is_its_vectors(inverted, name):
    """Those of words, so that the embedding must be read as the words are."""
    words = name.lower().replace("neg-xl", "blue hair,")
    [(expected, _)] = inverted.positive(guidance(f"1girl, {words} sky", "", 4), 0)
    [(found, _)] = inverted.positive(guidance(f"1girl, {name} sky", "", 4, reading=EMBEDDED), 0)
    assert same(found, expected)


def test_a_name_is_words_where_no_embedding_is_called_so(inverted):
    one, other = (
        inverted.positive(guidance("neg-xl", "", 4, reading=reading), 0)[0][0]
        for reading in (Reading(), EMBEDDED)
    )
    assert not torch.allclose(one.context, other.context)


def test_an_embedding_for_wider_encoders(components, tmp_path):
    save_file(
        {"clip_l": torch.zeros(1, 768), "clip_g": torch.zeros(1, 1280)}, tmp_path / "a.safetensors"
    )
    conditioner = Conditioner(
        components.text_encoder, components.text_encoder_2, {"abc": tmp_path / "a.safetensors"}
    )
    reading = Reading(embeddings=(Embedding("wide", "abc", 1),))
    with pytest.raises(UserError, match="wide"):
        conditioner.positive(guidance("wide", "", 4, reading=reading), 0)


def test_texts_are_read_again_when_the_encoders_have_changed(components):
    conditioner = Conditioner(components.text_encoder, components.text_encoder_2)
    said = guidance("1girl", "", 4)
    [(before, _)] = conditioner.positive(said, 0)
    norm = components.text_encoder.get_submodule("encoder.layers.0.layer_norm1")
    norm.bias.data += 1
    conditioner.state = "changed"
    [(after, _)] = conditioner.positive(said, 0)
    norm.bias.data -= 1
    conditioner.state = ()
    [(again, _)] = conditioner.positive(said, 0)
    assert not torch.equal(before.context, after.context)
    assert torch.equal(before.context, again.context)
