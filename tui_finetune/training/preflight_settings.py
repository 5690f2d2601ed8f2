"""What a preflight says of the hyperparameters against the data and the device."""

import torch
from transformers import TrainingArguments

from tui_finetune.telemetry.devices import gpu_has_bf16
from tui_finetune.training.preflight_finding import Finding
from tui_finetune.training.preflight_plan import Plan, steps_between
from tui_finetune.training.setup import Setup

# Learning rates that full fine-tuning mostly uses: smaller models stand larger steps.
_SMALL_MODEL_PARAMETERS = 60_000_000
_USUAL_RATES = {"small": (1e-5, 1e-3), "large": (5e-6, 1e-4)}
_GOOD_RATES = {"small": 1e-4, "large": 3e-5}

# A checkpoint belongs to each evaluation, so these are changed together.
_TOGETHER = ("eval", "save")

# A last batch that is smaller than this share of the others is worth a word.
_UNEVEN = 0.25


def settings_findings(
    setup: Setup, arguments: TrainingArguments, plan: Plan, parameters: int | None
) -> list[Finding]:
    """Return what there is to say of batch, steps, learning rate and precision.

    `parameters` are those of the model, None if they are not known.
    """
    rows = setup.data.splits["train"].num_rows
    return [
        *precision(arguments),
        *no_whole_batch(setup, arguments),
        *_batch(arguments, plan, rows),
        *_warmup(plan),
        *_rhythm(arguments, plan),
        *_patience(setup, plan),
        *_learning_rate(arguments, parameters),
    ]


def precision(arguments: TrainingArguments) -> list[Finding]:
    """Return errors for number formats that the device does not compute with."""
    on_gpu = arguments.device.type != "cpu"
    found = []
    if (arguments.fp16 or arguments.fp16_full_eval) and not on_gpu:
        field = "train.fp16" if arguments.fp16 else "train.fp16_full_eval"
        found.append(
            Finding(
                "Half precision without a GPU",
                f"{field}: there is no GPU here, and a processor does not train in 16-bit floats; "
                "leave it off",
                "error",
                field=field,
                fix={field: False},
            )
        )
    if arguments.bf16 and not on_gpu:
        found.append(
            Finding(
                "bfloat16 on a processor",
                "train.bf16: most processors only imitate bfloat16, which is slower than 32-bit "
                "floats; the seconds a step measured here tell",
                "warning",
                field="train.bf16",
                fix={"train.bf16": False},
            )
        )
    if arguments.bf16 and arguments.device.type == "cuda" and not gpu_has_bf16():
        found.append(
            Finding(
                "This GPU has no bfloat16",
                f"train.bf16: {torch.cuda.get_device_name()} only imitates bfloat16, which is "
                "slow; use train.fp16",
                "warning",
                field="train.bf16",
                fix={"train.bf16": False, "train.fp16": True},
            )
        )
    return found


def no_whole_batch(setup: Setup, arguments: TrainingArguments) -> list[Finding]:
    """Return errors for splits of which nothing is left once batches that are not full are."""
    if not arguments.dataloader_drop_last:
        return []
    sizes = {name: setup.data.splits[name].num_rows for name in ("train", "validation")}
    batches = {"train": arguments.train_batch_size, "validation": arguments.eval_batch_size}
    return [
        Finding(
            "No batch is full",
            f"train.dataloader_drop_last: the {sizes[name]} {name} rows are fewer than a batch of "
            f"{batches[name]}, which is left out because it is not full, so there are none",
            "error",
            sizes[name],
            "train.dataloader_drop_last",
            {"train.dataloader_drop_last": False},
        )
        for name in sizes
        if sizes[name] < batches[name]
    ]


