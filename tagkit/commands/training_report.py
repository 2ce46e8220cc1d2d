"""What `tagkit train --dry-run` says: pictures, buckets, steps, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tagkit.extras import without_kernels
from tagkit.training import open_libraries
from tagkit.training.metadata import public_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.training import Plan
    from tagkit.training.memory import Memory

_GIB = 1 << 30


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan for programs."""
    return {
        "version": 1,
        "recipe": public_recipe(plan.recipe),
        "pictures": sum(not each.regular for each in plan.pictures),
        "regularisation": sum(each.regular for each in plan.pictures),
        "buckets": {str(size): count for size, count in sorted(plan.buckets.items())},
        "batches_per_epoch": plan.order.batches_in(1),
        "steps": plan.steps,
        "memory": msgspec.to_builtins(_memory(plan)),
        "warnings": list(plan.warnings),
    }


def plan_lines(plan: Plan) -> Iterator[str]:
    """The plan for people."""
    recipe = plan.recipe
    regular = sum(each.regular for each in plan.pictures)
    others = f", and {regular} for regularisation" if regular else ""
    yield f"pictures    {len(plan.pictures) - regular}{others}"
    for size, count in sorted(plan.buckets.items()):
        yield f"  {size!s:>10} {count:>6}"
    batches = plan.order.batches_in(1)
    each_step = recipe.batch_size * recipe.gradient_accumulation
    epochs = plan.steps * recipe.gradient_accumulation / batches
    yield f"steps       {plan.steps} of {each_step} pictures, {epochs:.1f} epochs"
    what = f"a LoRA of rank {recipe.lora.rank} for " if recipe.lora else ""
    names = "the UNet and both text encoders" if recipe.trained == "unet+text" else "the UNet"
    yield f"trained     {what}{names}, {plan.source.trained.kind}"
    optimizer = recipe.optimizer
    betas = ", ".join(f"{beta:g}" for beta in optimizer.betas)
    yield f"optimiser   {optimizer.name}, weight decay {optimizer.weight_decay:g}, betas {betas}"
    warmup = recipe.schedule.warmup_steps
    rise = f" after {warmup} steps of warm-up" if warmup else ""
    yield f"rate        {recipe.learning_rate:g}, {recipe.schedule.name}{rise}"
    yield f"precision   mixed {recipe.precision.mixed}, weights {recipe.precision.full}"
    memory = _memory(plan)
    parts = f"weights {_size(memory.weights)}, gradients {_size(memory.gradients)}, "
    parts += f"optimiser {_size(memory.optimizer)}, average {_size(memory.average)}"
    yield f"memory      {_size(memory.total)}, and what a batch takes: {parts}"


@without_kernels()
def _memory(plan: Plan) -> Memory:
    open_libraries()
    from tagkit.training.memory import memory_needed

    return memory_needed(plan)


def _size(number: int) -> str:
    return f"{number / _GIB:.2f} GiB"
