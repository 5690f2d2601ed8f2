"""Settings of a process that is going to load the heavy libraries; made before it does."""

import os


def settle() -> None:
    """Make the libraries considerate and quiet; what the person set already stays as it is.

    Idle OpenMP threads sleep instead of spinning: when another process wants the same cores,
    spinning made a training step of the starter four to six times slower (2.2 to 3.1 s instead of
    0.5 s, two cores shared with another training).
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
