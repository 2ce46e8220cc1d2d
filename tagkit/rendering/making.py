"""Drafts to jobs: later passes made complete, every file known by its digest."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from tagkit.clip import count_tokens
from tagkit.errors import UserError
from tagkit.linting.files import Named
from tagkit.rendering.blocks import Hires
from tagkit.rendering.finding import Finder
from tagkit.rendering.hashes import FileHashes
from tagkit.rendering.headers import read_header
from tagkit.rendering.job import Job, Tokens, first_pass, identified, needed_files, recipe
from tagkit.rendering.prediction import Prediction, prediction_of
from tagkit.rendering.resolving import (
    Embeddings,
    detailer_passes,
    hires_pass,
    loras_of,
    require_own_loras,
)
from tagkit.rendering.sampler_names import AUTOMATIC, SAMPLER_TRAITS
from tagkit.rendering.weights import find_weights, weights_digest
from tagkit.settings import folders_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tagkit.rendering.drafting import Draft, Drafter
    from tagkit.rendering.fields import Settled
    from tagkit.rendering.job import Embedding, Kind
    from tagkit.rendering.weights import Weights
    from tagkit.rendering.wording import Wording
    from tagkit.settings import Settings

# SDXL was trained with the last layer but one, which A1111 and ComfyUI count as 2.
_SDXL_LAYER = 2
# The field that names a kind of file; embeddings are named by prompts.
_SAID_BY: Mapping[Kind, str] = {
    "loras": "loras",
    "embeddings": "loras",
    "detectors": "detailer",
    "vaes": "vae",
    "upscalers": "hires",
}
_OWN_VAE = ("", "auto", "automatic", "none")


class Maker:
    """Makes the jobs of one plan. checkpoint: what is rendered with instead of a card's weights."""

    def __init__(self, settings: Settings, drafter: Drafter, checkpoint: str) -> None:
        self._settings = settings
        self._drafter = drafter
        self._checkpoint = checkpoint
        self._hashes = FileHashes()
        self._finder = Finder(settings, self._hashes)
        self._embeddings = Embeddings(self._finder)
        self._checkpoints = Named(settings.checkpoints, (".safetensors",))
        self._problem = cache(self._finder.problem)
        self._weights = cache(self._digest)
        self._without_weights = cache(self._why_none)
        self._trained = cache(self._prediction)
        self._warn = cache(self._compare)
        self._places: dict[str, str] = {}
        self._recorded = cache(self._named_in_record)

    def job(self, draft: Draft, prompt: str) -> Job:
        """The job of a draft whose prompt came back as `prompt`; without index and file name.

        Raises UserError where a pass is asked for that neither fields nor card describe.
        """
        words = self._words(draft, prompt)
        job = self._with_passes(self._first_pass(draft, words), draft)
        job = self._with_networks(job, draft, words.missing)
        self._warn(draft.request.hashes)
        return identified(_based(job, draft.request.base))

    def _first_pass(self, draft: Draft, words: Wording) -> Job:
        request, fields, card = draft.request, draft.fields, draft.card
        checkpoint = self._checkpoint or request.checkpoint or self._recorded(request.made_with)
        trained = self._trained(card.name, checkpoint)
        width, height = fields.sides
        vae = "" if fields.vae.lower() in _OWN_VAE else fields.vae
        return Job(
            id=None,
            index=0,
            file="",
            prompt=words.positive,
            negative=words.negative,
            seed=draft.seed,
            width=width,
            height=height,
            steps=fields.steps,
            cfg=fields.cfg,
            sampler=fields.sampler,
            model=card.name,
            tokens=words.tokens,
            diagnostics=words.codes,
            rng=fields.rng,
            prediction=trained.kind,
            scheduler=_schedule(fields),
            zero_snr=trained.zero_snr,
            cfg_rescale=fields.cfg_rescale,
            emphasis=fields.emphasis,
            clip_skip=None if fields.clip_skip == _SDXL_LAYER else fields.clip_skip,
            vae=vae,
            vae_digest=self._finder.digest("vaes", vae) if vae else "",
            format=fields.format,
            weights=self._weights(card.name, checkpoint),
            checkpoint=checkpoint,
            original=request.prompt,
            refused=words.refused,
        )

    def _words(self, draft: Draft, prompt: str) -> Wording:
        """The final words; safety is judged over those of all passes."""
        fields, editor = draft.fields, self._drafter.editor(draft.card.name)
        words = draft.words
        if prompt != words.positive:
            words = editor.worded(prompt, draft.negative, fields.fix)
        if later := _later_prompts(fields):
            refused = editor.refusal((words.positive, *later))
            words = msgspec.structs.replace(words, refused=refused)
        return words

    def _with_passes(self, job: Job, draft: Draft) -> Job:
        fields, card = draft.fields, draft.card
        try:
            hires = hires_pass(fields.hires, card, fields.sides, self._finder)
            detailer = detailer_passes(fields.detailer, card, self._finder)
        except UserError as error:
            place = self._drafter.place(draft.request, error.where)
            raise UserError(error.what, place, error.hint) from error
        return msgspec.structs.replace(job, hires=hires, detailer=detailer)

    def _with_networks(self, job: Job, draft: Draft, lacking: str) -> Job:
        """The job with LoRAs and embeddings, or why it cannot be rendered.

        lacking: what the rules say of files that its prompts name.
        """
        passes = [each for each in (job.hires, *job.detailer) if each]
        texts = [job.prompt, job.negative]
        texts += [text for each in passes for text in (each.prompt, each.negative)]
        try:
            loras = loras_of(draft.fields.loras, job.prompt, self._finder)
            require_own_loras(job)
            embeddings = self._embeddings.named_in(texts)
        except UserError as error:
            reason = self._placed(error.what, draft, "loras")
            return msgspec.structs.replace(job, unresolved=reason)
        tokens = _counted(job, embeddings) if embeddings else job.tokens
        job = msgspec.structs.replace(job, loras=loras, embeddings=embeddings, tokens=tokens)
        return msgspec.structs.replace(
            job, unresolved=self._missing(job, draft) or self._placed(lacking, draft, "loras")
        )

    def _missing(self, job: Job, draft: Draft) -> str:
        """The first file that the job needs and that is not to be had, "" if there is none."""
        for kind, name, digest in needed_files(job):
            if digest is None:
                return self._placed(self._problem(kind, name), draft, _SAID_BY[kind])
        if job.weights is None:
            return self._placed(self._without_weights(job.model, job.checkpoint), draft, "model")
        return ""

    def _placed(self, reason: str, draft: Draft, field: str) -> str:
        """The reason with the first place that it holds for: a file is read for each."""
        if reason and reason not in self._places:
            self._places[reason] = self._drafter.place(draft.request, field)
        return f"{reason} ({self._places[reason]})" if reason else ""

    def _digest(self, name: str, checkpoint: str) -> str | None:
        folders = folders_of(self._settings, "checkpoints")
        return weights_digest(self._drafter.card(name), checkpoint, folders, self._hashes)

    def _why_none(self, name: str, checkpoint: str) -> str:
        """Why the weights of a model are not to be had."""
        try:
            self._find_weights(name, checkpoint)
        except UserError as error:
            return error.what
        return ""

    def _find_weights(self, name: str, checkpoint: str) -> Weights:
        card = self._drafter.card(name)
        return find_weights(card, checkpoint, self._settings.checkpoints, self._hashes)

    def _prediction(self, name: str, checkpoint: str) -> Prediction:
        """What the model was trained for: as its file says, else as its card does."""
        sampling = self._drafter.card(name).sampling
        stated = Prediction(sampling.prediction, sampling.zero_snr)
        try:
            weights = self._find_weights(name, checkpoint)
            header = read_header(weights.path) if weights.kind == "file" else None
        except UserError:
            return stated
        said = {**header.shapes, "__metadata__": header.metadata} if header else {}
        return prediction_of(said) or stated

    def _named_in_record(self, made_with: tuple[str, str]) -> str:
        """The checkpoint that a record names and no card does, "" where it is not to be had."""
        name, digest = made_with
        if not name or self._drafter.chooses_model:
            return ""
        path = self._checkpoints.find(name)
        if path is None:
            self._say(f"a record names the model `{name}`, which has no card and no file here")
            return ""
        own = self._hashes.of(path)
        if not own.startswith(digest.lower()):
            self._say(f"`{name}` is another file than the record's: {own[:10]}, not {digest}")
        return name

    def _say(self, warning: str) -> None:
        self._drafter.warnings[warning] = None

    def _compare(self, recorded: tuple[tuple[str, str], ...]) -> None:
        """Warns of LoRAs that are not the files which the record names."""
        for name, digest in recorded:
            own = self._finder.lora_hash(name)
            if own and not digest.lower().startswith(own.lower()[: len(digest)]):
                self._say(f"LoRA `{name}` is another file than the record's: {own}, not {digest}")


