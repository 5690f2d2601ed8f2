"""What the panes ask of the workspace; each leads from one pane to another."""

from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

from tui_finetune.runs.directory import RunDirectory


@dataclass
class SampleWanted(Message):
    """The sample recipe was asked for."""

    recipe: Path


class ModelWanted(Message):
    """The data is chosen; the model comes next."""


class StartWanted(Message):
    """The training is to start, as the draft says."""


class StartGivenUp(Message):
    """The start is not wanted any more, as long as the recipe is still being checked."""


@dataclass
class FieldWanted(Message):
    """A field of the recipe is to be set, wherever that is done."""

    field: str


class FollowWanted(Message):
    """The person wants the newest run of the home to be shown by itself, or no longer."""


class ImportWanted(Message):
    """The person wants to bring in the runs of another program."""


@dataclass
class OfARun(Message):
    """A wish about one run."""

    run: RunDirectory


class WatchWanted(OfARun):
    """The person wants to see this run in Watch."""


class PredictWanted(OfARun):
    """The person wants to try this run's model."""


class EvaluateWanted(OfARun):
    """The person wants to know how good this run's model is."""


class ResumeWanted(OfARun):
    """The person wants this run to go on."""


class RecipeWanted(OfARun):
    """The person wants to change this run's recipe and start it again."""


@dataclass
class TraceWanted(OfARun):
    """The person wants to see how the run's model reads this text; `true` is its label."""

    text: str
    true: str | None = None


@dataclass
class CompareWanted(Message):
    """The person wants to see these runs side by side."""

    runs: list[RunDirectory]
