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
