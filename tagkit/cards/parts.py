"""What the blocks of a model card may say."""

from __future__ import annotations

from typing import Literal

import msgspec


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every block of a card: frozen, and no unknown key passes."""


class Range(Part, frozen=True):
    """A figure: `min` and `max` where the source states limits, `default` where one is needed."""

    min: float | None = None
    max: float | None = None
    default: float | None = None
    source: str = ""


class Sides(Part, frozen=True):
    """Picture sides in pixels: each from `min` to `max` in steps of `step`."""

    min: int = 512
    max: int = 2048
    step: int = 8
    default: tuple[int, int] = (1024, 1024)
    source: str = ""


class Overfit(Part, frozen=True):
    """A tag that comes out unasked. `pattern` and `unless` match a whole canonical name."""

    pattern: str
    inject: str
    unless: str
    why: str = ""


class Ban(Part, frozen=True):
    """A pattern of tags that the model draws badly.

    excepting: what it must not catch, as a name or within one.
    """

    pattern: str
    excepting: tuple[str, ...] = ()


class ExpansionBan(Ban, frozen=True):
    """A pattern of tags that are not added; with `when` only beside a tag that this matches."""

    when: str = ""


class Unsupported(Part, frozen=True):
    """A subject that the model was not made for.

    tags: canonical names that ask for it. together: names of which any two ask for it.
    """

    subject: str
    tags: tuple[str, ...] = ()
    together: tuple[str, ...] = ()


class PromptAdvice(Part, frozen=True):
    """How the checkpoint wants its prompts. `order`: ranks of groups, first to last.

    foreign: words that other families of models were trained with. unstable: tags that come out
    with more than they say. expendable: groups whose tags may go from a prompt that is too long,
    the least important first; tags of other groups stay.
    """

    order: tuple[tuple[str, ...], ...] = ()
    several_homes: dict[str, tuple[str, ...]] = {}
    expendable: tuple[str, ...] = ("general",)
    limit: int | None = None
    negative: str = ""
    overfit: tuple[Overfit, ...] = ()
    discouraged: tuple[Ban, ...] = ()
    foreign: tuple[str, ...] = ()
    unstable: tuple[str, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()
    quality: tuple[str, ...] = ()
    rating: tuple[str, ...] = ()
    year: tuple[str, ...] = ()
    source: str = ""


class Sampling(Part, frozen=True):
    """Sampler, scheduler and step defaults; `prediction` is epsilon or v-prediction.

    zero_snr: trained until nothing but noise was left. cfg_rescale: 0 to 1, see Lin et al.,
    arXiv:2305.08891.
    """

    sampler: str = "euler-a"
    scheduler: str = "automatic"
    steps: Range = Range(default=25)
    cfg: Range = Range(default=7)
    prediction: str = "epsilon"
    zero_snr: bool = False
    cfg_rescale: float = 0.0
    clip_skip: int | None = None
    source: str = ""


class Hires(Part, frozen=True):
    """Hires fix: upscaler card, scale factor, denoising strength."""

    upscaler: str = ""
    scale: Range = Range(default=2)
    denoise: Range = Range(default=0.5)
    steps: int = 0
    source: str = ""


class Detailer(Part, frozen=True):
    """One detailer pass: detector card and denoising strength."""

    detector: str
    denoise: float = 0.4
    source: str = ""


class Speed(Part, frozen=True):
    """How to compute, which decides no picture; None: as tagkit finds best.

    compile: torch.compile, once for each shape. attention: the kernel of torch's attention to use
    wherever it can be used. vae_tiling, offload (networks wait on the CPU until it is their turn):
    always, or (false) not even if memory runs out.
    """

    dtype: Literal["auto", "float32", "float16", "bfloat16"] | None = None
    channels_last: bool | None = None
    compile: bool | None = None
    attention: Literal["flash", "efficient", "cudnn", "math"] | None = None
    vae_tiling: bool | None = None
    offload: bool | None = None


class ExpandAdvice(Part, frozen=True):
    """Which tag model goes with the checkpoint, how, and what it must not say."""

    tag_model: str = ""
    temperature: float = 0.7
    length: str = "short"
    ban: tuple[ExpansionBan, ...] = ()
    source: str = ""


class WeightFile(Part, frozen=True):
    """A file of weights. `role`: checkpoint, vae, upscaler…; `sha256` empty while not known.

    url: where the user may fetch it from.
    """

    name: str
    role: str = "checkpoint"
    sha256: str = ""
    url: str = ""
    source: str = ""


class Weights(Part, frozen=True):
    """Where the weights come from, one of three ways.

    folder: a folder of the project's `models`, or an absolute path.
    hub: a Hugging Face id, fetched only when the user names the card; `revision` is a commit, empty
    while none is known to be good.
    random_seed: none exist; built from the config files of `folder` with this seed.
    """

    folder: str = ""
    hub: str = ""
    revision: str = ""
    random_seed: int | None = None
    source: str = ""


class Licence(Part, frozen=True):
    """Name of the licence and its terms, a sentence each."""

    name: str
    terms: tuple[str, ...] = ()
    source: str = ""


class LengthTarget(Part, frozen=True):
    """The token that asks for a length, and the tags it stands for (people counts included).

    maximum: None where the model was trained with a lower bound only.
    """

    token: str
    minimum: int
    maximum: int | None = None

    @property
    def spare(self) -> int | None:
        """Tags that may come beyond the minimum; None for any number."""
        return None if self.maximum is None else self.maximum - self.minimum


class ProseTask(Part, frozen=True):
    """How sentences are passed: on the line `label`, with `token` behind that of the length."""

    label: str
    token: str


class Prose(Part, frozen=True):
    """The tasks for sentences of the prompt: where they stand alone, and beside tags."""

    alone: ProseTask
    beside_tags: ProseTask


class TagLayout(Part, frozen=True):
    """The text that the tag model was trained on.

    header: fields in order, each a line `field: value`. empty: fills a field without a value; where
    there is no such word, the line is left out.
    prose: a line with the sentences of the prompt; without it they are not passed.
    opening: begins the last line, which holds the tags. end_of_input: stands behind them; where
    there is none, the model goes on with the list itself, behind a separator.
    """

    header: tuple[str, ...]
    opening: str = "general"
    empty: str = ""
    end_of_input: str = ""
    separator: str = ", "
    prose: Prose | None = None


class TagSampling(Part, frozen=True):
    """Defaults of decoding; `max_new_tokens` counts what is kept and what is refused."""

    temperature: float = 0.7
    top_p: float = 0.95
    top_k: int = 100
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    max_new_tokens: int = 512
    source: str = ""
