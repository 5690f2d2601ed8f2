"""A dashboard in the terminal for fine-tuning Hugging Face models.

In a script of one's own: `from tui_finetune import JournalCallback`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tui_finetune.training.script_callback import JournalCallback as JournalCallback

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load what scripts use when they ask for it: it needs transformers."""
    if name == "JournalCallback":
        from tui_finetune.training.script_callback import JournalCallback

        return JournalCallback
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
