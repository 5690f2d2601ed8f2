"""What the quality list holds, and its words: problems, findings, and decisions in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual.content import Content

from tui_finetune.text import clean
from tui_finetune.ui.panes.tune_fields import as_yaml
from tui_finetune.ui.words import UNKNOWN

_SIGNS = {
    "error": ("✗", "$text-error"),
    "warning": ("!", "$text-warning"),
    "info": ("·", "$text-muted"),
    "decision": ("✓", "$text-success"),
}

# What a recipe without the decision says.
_NO_DECISION: dict[str, Any] = {
    "data.drop_empty": False,
    "data.drop_duplicates": False,
    "data.merge_labels": {},
}

# `quality` says the same with its rows.
_SAID_TWICE = ("Empty cells",)


@dataclass(frozen=True)
class Item:
    """A line of the quality list."""

    severity: str
    title: str
    message: str
    count: int | None
    unit: str = "row"
    advice: str = ""
    rows: Sequence[tuple[str, int, int | None]] = ()
    """Part, number of the row in it, and the group that it belongs to."""
    more_rows: int = 0
    change: Mapping[str, Any] | None = None
    """What a key changes in the recipe: mends what was found, or takes a decision back."""


def items(profile: Mapping[str, Any], quality: Mapping[str, Any] | None) -> list[Item]:
    """Return all there is to list, the grave first, the decisions in force last."""
    found = (quality or {}).get("findings", [])
    problems = [
        Item(
            problem["severity"], problem["title"], problem["message"], problem["count"],
            change=problem.get("fix"),
        )
        for problem in profile["problems"]
        if quality is None or problem["title"] not in _SAID_TWICE
    ]  # fmt: skip
    findings = [
        Item(
            one["severity"], one["title"], one["message"], one["count"], one["unit"],
            one["advice"], [(part, row, group) for part, row, group in one["rows"]],
            one["more_rows"], one["fix"],
        )
        for one in found
    ]  # fmt: skip
    order = list(_SIGNS)
    ordered = sorted([*problems, *findings], key=lambda item: order.index(item.severity))
    return [*ordered, *(_decision(one) for one in profile.get("decisions") or [])]


def _decision(decision: Mapping[str, Any]) -> Item:
    key = decision["key"]
    return Item(
        "decision",
        f"Decided: {_value_words(key, decision['value'])}",
        decision["message"],
        decision["rows"],
        change={key: _NO_DECISION.get(key)},
    )


def counts_words(listed: Sequence[Item]) -> str:
    """Return how many of each kind there are: 1 error, 2 warnings."""
    words = []
    for severity, noun in (("error", "error"), ("warning", "warning"), ("info", "remark")):
        number = sum(item.severity == severity for item in listed)
        words += [f"{number} {noun}{'s' * (number != 1)}"] if number else []
    return ", ".join(words)


def item_header(width: int) -> Content:
    """Return the names of the columns."""
    return Content.styled(f"  {'count':>10}         what was found", "$text-muted")


def item_line(item: Item, width: int) -> Content:
    """Return a line of the list."""
    sign, style = _SIGNS[item.severity]
    number = UNKNOWN if item.count is None else f"{item.count:,}"
    unit = clean(item.unit, 6) + "s" * (item.count != 1)
    mends = ""
    if item.change is not None:
        mends = "   f takes it back" if item.severity == "decision" else "   f mends it"
    return Content.assemble(
        (f"{sign} ", f"bold {style}"),
        (f"{number:>10} {unit:<7} ", "bold"),
        (clean(item.title, 80), style if item.severity != "info" else ""),
        (mends, "$text-accent"),
    )


def item_detail(item: Item) -> Content:
    """Return all about a line: the message, what to do, and what the key would change."""
    sign, style = _SIGNS[item.severity]
    parts = [Content.assemble((f"{sign} ", f"bold {style}"), clean(item.message, 1000))]
    if item.advice:
        parts.append(Content(clean(item.advice, 1000)))
    if item.change is not None:
        verb = "takes it back: " if item.severity == "decision" else "mends it: "
        changes = ", ".join(_value_words(key, value) for key, value in item.change.items())
        parts.append(Content.assemble(("f", "bold $text-accent"), f" {verb}{changes}"))
    elif item.severity == "error":
        parts.append(Content.styled("No decision mends this; the data itself must.", "$text-muted"))
    if item.rows:
        shown = f"{len(item.rows):,} of {len(item.rows) + item.more_rows:,} rows"
        whole = shown if item.more_rows else f"{len(item.rows):,} row{'s' * (len(item.rows) != 1)}"
        parts.append(Content.assemble(("Enter", "bold $text-accent"), f" shows {whole}"))
    return Content("\n").join(parts)


def _value_words(key: str, value: Any) -> str:
    """Return a value of the recipe in words that fit a line."""
    if isinstance(value, dict):
        pairs = ", ".join(f"“{clean(a, 30)}” as “{clean(b, 30)}”" for a, b in value.items())
        return f"{clean(key, 60)} = {pairs or 'nothing'}"
    return f"{clean(key, 60)} = {clean(as_yaml(value), 60)}"
