"""Every form of generation data, each with its reader, in the order in which they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.infotext import comfyui, fooocus, invokeai, novelai, swarmui
from tagkit.infotext.a1111 import Infotext, parse_settings, read_infotext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reader = Callable[[Mapping[str, str]], Infotext | None]


def read_texts(texts: Mapping[str, str]) -> Infotext | None:
    """The infotext of an image's texts, None if no program's form fits.

    texts: by the PNG keyword; an EXIF user comment counts as `parameters`. Raises BrokenDataError
    for data of a known form that cannot be read.
    """
    return next((info for read in READERS if (info := read(texts))), None)


def _a1111(texts: Mapping[str, str]) -> Infotext | None:
    """A1111's text; what its Extras tab did later stands in a text of its own."""
    info = read_infotext(texts.get("parameters", ""))
    later = parse_settings(texts.get("postprocessing", ""))
    if not info.settings and not later:
        return None
    return Infotext(info.prompt, info.negative, info.settings | later)


# Programs that write JSON where A1111 writes its text come before it. A text that a ComfyUI node
# wrote for A1111 says more plainly than the graph what made the picture, so it comes before that.
READERS: tuple[Reader, ...] = (
    swarmui.read,
    fooocus.read,
    novelai.read,
    invokeai.read,
    _a1111,
    comfyui.read,
)
