"""How many steps, evaluations and checkpoints a run has, as the Trainer counts them."""

import math
from dataclasses import dataclass

from transformers import TrainingArguments
from transformers.trainer_utils import IntervalStrategy, SaveStrategy


@dataclass(frozen=True)
class Plan:
    """What a run goes through if nothing stops it early."""

    batch_rows: int  # rows of a forward pass, on all devices together
    batches_per_epoch: int
    steps_per_epoch: int  # optimizer steps
    steps: int
    epochs: float
    warmup_steps: int
    evaluations: int
    checkpoints: int  # that are written; not all of them are kept


def plan(arguments: TrainingArguments, train_rows: int) -> Plan:
    """Return the plan for a training set; `Trainer.set_initial_training_values` counts so."""
    batch_rows = arguments.train_batch_size
    divide = math.floor if arguments.dataloader_drop_last else math.ceil
    batches = int(divide(train_rows / batch_rows))
    steps_per_epoch = max(math.ceil(batches / arguments.gradient_accumulation_steps), 1)
    steps = math.ceil(arguments.num_train_epochs * steps_per_epoch)
    if arguments.max_steps > 0:
        steps = arguments.max_steps
    ends = math.ceil(steps / steps_per_epoch)  # an epoch that max_steps breaks off ends too
    return Plan(
        batch_rows=batch_rows,
        batches_per_epoch=batches,
        steps_per_epoch=steps_per_epoch,
        steps=steps,
        epochs=steps / steps_per_epoch,
        warmup_steps=arguments.get_warmup_steps(steps),
        evaluations=_times(arguments.eval_strategy, arguments.eval_steps, steps, ends),
        checkpoints=_times(arguments.save_strategy, arguments.save_steps, steps, ends),
    )


def _times(
    strategy: IntervalStrategy | SaveStrategy, every: float | None, steps: int, epochs: int
) -> int:
    if strategy == "epoch":
        return epochs
    if strategy == "steps":
        return math.ceil(steps / steps_between(every, steps))  # the last step counts too
    return epochs if strategy == "best" else 0  # at most


def steps_between(every: float | None, steps: int) -> int:
    """Return how many steps lie between two times; `every` below 1 is a share of all steps."""
    if not every:
        return steps
    return math.ceil(steps * every) if every < 1 else int(every)
