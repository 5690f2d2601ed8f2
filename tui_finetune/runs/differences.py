"""What differs in the settings of several runs, whole and in a word or two."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tui_finetune.text import clean

SEEDS = frozenset({"train.seed", "train.data_seed", "data.seed"})

# Where a run writes and what it is called: different in every run, and without a part in training.
PLACES = frozenset({"train.output_dir", "train.logging_dir", "train.run_name"})


def sort_settings(
    settings: Sequence[Mapping[str, Any]],
) -> tuple[list[str], list[str], list[str]]:
    """Return the settings that differ, that only some runs say, and that are the same in all.

    A setting that a run does not say is unknown there, which is not equal. Where the runs write
    and what they are called is in none of the three.
    """
    keys = [key for key in dict.fromkeys(k for said in settings for k in said) if key not in PLACES]
    differs = keys_that_differ(settings, keys)
    whole = [key for key in keys if all(key in said for said in settings)]
    unsaid = [key for key in keys if key not in differs and key not in whole]
    return differs, unsaid, [key for key in whole if key not in differs]


def differing_words(settings: Sequence[Mapping[str, Any]], differs: Sequence[str]) -> list[str]:
    """Return for each run what sets it apart: its values that are not those of most runs.

    Seeds are named only where nothing else differs. A run that is like most has its value of the
    first setting that differs.
    """
    told = [key for key in differs if key not in SEEDS] or list(differs)
    usual = {
        key: Counter(comparable(s[key]) for s in settings if key in s).most_common(1)
        for key in told
    }
    words = []
    for said in settings:
        known = [key for key in told if key in said]
        own = [key for key in known if comparable(said[key]) != usual[key][0][0]]
        words.append(", ".join(f"{short_key(key)} {_brief(key, said)}" for key in own or known[:1]))
    return words


def _brief(key: str, said: Mapping[str, Any]) -> str:
    value = short_value(said[key])
    return value.rpartition("/")[2] or value if key.endswith(".source") else value


def short_key(key: str) -> str:
    """Return what a setting is called in a word."""
    return _SHORT.get(key, clean(key.rpartition(".")[2], 40))


def short_value(value: Any) -> str:
    """Return a setting's value as a recipe has it: 5e-5, true, null."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return f"{value:.0f}"
        small = 0 < abs(value) < 1e-3
        return f"{Decimal(repr(value)).normalize():e}" if small else repr(value)
    return clean(value, 200)


_SHORT = {
    "train.learning_rate": "lr",
    "train.per_device_train_batch_size": "batch",
    "train.gradient_accumulation_steps": "accumulation",
    "train.num_train_epochs": "epochs",
    "train.weight_decay": "decay",
    "train.warmup_steps": "warmup",
    "train.lr_scheduler_type": "schedule",
    "train.data_seed": "data seed",
    "data.seed": "split seed",
    "data.source": "data",
    "model.source": "model",
    "tokens.max_length": "length",
}


def keys_that_differ(
    tables: Sequence[Mapping[str, Any]], keys: Sequence[str] | None = None
) -> list[str]:
    """Return the keys, of these or of all, that have two or more known values."""
    if keys is None:
        keys = list(dict.fromkeys(key for table in tables for key in table))
    return [key for key in keys if len({comparable(t[key]) for t in tables if key in t}) > 1]


def comparable(value: Any) -> str:
    """Return what is equal for equal values; 1 and 1.0 are, 1 and true are not."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return repr(float(value)) if number else repr(value)
