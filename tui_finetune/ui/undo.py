"""Undo and redo: the states that a thing was in."""

from typing import Generic, TypeVar

# A state of a recipe is a few kilobytes; nobody goes back further.
_MOST_STEPS = 200

State = TypeVar("State")


class History(Generic[State]):
    """States before each change, and those that were taken back."""

    def __init__(self) -> None:
        self._past: list[State] = []
        self._future: list[State] = []
        self._step: str | None = None

    def note(self, before: State, step: str | None) -> None:
        """Keep the state before a change; changes of the same `step` in a row count as one."""
        self._future = []
        if step is None or step != self._step:
            self._past = [*self._past[1 - _MOST_STEPS :], before]
        self._step = step

    def end_step(self) -> None:
        """Let the next change count on its own."""
        self._step = None

    def undo(self, present: State) -> State | None:
        """Return the state before the last change, or None at the beginning."""
        return self._move(self._past, self._future, present)

    def redo(self, present: State) -> State | None:
        """Return the state that was left by the last undo, or None."""
        return self._move(self._future, self._past, present)

    def _move(self, origin: list[State], target: list[State], present: State) -> State | None:
        self._step = None
        if not origin:
            return None
        target.append(present)
        return origin.pop()
