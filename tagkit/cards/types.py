"""What a model card may say, for each kind of model."""

from __future__ import annotations

from typing import Literal

import msgspec

from tagkit.cards.parts import (
    Detailer,
    ExpandAdvice,
    Hires,
    LengthTarget,
    Licence,
    Part,
    PromptAdvice,
    Range,
    Sampling,
    Sides,
    Speed,
    TagLayout,
    TagSampling,
    WeightFile,
    Weights,
)
from tagkit.cards.training import CardTraining


class Card(Part, frozen=True, kw_only=True):
    """What the cards of every kind say.

    card: the kind, which is the name of its folder. extends: the card that this one is laid over.
    aliases: further names that users and records have for it. weights: names a folder of the
    project's `models` if the files are part of tagkit.
    """

    card: str
    name: str
    title: str = ""
    extends: str = ""
    summary: str = ""
    aliases: tuple[str, ...] = ()
    licence: Licence | None = None
    files: tuple[WeightFile, ...] = ()
    weights: Weights = Weights()
    known_issues: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


class ImageCard(Card, frozen=True):
    """Everything a checkpoint wants."""

    family: str = ""
    base: str = ""
    improved: tuple[str, ...] = ()
    not_to_expect: tuple[str, ...] = ()
    prompt: PromptAdvice = PromptAdvice()
    sampling: Sampling = Sampling()
    size: Sides = Sides()
    hires: Hires = Hires()
    detailer: tuple[Detailer, ...] = ()
    speed: Speed = Speed()
    expand: ExpandAdvice = ExpandAdvice()
    severities: dict[str, Literal["error", "warning", "info", "off"]] = msgspec.field(
        default_factory=dict
    )
    training: CardTraining = CardTraining()


class TagCard(Card, frozen=True):
    """Everything a tag model wants.

    special_tokens: those that the layout and the lengths may use, with their ids; empty where a
    copy of the model may have others. context: tokens that it was trained to read at once; None
    leaves it to its config. stands_in: a model without a card is taken to speak this one's layout;
    cards that extend it inherit that, and are passed over.
    """

    stands_in: bool = False
    layout: TagLayout = TagLayout(header=())
    lengths: dict[str, LengthTarget] = msgspec.field(default_factory=dict)
    special_tokens: dict[str, int] = msgspec.field(default_factory=dict)
    context: int | None = None
    sampling: TagSampling = TagSampling()

    @property
    def tokens(self) -> tuple[str, ...]:
        """The special tokens that a text for the model may hold."""
        layout = self.layout
        tasks = (layout.prose.alone, layout.prose.beside_tags) if layout.prose else ()
        named = [layout.end_of_input, layout.empty, *(task.token for task in tasks)]
        return tuple(filter(None, [*named, *(length.token for length in self.lengths.values())]))


class UpscalerCard(Card, frozen=True):
    """A network that enlarges pictures `scale` times: one file, of a kind that spandrel knows."""

    scale: int = 2


class DetectorCard(Card, frozen=True):
    """A network that finds faces, hands and the like: one ONNX file with an output form of YOLO.

    finds: what, in a word or two. confidence: the score at which its authors measured it best; a
    job that says none takes ADetailer's 0.3.
    """

    finds: tuple[str, ...] = ()
    confidence: Range = Range(default=0.3)