def _batch(arguments: TrainingArguments, plan: Plan, rows: int) -> list[Finding]:
    batch, accumulation = plan.batch_rows, arguments.gradient_accumulation_steps
    field = "train.per_device_train_batch_size"
    if batch > rows and not arguments.dataloader_drop_last:
        smaller = _smaller_batch(rows)
        return [
            Finding(
                "A batch is larger than the data",
                f"{batch} rows a batch, and {rows} to train on: each epoch is a single step; "
                f"{smaller} would make {rows // smaller} steps of it",
                "warning",
                rows,
                field,
                {field: smaller, "train.gradient_accumulation_steps": 1},
            )
        ]
    found = []
    if batch * accumulation > rows:
        found.append(
            Finding(
                "A step takes more than the data",
                f"{accumulation} batches of {batch} rows are accumulated for a step, more than the "
                f"{rows} rows to train on: each epoch is a single step",
                "warning",
                rows,
                "train.gradient_accumulation_steps",
                {"train.gradient_accumulation_steps": max(1, rows // batch // 8)},
            )
        )
    last = rows % batch
    if 0 < last < _UNEVEN * batch and not arguments.dataloader_drop_last:
        found.append(
            Finding(
                "The last batch is small",
                f"the last of {plan.batches_per_epoch} batches of an epoch has {last} rows instead "
                f"of {batch}; its rows count more than others, which rarely matters",
                "info",
                last,
                field,
            )
        )
    left = plan.batches_per_epoch % accumulation
    if left:
        found.append(
            Finding(
                "The last step is small",
                f"the last step of an epoch takes {left} batches instead of {accumulation}",
                "info",
                left,
                "train.gradient_accumulation_steps",
            )
        )
    return found


def _smaller_batch(rows: int) -> int:
    """Return a power of two that makes about eight steps of the rows."""
    return 1 << max(0, (rows // 8).bit_length() - 1)


def _warmup(plan: Plan) -> list[Finding]:
    if plan.warmup_steps < plan.steps:
        return []
    return [
        Finding(
            "The warmup never ends",
            f"{plan.warmup_steps:,} steps of warmup and {plan.steps:,} steps in all: the learning "
            "rate only rises and never reaches what was asked for",
            "warning",
            plan.warmup_steps,
            "train.warmup_steps",
            {"train.warmup_steps": 0.1},
        )
    ]


def _rhythm(arguments: TrainingArguments, plan: Plan) -> list[Finding]:
    """Return warnings of what happens every so many steps, and so never."""
    found = []
    for name, strategy, words in (
        ("logging", arguments.logging_strategy, "no loss is logged before the end"),
        ("eval", arguments.eval_strategy, "the only evaluation is at the end"),
        ("save", arguments.save_strategy, "the only checkpoint is written at the end"),
    ):
        every = steps_between(getattr(arguments, f"{name}_steps"), plan.steps)
        if strategy == "steps" and every > plan.steps:
            wanted = {f"train.{name}_steps": max(1, plan.steps // 10)}
            if name in _TOGETHER:
                wanted = {f"train.{kind}_steps": max(1, plan.steps // 10) for kind in _TOGETHER}
            found.append(
                Finding(
                    f"{name}_steps is longer than the run",
                    f"every {every:,} steps, and there are {plan.steps:,}: {words}",
                    "warning",
                    every,
                    f"train.{name}_steps",
                    wanted,
                )
            )
    return found


def _patience(setup: Setup, plan: Plan) -> list[Finding]:
    patience = setup.recipe.early_stopping.patience
    if patience is None or patience < plan.evaluations:
        return []
    return [
        Finding(
            "Early stopping cannot act",
            f"it waits for {patience} evaluations without a better one, and the run has "
            f"{plan.evaluations} in all",
            "info",
            patience,
            "early_stopping.patience",
        )
    ]


def _learning_rate(arguments: TrainingArguments, parameters: int | None) -> list[Finding]:
    if parameters is None:
        return []
    size = "small" if parameters < _SMALL_MODEL_PARAMETERS else "large"
    low, high = _USUAL_RATES[size]
    rate = arguments.learning_rate
    if low <= rate <= high:
        return []
    much = "low: little is learnt" if rate < low else "high: the training may diverge"
    return [
        Finding(
            "An unusual learning rate",
            f"{rate:g} is {much}; full fine-tuning of a model of {parameters / 1e6:,.0f} M "
            f"parameters mostly uses {low:g} to {high:g}",
            "info",
            field="train.learning_rate",
            fix={"train.learning_rate": _GOOD_RATES[size]},
        )
    ]
