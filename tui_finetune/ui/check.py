"""What preflights said of recipes, and which of their warnings a person has taken note of."""

from dataclasses import dataclass, replace
from typing import Any

Content = dict[str, Any]
Findings = list[dict[str, Any]]

# So many recipes back, a measurement still counts.
_KEPT = 20


@dataclass(frozen=True)
class Check:
    """What a preflight said of a recipe.

    `quick` is what is said without measuring; `measured`, None as long as nobody has measured, is
    all of it. Both as the engine answers.
    """

    content: Content
    quick: Findings
    measured: Findings | None = None

    @property
    def findings(self) -> Findings:
        """All that is known, errors first."""
        return self.quick if self.measured is None else self.measured

    def of(self, severity: str) -> Findings:
        """Return the findings that are as grave as this."""
        return [finding for finding in self.findings if finding["severity"] == severity]

    @property
    def figures(self) -> dict[str, Any]:
        """What was measured of time and memory; empty if nothing was."""
        figures = (finding["figures"] or {} for finding in self.findings)
        return next((each for each in figures if "total_seconds" in each), {})

    @property
    def mean_tokens(self) -> float | None:
        """The tokens of a text to train on, as it is cut off, on average; None if not counted."""
        figures = (finding["figures"] or {} for finding in self.findings)
        return next((each["mean"] for each in figures if "mean" in each), None)


class Checks:
    """The checks of the last recipes, one for each content."""

    def __init__(self) -> None:
        self._checks: list[Check] = []
        self._confirmed: list[tuple[Content, set[str]]] = []

    def of(self, content: Content) -> Check | None:
        """Return what is known of a recipe."""
        return next((check for check in self._checks if check.content == content), None)

    def note(self, content: Content, findings: Findings, measured: bool) -> Check:
        """Take note of an answer, and return all that is known of the recipe now.

        A measurement made before counts as long as everything else is still found as it was then:
        the data or the machine may have changed meanwhile.
        """
        before = self.of(content)
        if not measured:
            still = before is not None and _titles(before.quick) == _titles(findings)
            kept = before.measured if before is not None and still else None
            check = Check(content, findings, kept)
        elif before is None:
            check = Check(content, findings, findings)
        else:
            check = replace(before, measured=findings)
        others = [other for other in self._checks if other.content != content]
        self._checks = [check, *others][:_KEPT]
        return check

    def confirm(self, check: Check) -> None:
        """Let the warnings of a check keep nobody from starting this recipe any more."""
        self._confirmed = [(check.content, _titles(check.of("warning"))), *self._confirmed][:_KEPT]

    def may_start(self, check: Check) -> bool:
        """Return whether there is no error, and no warning that was not confirmed."""
        if check.of("error"):
            return False
        known = next(
            (titles for content, titles in self._confirmed if content == check.content), ()
        )
        return _titles(check.of("warning")) <= set(known)


def _titles(findings: Findings) -> set[str]:
    return {f"{finding['severity']} {finding['title']}" for finding in findings}
