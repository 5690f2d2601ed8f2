"""What the worker thread and the main thread tell each other while a run goes on."""

import time
from collections import deque
from dataclasses import dataclass, field

from tui_finetune.runs.control import StopRequest
from tui_finetune.runs.status import Status


class StopWanted(Exception):
    """Raised outside of the training loop when a stop is asked for."""


@dataclass
class Progress:
    """Written by the worker, read by the main thread; `stop` the other way round.

    Each field is replaced or copied as a whole, so no lock is needed. `step_seconds` holds the
    durations of the last optimizer steps.
    """

    stop: StopRequest | None = None
    training: bool = False
    step: int = 0
    total_steps: int = 0
    epoch: float = 0.0
    rows_per_step: int = 0
    step_seconds: deque[float] = field(default_factory=lambda: deque(maxlen=20))
    metrics: dict[str, dict[str, float | None]] = field(default_factory=dict)

    def rows_per_second(self) -> float | None:
        """Return the throughput of the last steps, evaluations left out; None before the first."""
        steps = list(self.step_seconds)
        seconds = sum(steps)
        return self.rows_per_step * len(steps) / seconds if seconds else None

    def present(self, status: Status) -> Status:
        """Return a run's status brought up to now, as one whose process lives."""
        running = "running" if self.training else "starting"
        return status.model_copy(
            update={
                "state": "stopping" if self.stop else running,
                "heartbeat": time.time(),
                "step": self.step,
                "total_steps": self.total_steps,
                "epoch": self.epoch,
                "rows_per_second": self.rows_per_second(),
                "metrics": dict(self.metrics),
            }
        )

    def check_stop_now(self) -> None:
        """Raise `StopWanted` if it is to stop at once."""
        if self.stop == "stop-now":
            raise StopWanted
