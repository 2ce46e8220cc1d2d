"""What samplers and schedules are called, here and in A1111. Needs no torch.

Facts are A1111's, version 1.9 and later.
"""

from __future__ import annotations

from typing import NamedTuple

AUTOMATIC = "automatic"


class Traits(NamedTuple):
    """What must be known of a sampler to use it.

    label: its name in A1111. schedule: the one that A1111 takes where none is said.
    order: evaluations of the UNet in one step. brownian: its noise is a Brownian motion over the
    noise levels, not drawn anew at each step. timed: A1111 gives it training steps of its own,
    and noise of variance 1 to begin with.
    """

    label: str
    schedule: str = AUTOMATIC
    order: int = 1
    brownian: bool = False
    timed: bool = False


SAMPLER_TRAITS = {
    "euler-a": Traits("Euler a"),
    "euler": Traits("Euler"),
    "dpm++-2m": Traits("DPM++ 2M", "karras"),
    "dpm++-2m-sde": Traits("DPM++ 2M SDE", "exponential", brownian=True),
    "dpm++-sde": Traits("DPM++ SDE", "karras", order=2, brownian=True),
    "dpm++-2s-a": Traits("DPM++ 2S a", "karras", order=2),
    "unipc": Traits("UniPC", "unipc", timed=True),
    "ddim": Traits("DDIM", "ddim", timed=True),
}
_SCHEDULES = {
    AUTOMATIC: "Automatic",
    "uniform": "Uniform",
    "normal": "Normal",
    "karras": "Karras",
    "exponential": "Exponential",
    "sgm-uniform": "SGM Uniform",
    "simple": "Simple",
}
SAMPLER_NAMES = tuple(SAMPLER_TRAITS)
SCHEDULER_NAMES = tuple(_SCHEDULES)


def schedule_of(sampler: str, scheduler: str) -> str:
    """The schedule to compute: `scheduler`, or what `automatic` means for the sampler."""
    return SAMPLER_TRAITS[sampler].schedule if scheduler == AUTOMATIC else scheduler


def scheduled_steps(sampler: str, steps: int) -> int:
    """The steps that `[from:to:when]` and `[a|b]` count: A1111 counts evaluations."""
    return steps * SAMPLER_TRAITS[sampler].order


def sampler_label(sampler: str) -> str:
    """A1111's name of the sampler."""
    return SAMPLER_TRAITS[sampler].label


def scheduler_label(sampler: str, scheduler: str) -> str:
    """A1111's `Schedule type`; it writes the schedule that "Automatic" chose."""
    return _SCHEDULES.get(schedule_of(sampler, scheduler), _SCHEDULES[AUTOMATIC])


def sampler_named(label: str) -> str | None:
    """The sampler that A1111 calls `label`, None for one that tagkit has not."""
    return next((name for name, each in SAMPLER_TRAITS.items() if each.label == label), None)


def scheduler_named(sampler: str, label: str) -> str | None:
    """The schedule of a record by A1111's `Schedule type`, None for one that tagkit has not.

    label: "" where the record says nothing: until version 1.8 that was the uniform schedule for
    every sampler, with `Karras` or `Exponential` behind the sampler's name otherwise. Samplers
    with training steps of their own take no notice of it.
    """
    if SAMPLER_TRAITS[sampler].timed:
        return AUTOMATIC
    if not label:
        return AUTOMATIC if SAMPLER_TRAITS[sampler].schedule == AUTOMATIC else "uniform"
    return next((name for name, each in _SCHEDULES.items() if each.lower() == label.lower()), None)
