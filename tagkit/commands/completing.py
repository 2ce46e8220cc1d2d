"""Joins rendering and expansion, which do not know one another: prompts completed for jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.expansion import Expander, Options, Wish, find_tag_model, load_tag_model
from tagkit.lexicon import lexicon_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tagkit.expansion import TagModel
    from tagkit.rendering.blocks import Expand
    from tagkit.rendering.planning import Complete, Completion


def completer(device: str, cards: Sequence[Path] = ()) -> Complete:
    """What completes the prompts of a plan. Each tag model is loaded once, on `device`.

    cards: folders with cards of the user's own.
    """
    models: dict[str, TagModel] = {}

    def complete(requests: Sequence[Completion]) -> list[str]:
        groups: dict[tuple[str, Expand], list[int]] = {}
        for index, request in enumerate(requests):
            groups.setdefault((request.card.name, request.how), []).append(index)
        prompts = [request.prompt for request in requests]
        for indices in groups.values():
            answers = _completed([requests[index] for index in indices], models, device, cards)
            for index, answer in zip(indices, answers, strict=True):
                prompts[index] = answer
        return prompts

    return complete


def _completed(
    requests: Sequence[Completion],
    models: dict[str, TagModel],
    device: str,
    cards: Sequence[Path],
) -> list[str]:
    """Requests that share card and options. An unsafe prompt comes back as it is: its job is
    refused by the plan, and the rest goes on."""
    card, how = requests[0].card, requests[0].how
    source = find_tag_model(
        how.tag_model or card.expand.tag_model, cards, named_by_user=how.tag_model is not None
    )
    expander = Expander(card, source.card, _options(how), lexicon=lexicon_for(requests[0].lexicon))
    prompts = [request.prompt for request in requests]
    safe = [index for index, prompt in enumerate(prompts) if not expander.is_unsafe(prompt)]
    if safe and source.name not in models:
        models[source.name] = load_tag_model(source, device)
    wishes = [_wish(requests[index]) for index in safe]
    expansions = expander.expand(models[source.name], wishes) if safe else []
    for index, expansion in zip(safe, expansions, strict=True):
        prompts[index] = expansion.prompt
    return prompts


def _wish(request: Completion) -> Wish:
    return Wish(request.prompt, request.seed, request.width / request.height)


def _options(how: Expand) -> Options:
    return Options(
        temperature=how.temperature,
        length=how.length,
        ban=how.ban or (),
        top_p=how.top_p,
        top_k=how.top_k,
        min_p=how.min_p,
        max_tokens=how.max_tokens,
    )
