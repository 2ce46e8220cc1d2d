"""ComfyUI: the graph that made the picture, walked from the picture to the words.

The graph is JSON in the PNG text `prompt`, or in WebP's EXIF. From the node that saves the picture
the way leads back to its samplers; the first pass gives the settings, as in A1111, and later
passes are told as its hires pass or refiner. Prompts stay in ComfyUI's own syntax.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tagkit.infotext.graphs import Graph, Node, ends, graph_of, link, links, resolved, upstream
from tagkit.infotext.samplers import sampler_settings
from tagkit.infotext.values import (
    BrokenDataError,
    infotext,
    json_object,
    lora_weights,
    mapping,
    size,
    weights_name,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tagkit.infotext.a1111 import Infotext

SOURCE = "comfyui"
_PICTURES = ("latent_image", "latent", "samples", "image", "images", "pixels")
# SamplerCustom takes its settings from nodes behind these inputs.
_HELPERS = ("guider", "noise", "sampler", "sigmas")
_TEXTS = re.compile(
    r"(?:text|string|prompt|value|clip_l|t5xxl|populated_text|result)(?:_?[a-z0-9])?", re.IGNORECASE
)
_NO_WORDS = ("clip", "model", "vae", "image", "mask", "control_net", "style_model", "latent")
# A graph with more ends or passes is no one's work, and each costs a walk through it.
_MOST_WALKS = 20
_MODELS = ("ckpt_name", "unet_name", "model_name")


def read(texts: Mapping[str, str]) -> Infotext | None:
    """The infotext of ComfyUI's graph, None if there is no graph.

    Raises BrokenDataError for a graph without a sampler that it knows.
    """
    graph = _graph(texts)
    if not graph:
        return None
    passes = _passes(graph)
    if not passes:
        raise BrokenDataError("its ComfyUI graph holds no sampler that tagkit knows")
    base = _inputs(graph, passes[-1])
    positive = base.get("positive", base.get("conditioning"))
    words = [_words(graph, positive, "positive"), _words(graph, base.get("negative"), "negative")]
    negative = words[1] if "negative" in base else None
    return infotext(SOURCE, words[0], negative, _settings(graph, passes, base))


def _graph(texts: Mapping[str, str]) -> Graph:
    document = json_object(texts.get("prompt"))
    if document is None:
        document = mapping((json_object(texts.get("parameters")) or {}).get("prompt"))
    return graph_of(document or {})


def _passes(graph: Graph) -> list[str]:
    """Ids of the samplers that the picture went through, from the last back to the first."""
    saving = sorted(ends(graph), key=lambda name: "Save" not in graph[name].kind)[:_MOST_WALKS]
    found = (_nearest(graph, upstream(graph, [name])) for name in saving)
    sampler = next(filter(None, found), None) or _nearest(graph, graph)
    passes: list[str] = []
    while sampler and sampler not in passes and len(passes) < _MOST_WALKS:
        passes.append(sampler)
        inputs = graph[sampler].inputs
        sources = links(graph, (inputs.get(key) for key in _PICTURES))
        sampler = _nearest(graph, upstream(graph, sources))
    return passes


def _nearest(graph: Graph, names: Iterable[str]) -> str | None:
    return next((name for name in names if _is_sampler(graph[name])), None)


def _is_sampler(node: Node) -> bool:
    keys = node.inputs.keys()
    custom = {"sampler", "sigmas"} <= keys
    return (custom or {"sampler_name", "steps"} <= keys) and not keys.isdisjoint(_PICTURES)


def _inputs(graph: Graph, sampler: str) -> dict[str, object]:
    """The inputs of a sampler, with those of its helpers below."""
    own = graph[sampler].inputs
    merged: dict[str, object] = {}
    for helper in links(graph, (own.get(key) for key in _HELPERS)):
        merged |= graph[helper].inputs
    return merged | own


def _settings(graph: Graph, passes: list[str], base: dict[str, object]) -> dict[str, object]:
    def value(key: str) -> object:
        return resolved(graph, base.get(key), key)

    before = {graph[name].kind: graph[name].inputs for name in upstream(graph, [passes[-1]])}
    clip = before.get("CLIPSetLastLayer", {}).get("stop_at_clip_layer")
    denoise = value("denoise")
    return {
        "Steps": value("steps"),
        **sampler_settings(written(value("sampler_name")) or "", written(value("scheduler")) or ""),
        "CFG scale": value("cfg"),
        "Seed": value("seed") if "seed" in base else value("noise_seed"),
        "Size": _size(graph, base),
        "Model": _model(graph, base.get("model")),
        "Denoising strength": denoise if denoise != 1 else None,
        "Clip skip": (written(clip) or "").removeprefix("-"),
        "RNG": "CPU",
        **_later_passes(graph, passes),
        "Lora weights": lora_weights(_loras(graph, base.get("model"))),
        "Version": "ComfyUI",
    }


def _size(graph: Graph, base: Mapping[str, object]) -> str | None:
    """Sides of the empty latent that the first pass begins with."""
    for name in upstream(graph, links(graph, (base.get(key) for key in _PICTURES))):
        inputs = graph[name].inputs
        if {"width", "height"} <= inputs.keys():
            width, height = (resolved(graph, inputs[key], key) for key in ("width", "height"))
            return size(width, height)
    return None


def _model(graph: Graph, value: object) -> str | None:
    for name in upstream(graph, links(graph, [value])):
        inputs = graph[name].inputs
        for key in _MODELS:
            if key in inputs:
                return weights_name(resolved(graph, inputs[key], key))
    return None


def _loras(graph: Graph, value: object) -> Iterator[tuple[object, object]]:
    for name in upstream(graph, links(graph, [value])):
        inputs = graph[name].inputs
        strength = resolved(graph, inputs.get("strength_model"), "strength_model")
        if "lora_name" in inputs and strength != 0:
            yield resolved(graph, inputs["lora_name"], "lora_name"), strength


def _later_passes(graph: Graph, passes: list[str]) -> dict[str, object]:
    """The second pass in A1111's words: a hires pass, a detailer, or else a refiner."""
    if len(passes) == 1:
        return {}
    inputs = _inputs(graph, passes[-2])
    denoise = resolved(graph, inputs.get("denoise"), "denoise")
    if "Detailer" in graph[passes[-2]].kind:
        return {"ADetailer denoising strength": denoise}
    if denoise in (None, 1):
        return {"Refiner": _model(graph, inputs.get("model"))}
    between: dict[str, object] = {}
    for name in upstream(graph, links(graph, (inputs.get(key) for key in _PICTURES))):
        if name == passes[-1]:
            break
        between = graph[name].inputs | between
    return {
        "Denoising strength": denoise,
        "Hires upscale": resolved(graph, between.get("scale_by"), "scale_by"),
        "Hires resize": size(between.get("width"), between.get("height")),
        "Hires steps": resolved(graph, inputs.get("steps"), "steps"),
        "Hires upscaler": weights_name(between.get("upscale_method")),
    }


def _words(graph: Graph, start: object, role: str) -> str:
    """All texts behind an input, in the order of the inputs, joined by commas."""
    found: dict[str, None] = {}
    waiting, seen = [start], set[str]()
    while waiting:
        value = waiting.pop()
        name = link(graph, value)
        if isinstance(value, str):
            found[value.strip()] = None
        elif name and name not in seen:
            seen.add(name)
            waiting += reversed(_sources(graph[name], role))
    return ", ".join(text.rstrip(",") for text in found if text)


def _sources(node: Node, role: str) -> list[object]:
    """Where the words of a node come from: its own texts, or what it passes on."""
    if node.kind == "ConditioningZeroOut":
        return []
    if role in node.inputs:
        return [node.inputs[role]]
    texts = [value for key, value in node.inputs.items() if _TEXTS.fullmatch(key)]
    return texts or [
        value
        for key, value in node.inputs.items()
        if isinstance(value, list) and not key.startswith(_NO_WORDS)
    ]
