"""Names of samplers: A1111's, in both of its spellings, and those of other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# ComfyUI's and k-diffusion's names; InvokeAI and NovelAI use the same ones with an affix.
_SAMPLERS = {
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a",
    "dpm_adaptive": "DPM adaptive",
    "dpm_fast": "DPM fast",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "dpmpp_sde": "DPM++ SDE",
    "euler": "Euler",
    "euler_a": "Euler a",
    "euler_ancestral": "Euler a",
    "heun": "Heun",
    "lcm": "LCM",
    "lms": "LMS",
    "plms": "PLMS",
    "restart": "Restart",
    "uni_pc": "UniPC",
    "uni_pc_bh2": "UniPC",
    "unipc": "UniPC",
}
_SCHEDULES = {
    "align_your_steps": "Align Your Steps",
    "beta": "Beta",
    "ddim_uniform": "DDIM",
    "exponential": "Exponential",
    "karras": "Karras",
    "kl_optimal": "KL Optimal",
    "native": "",
    "normal": "Normal",
    "polyexponential": "Polyexponential",
    "sgm_uniform": "SGM Uniform",
    "simple": "Simple",
    "uniform": "Uniform",
}
# Until version 1.8 A1111 wrote the schedule behind the sampler, and only these.
_SUFFIXES = ("Karras", "Exponential", "Polyexponential")


def sampler_settings(sampler: str, schedule: str = "") -> dict[str, object]:
    """A1111's `Sampler` and `Schedule type`; names that it does not know stay as they are."""
    name = sampler.removeprefix("k_").removesuffix("_gpu")
    if name.endswith("_k"):
        name, schedule = name.removesuffix("_k"), schedule or "karras"
    return {
        "Sampler": _SAMPLERS.get(name, sampler),
        "Schedule type": _SCHEDULES.get(schedule, schedule),
    }


def sampler_and_schedule(settings: Mapping[str, str]) -> tuple[str, str]:
    """Sampler and schedule of a record in either spelling; "" for what it does not say.

    `DPM++ 2M Karras` (until A1111 1.8) and `DPM++ 2M` with `Schedule type: Karras` are the same.
    """
    sampler = settings.get("Sampler", "")
    schedule = settings.get("Schedule type", "")
    if not schedule:
        name, _, last = sampler.rpartition(" ")
        if name and last in _SUFFIXES:
            return name, last
    return sampler, schedule
