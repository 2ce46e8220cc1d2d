"""How a checkpoint is trained: what its card states, and what recipes of `tagkit train` say."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from tagkit.cards.parts import Part

Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=1)]
Rate = Annotated[float, Meta(gt=0)]
# Sides of pictures; the VAE makes one of eight.
Pixels = Annotated[int, Meta(ge=8, multiple_of=8)]
Numbers = Literal["fp32", "fp16", "bf16"]


class Buckets(Part, frozen=True):
    """The sizes that pictures are cut to, so that each keeps its shape.

    Each side goes from `min` to `max` in steps of `step`; no size has more pixels than a square of
    `resolution`. upscale: without it pictures that are too small for these have a size of their
    own.
    """

    resolution: Pixels = 1024
    min: Pixels = 512
    max: Pixels = 2048
    step: Pixels = 64
    upscale: bool = True


class Optimizer(Part, frozen=True):
    """`eps` is AdamW's alone."""

    name: Literal["adamw", "adamw-8bit", "lion", "lion-8bit"] = "adamw"
    weight_decay: Annotated[float, Meta(ge=0)] = 0.01
    betas: tuple[Share, Share] = (0.9, 0.999)
    eps: Rate = 1e-8


class Schedule(Part, frozen=True):
    """How the learning rate goes: up in `warmup_steps`, then constant or down to zero."""

    name: Literal["constant", "cosine", "linear"] = "constant"
    warmup_steps: Annotated[int, Meta(ge=0)] = 0


class Loss(Part, frozen=True):
    """What the UNet learns to say, and how steps count.

    min_snr_gamma: Hang et al., arXiv:2303.09556; None weighs all noise levels alike. prediction,
    zero_snr: those of the model that training starts from where they are not said.
    """

    min_snr_gamma: Rate | None = None
    prediction: Literal["epsilon", "v-prediction"] | None = None
    zero_snr: bool | None = None


class Precision(Part, frozen=True):
    """mixed: of the arithmetic. full: of the weights in training, their gradients included."""

    mixed: Numbers = "fp32"
    full: Numbers = "fp32"


class Captions(Part, frozen=True):
    """What becomes of a caption each time that its picture is seen, in sd-scripts' words.

    shuffle: tags in another order. keep_tokens: the first so many tags stay where they are.
    tag_dropout: chance of each other tag to be left out. dropout: chance of the whole caption.
    weighted: brackets and numbers weigh as in A1111's prompts. max_tokens: what is beyond is cut.
    """

    shuffle: bool = False
    keep_tokens: Annotated[int, Meta(ge=0)] = 0
    tag_dropout: Share = 0.0
    dropout: Share = 0.0
    weighted: bool = False
    max_tokens: Literal[75, 150, 225] = 225


class Regularisation(Part, frozen=True):
    """Pictures of the class at large, so that it is not forgotten; as many as there are others.

    class_token: the caption of those without one. folders: where they lie. sets: what they are, in
    words. loss_weight: how much they count.
    """

    class_token: str = ""
    folders: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    loss_weight: Annotated[float, Meta(ge=0)] = 1.0


class LoraSize(Part, frozen=True):
    """Train a LoRA in place of the whole weights.

    targets: the layers that have one: the projections of attention, all of the transformers
    (sd-scripts' LoRA), or the convolutions too (its LoCon). alpha: `rank` where it is not said.
    """

    rank: Count = 16
    alpha: Rate | None = None
    dropout: Share = 0.0
    targets: Literal["attention", "transformers", "all"] = "transformers"


class Training(Part, frozen=True, kw_only=True):
    """How weights come from pictures.

    learning_rate: of the UNet. text_learning_rate: of the text encoders, the same if not said.
    gradient_accumulation: batches to a step. max_grad_norm: longer gradients are shortened; 0 for
    never. ema: decay of the averaged weights, which are then what is saved. gradient_checkpointing:
    less memory for more time.
    """

    buckets: Buckets = Buckets()
    batch_size: Count = 1
    gradient_accumulation: Count = 1
    optimizer: Optimizer = Optimizer()
    learning_rate: Rate = 1e-5
    text_learning_rate: Rate | None = None
    trained: Literal["unet", "unet+text"] = "unet"
    schedule: Schedule = Schedule()
    loss: Loss = Loss()
    precision: Precision = Precision()
    captions: Captions = Captions()
    regularisation: Regularisation = Regularisation()
    lora: LoraSize | None = None
    ema: Share | None = None
    max_grad_norm: Annotated[float, Meta(ge=0)] = 1.0
    gradient_checkpointing: bool = False


class CardTraining(Training, frozen=True, kw_only=True):
    """How the checkpoint of a card was trained; recipes may `extend` it.

    images, images_note: how many pictures it saw, and which.
    """

    images: int | None = None
    images_note: str = ""
    source: str = ""