def _counted(job: Job, embeddings: Sequence[Embedding]) -> Tokens:
    """Tokens of the prompts with every embedding counted as its vectors."""
    vectors = tuple((each.name, each.vectors) for each in embeddings)
    positive = count_tokens(job.prompt, embeddings=vectors)
    negative = count_tokens(job.negative, negative=True, embeddings=vectors)
    return Tokens(positive.real, negative.real)


def _later_prompts(fields: Settled) -> list[str]:
    hires = fields.hires.prompt if isinstance(fields.hires, Hires) else None
    details = () if isinstance(fields.detailer, str) else fields.detailer
    return [text for text in (hires, *(each.prompt for each in details)) if text]


def _schedule(fields: Settled) -> str:
    """`automatic` wherever it is the same: equal pictures have equal ids."""
    usual = SAMPLER_TRAITS[fields.sampler].schedule
    return AUTOMATIC if fields.scheduler == usual else fields.scheduler


def _based(job: Job, base: Job | None) -> Job:
    """The job that goes on from the stored picture of `base`, if its first pass is the same."""
    if base is None or recipe(first_pass(job)) != recipe(first_pass(base)):
        return job
    again = msgspec.structs.replace(job, base=base.base)
    same = recipe(again) == recipe(base)
    return again if same else msgspec.structs.replace(job, base=base.base or base.id or "")
