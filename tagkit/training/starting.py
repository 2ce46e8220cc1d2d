"""What training starts from: which weights, and what they were trained to predict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from tagkit.cards import image_card, image_cards
from tagkit.data import DEFAULT_CARD, data_folder
from tagkit.errors import UserError
from tagkit.rendering.hashes import FileHashes
from tagkit.rendering.prediction import Prediction, prediction_of
from tagkit.rendering.recognising import require_checkpoint, require_vae
from tagkit.rendering.weights import Weights, find_weights
from tagkit.settings import folders_of
from tagkit.typed_yaml import nearest

if TYPE_CHECKING:
    from tagkit.settings import Settings
    from tagkit.training.recipe import Read, Start

_EPSILON = Prediction("epsilon", zero_snr=False)


class _Scheduler(msgspec.Struct, frozen=True):
    """What counts here of the config of a scheduler of diffusers."""

    prediction_type: Literal["epsilon", "v_prediction"] = "epsilon"
    rescale_betas_zero_snr: bool = False


class Source(msgspec.Struct, frozen=True):
    """Weights to go on from, or the config files of a model to build.

    weights: None for a model of random weights. config, seed, vae: of such a model, as in the
    recipe. trained: what the weights were trained to predict, or will be.
    """

    weights: Weights | None
    config: Path
    trained: Prediction
    seed: int = 0
    vae: Path | None = None


def find_source(read: Read, settings: Settings) -> Source:
    """The start of a recipe. Raises UserError that says what is not there, or is no such model."""
    start = read.recipe.from_
    source = _named(read, start, settings) if isinstance(start, str) else _built(read, start)
    return msgspec.structs.replace(source, trained=_wanted(read, source.trained))


def _wanted(read: Read, trained: Prediction) -> Prediction:
    """What the recipe says of the prediction wins over the weights that it starts from."""
    loss = read.recipe.loss
    zero_snr = trained.zero_snr if loss.zero_snr is None else loss.zero_snr
    return Prediction(loss.prediction or trained.kind, zero_snr)


def _named(read: Read, name: str, settings: Settings) -> Source:
    """A path from the recipe's folder or from here, a name in a folder of checkpoints, or a card.

    What looks like no path is first taken for a card.
    """
    hashes, folders = FileHashes(), folders_of(settings, "checkpoints")
    path = read.found(name)
    cards = image_cards(settings.cards)
    if name in cards and not path.exists():
        card = cards[name]
        weights = find_weights(card, "", folders, hashes)
        trained = Prediction(card.sampling.prediction, card.sampling.zero_snr)
    else:
        try:
            any_card = image_card(DEFAULT_CARD)
            weights = find_weights(any_card, name, (read.path.parent, *folders), hashes)
        except UserError as error:
            if Path(name).suffix or "/" in name:
                raise
            hint = nearest(name, list(cards), "cards")
            raise UserError(error.what, read.place("from"), f"{error.hint}; {hint}") from error
        trained = _of_scheduler(weights.config) or _EPSILON
    if weights.kind == "file":
        header = require_checkpoint(weights.path)
        said = {**header.shapes, "__metadata__": dict(header.metadata)}
        trained = prediction_of(said) or trained
    if weights.kind == "seed":
        return Source(None, weights.config, trained, weights.seed)
    return Source(weights, weights.config, trained)


def _of_scheduler(folder: Path) -> Prediction | None:
    """What a diffusers folder says of its training, None where it says nothing."""
    try:
        written = (folder / "scheduler" / "scheduler_config.json").read_bytes()
        said = msgspec.json.decode(written, type=_Scheduler)
    except (OSError, msgspec.DecodeError):
        return None
    return Prediction(said.prediction_type.replace("_", "-"), said.rescale_betas_zero_snr)


def _built(read: Read, start: Start) -> Source:
    config = _there(read, start.config, "config")
    missing = [
        name
        for name in ("unet", "vae", "text_encoder", "text_encoder_2")
        if not (config / name / "config.json").is_file()
    ]
    if missing:
        what = f"`{config}` is no folder of config files of an SDXL model"
        raise UserError(what, f"there is no {missing[0]}/config.json")
    vae = _there(read, start.vae, "vae") if start.vae else None
    if vae is not None and vae.is_file():
        require_vae(vae)
    return Source(None, config, _EPSILON, start.seed, vae)


def _there(read: Read, name: str, key: str) -> Path:
    """A path from the recipe's folder, or inside tagkit's `models`."""
    places = (read.found(name), data_folder("models") / name)
    found = next((place for place in places if place.exists()), None)
    if found is None:
        searched = "\n".join(map(str, places))
        raise UserError(f"`from.{key}` names `{name}`, which is not there", searched)
    return found
