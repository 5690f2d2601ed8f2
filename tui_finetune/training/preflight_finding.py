"""One thing that a preflight found."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """One thing that a preflight found; its texts are raw, clean them before they are shown.

    An `error` keeps the run from being started. `fix` is a change of the recipe, new values by
    dotted key, that mends it. `figures` are the numbers behind the words, where a reader of the
    JSON may want them.
    """

    title: str
    message: str
    severity: Severity
    count: int = 1  # of the rows, labels or values that are concerned
    field: str | None = None  # of the recipe, dotted
    fix: dict[str, Any] | None = None
    figures: dict[str, Any] | None = None

    def document(self) -> dict[str, Any]:
        """Return it fit for JSON."""
        return asdict(self)
