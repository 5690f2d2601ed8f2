"""What went wrong in a run, in one line, and what would help."""

import errno

import torch

from tui_finetune.errors import InputError
from tui_finetune.text import clean

_LESS_MEMORY = (
    "lower train.per_device_train_batch_size (raise train.gradient_accumulation_steps to match) "
    "or tokens.max_length"
)


def explain(error: BaseException) -> str:
    """Return the reason that a run's status and the screen give for an error."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, torch.OutOfMemoryError):
        return f"the GPU's memory is full; {_LESS_MEMORY}"
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return f"the machine's memory is full; {_LESS_MEMORY}"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full; make room (tui-finetune runs delete RUN), then resume"
    return f"{type(error).__name__}: {clean(error, 300)}"
