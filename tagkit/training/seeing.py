"""What the networks are shown: latents and texts of batches, worked out once where they can be."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from tagkit.errors import UserError
from tagkit.rendering.conditioning import Encoded
from tagkit.rendering.memory import memory_errors
from tagkit.rendering.residence import Residence
from tagkit.rendering.vae import Vae
from tagkit.training.ahead import ahead
from tagkit.training.captions import drawn_caption, is_fixed
from tagkit.training.dataset import load_image
from tagkit.training.shards import Shards, digest_of, network_digest
from tagkit.training.texts import Tokens, encoded, tokens_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from torch import Tensor

    from tagkit.rendering.components import Components
    from tagkit.training.batches import Batch
    from tagkit.training.plan import Plan
    from tagkit.training.recipe import Recipe

    Told = Callable[[int, int], None]

_STORED = torch.float16


class Latents:
    """The latents of all pictures, each encoded once and kept in files."""

    def __init__(self, plan: Plan, vae: Any, folder: Path) -> None:
        self._plan = plan
        deciding = (network_digest(vae), vae.config.scaling_factor)
        key = digest_of([*deciding, *map(self._deciding, range(len(plan.pictures)))])
        self._shards = Shards(folder / f"latents-{key}", len(plan.pictures))

    def _deciding(self, index: int) -> object:
        picture = self._plan.pictures[index]
        status = picture.path.stat()
        return picture.path.name, status.st_size, status.st_mtime_ns, self._plan.fit(index)

    def fill(self, vae: Any, device: torch.device, told: Told) -> None:
        """Encodes what is not in files. Raises UserError for a picture that is damaged."""
        # SDXL's VAE overflows in fp16. A copy, since what is saved must lose no digit.
        brief = self._plan.recipe.precision.mixed == "bf16"
        dtype = torch.bfloat16 if brief else torch.float32
        reader = Vae(deepcopy(vae), Residence(device, in_turn=False), dtype, tiling=None)

        def make(indices: range) -> Iterator[dict[str, Tensor]]:
            for index, pixels in zip(indices, ahead(self._pixels, indices), strict=True):
                with torch.inference_mode(), memory_errors():
                    latent = reader.encoded(pixels)
                if not latent.isfinite().all():
                    path = self._plan.pictures[index].path
                    raise UserError(f"the VAE makes no numbers of `{path}`")
                yield {"latent": latent.to("cpu", _STORED)}

        self._shards.fill(make, told)

    def _pixels(self, index: int) -> Any:
        """The picture as its bucket sees it, (height, width, 3)."""
        from PIL.Image import Resampling

        fit, size = self._plan.fit(index), self._plan.sizes[index]
        image = load_image(self._plan.pictures[index])
        scaled = image.resize((fit.width, fit.height), Resampling.LANCZOS)
        box = (fit.left, fit.top, fit.left + size.width, fit.top + size.height)
        return np.asarray(scaled.crop(box))

    def of(self, batch: Batch) -> Tensor:
        """(n, 4, height / 8, width / 8), float32, on the CPU."""
        return torch.stack([self._shards[index]["latent"] for index in batch]).float()


def reads_each_step(recipe: Recipe) -> bool:
    """Whether captions change, or what reads them, so that they are read anew each time."""
    return recipe.trained != "unet" or not is_fixed(recipe.captions)


class Texts:
    """What the UNet reads of the captions of a batch.

    Where the encoders rest and captions are read as they are, every caption is encoded once and
    kept in files; else tokens are given, for the encoders to read at each step.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._recipe = plan.recipe
        self._folder = folder
        self._stored: Shards | None = None
        distinct = dict.fromkeys(self._drawn(index) for index in range(len(plan.pictures)))
        self._numbers = {caption: number for number, caption in enumerate(("", *distinct))}

    def fill(self, components: Components, device: torch.device, told: Told) -> None:
        """Encodes what is not in files."""
        first = components.text_encoder.to(device)
        second = components.text_encoder_2.to(device)
        said = self._recipe.captions
        captions = list(self._numbers)
        networks = (network_digest(first), network_digest(second))
        key = digest_of([*networks, said.weighted, said.max_tokens, *captions])
        self._stored = Shards(self._folder / f"texts-{key}", len(captions))

        def make(numbers: range) -> Iterator[dict[str, Tensor]]:
            for number in numbers:
                # An empty caption is stored as what fills others up, not as the zero it means.
                tokens = self._tokens([captions[number]]).to(device)
                tokens = tokens._replace(left_out=torch.zeros_like(tokens.left_out))
                with torch.inference_mode():
                    read = encoded(first, second, tokens)
                yield {"context": read.context[0].cpu(), "pooled": read.pooled[0].cpu()}

        self._stored.fill(make, told)
        first.to("cpu")
        second.to("cpu")

    def of(self, batch: Batch, random: Random) -> Tokens | Encoded:
        """What is read of a batch, on the CPU. random: draws which tags, and their order."""
        captions = [self._drawn(index, random) for index in batch]
        if self._stored is None:
            return self._tokens(captions)
        return self._from_files(captions, self._stored)

    def _drawn(self, index: int, random: Random | None = None) -> str:
        """A reading of a caption; without `random`, the only one."""
        said, caption = self._recipe.captions, self._plan.pictures[index].caption
        if random is None:
            said = type(said)(keep_tokens=said.keep_tokens)
        return drawn_caption(caption, said, random or Random(0))

    def _tokens(self, captions: Sequence[str]) -> Tokens:
        said = self._recipe.captions
        return tokens_of(captions, weighted=said.weighted, most=said.max_tokens)

    def _from_files(self, captions: Sequence[str], stored: Shards) -> Encoded:
        read = [stored[self._numbers[caption]] for caption in captions]
        filling = stored[0]["context"]
        longest = max(len(each["context"]) for each in read)
        rows, pooled = [], []
        for caption, each in zip(captions, read, strict=True):
            missing = (longest - len(each["context"])) // len(filling)
            keep = float(bool(caption))
            rows.append(torch.cat([each["context"], *[filling] * missing]) * keep)
            pooled.append(each["pooled"] * keep)
        return Encoded(torch.stack(rows), torch.stack(pooled))


class Shown(NamedTuple):
    """One batch, on the CPU: latents (n, 4, h, w), SDXL's six numbers of each picture (n, 6), its
    texts, and how much each picture counts (n, 1, 1, 1).
    """

    latents: Tensor
    sizes: Tensor
    texts: Tokens | Encoded
    weights: Tensor


def shown(plan: Plan, batch: Batch, latents: Latents, texts: Texts, random: Random) -> Shown:
    """All that is seen of a batch."""
    weight = plan.recipe.regularisation.loss_weight
    counts = [weight if plan.pictures[index].regular else 1.0 for index in batch]
    return Shown(
        latents.of(batch),
        torch.tensor([_six_numbers(plan, index) for index in batch], dtype=torch.float32),
        texts.of(batch, random),
        torch.tensor(counts)[:, None, None, None],
    )


def _six_numbers(plan: Plan, index: int) -> tuple[int, ...]:
    """SDXL's size ids: original size, corner of the cut, size that is seen; each height first."""
    picture, size, fit = plan.pictures[index], plan.sizes[index], plan.fit(index)
    return picture.height, picture.width, fit.top, fit.left, size.height, size.width
