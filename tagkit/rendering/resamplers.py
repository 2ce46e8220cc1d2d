"""Upscalers that need no file, by the names that a job file and A1111 have for them."""

from __future__ import annotations

from typing import NamedTuple


class Resampler(NamedTuple):
    """How to resample. latent: the latent and not the picture. mode: as torch or Pillow names it.

    infotext: A1111's name.
    """

    infotext: str
    mode: str
    latent: bool = True
    antialias: bool = False


RESAMPLERS = {
    "lanczos": Resampler("Lanczos", "LANCZOS", latent=False),
    "nearest": Resampler("Nearest", "NEAREST", latent=False),
    "none": Resampler("None", "LANCZOS", latent=False),
    "latent": Resampler("Latent", "bilinear"),
    "latent-antialiased": Resampler("Latent (antialiased)", "bilinear", antialias=True),
    "latent-bicubic": Resampler("Latent (bicubic)", "bicubic"),
    "latent-bicubic-antialiased": Resampler(
        "Latent (bicubic antialiased)", "bicubic", antialias=True
    ),
    "latent-nearest": Resampler("Latent (nearest)", "nearest"),
    "latent-nearest-exact": Resampler("Latent (nearest-exact)", "nearest-exact"),
}


def resampler_named(infotext: str) -> str | None:
    """Our name of what A1111 calls so, if it is one."""
    wanted = infotext.strip().lower()
    names = {each.infotext.lower(): name for name, each in RESAMPLERS.items()}
    return names.get(wanted)
