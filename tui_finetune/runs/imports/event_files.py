"""TensorBoard event files: their scalars, read on from where the last reading ended.

TensorBoard's protocol buffers and checksum are used, its file reader is not: that one imports
TensorFlow where it is installed and cannot begin in the middle of a file.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tui_finetune.text import clean

# A record is its length (8 bytes), the length's checksum (4), the event, the event's checksum (4).
_HEADER = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")

# The Trainer writes "train/loss", "eval/loss", "test/loss" for loss, eval_loss, test_loss.
_TRAINER_PREFIXES = {"train/": "", "eval/": "eval_", "test/": "test_"}

# Other programs have a writer each for training and evaluation, in folders of these names.
WRITER_FOLDERS = {
    "train": "", "training": "", "eval": "eval_", "evaluation": "eval_", "val": "eval_",
    "valid": "eval_", "validation": "eval_", "dev": "eval_", "test": "test_",
}  # fmt: skip


class Scalar(NamedTuple):
    """One number of an event file; `wall` is in seconds since 1970."""

    name: str
    step: int
    wall: float
    value: float


class EventFile:
    """The scalars of one event file that may still grow.

    `folder` goes before its tags: "eval_" for the evaluation's writer, "" for most. `created` is
    when the writer began, in seconds since 1970. `problem` says in one line what could not be read.
    """

    def __init__(self, path: Path, folder: str = "") -> None:
        self.path = path
        self.scalars: list[Scalar] = []
        self.created: float | None = None
        self.problem = ""
        self._folder = folder
        self._read_until = 0

    def update(self) -> None:
        """Read what came since the last call; a half-written last record is kept for the next."""
        self.problem = ""
        try:
            with self.path.open("rb") as file:
                if file.seek(0, 2) < self._read_until:  # another file has taken its place
                    self.scalars, self.created, self._read_until = [], None, 0
                file.seek(self._read_until)
                content = file.read()
        except OSError as error:
            self.problem = f"{clean(self.path.name, 80)}: cannot be read ({clean(error.strerror)})"
            return
        self._add(content)

    def _add(self, content: bytes) -> None:
        from google.protobuf.message import DecodeError
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

        place = 0
        while place + _HEADER.size <= len(content):
            length, checksum = _HEADER.unpack_from(content, place)
            begin = place + _HEADER.size
            end = begin + length
            whole = end + _CHECKSUM.size <= len(content)
            record = content[begin:end] if whole else b""
            try:
                scalars = list(self._scalars(event := Event.FromString(record)))
            except DecodeError:
                self._damaged(place)
                break
            # The checksums are slow: that of the event if it is used (no image, no graph), which
            # it cannot pass with a wrong length either, else that of the length.
            if scalars:
                right = masked_crc32c(record) == _CHECKSUM.unpack_from(content, end)[0]
            else:
                right = masked_crc32c(content[place : place + 8]) == checksum
            if not right:
                self._damaged(place)
            if not right or not whole:
                break
            if self.created is None:
                self.created = event.wall_time
            self.scalars += scalars
            place = end + _CHECKSUM.size
        self._read_until += place

    def _scalars(self, event: Any) -> Iterator[Scalar]:
        for value in event.summary.value:
            number = _number(value)
            if number is not None:
                name = _figure_name(value.tag, self._folder)
                yield Scalar(name, event.step, event.wall_time, number)

    def _damaged(self, place: int) -> None:
        self.problem = (
            f"{clean(self.path.name, 80)}: damaged at byte {self._read_until + place:,}; "
            "what follows there is not read"
        )


def _number(value: Any) -> float | None:
    """Return the number of a summary value, or None if it holds none (text, image, histogram)."""
    kind = value.WhichOneof("value")
    if kind == "simple_value":
        return float(value.simple_value)
    if kind != "tensor" or value.metadata.plugin_data.plugin_name not in ("", "scalars"):
        return None
    if any(dimension.size != 1 for dimension in value.tensor.tensor_shape.dim):
        return None
    from tensorboard.util.tensor_util import make_ndarray

    try:
        return float(make_ndarray(value.tensor).item())
    except (TypeError, ValueError):  # a text in a tensor
        return None


def _figure_name(tag: str, folder: str) -> str:
    """Return a tag's name in the Trainer's log: "train/loss" is loss, "eval/loss" eval_loss."""
    for prefix, name in _TRAINER_PREFIXES.items():
        if tag.startswith(prefix) and tag != prefix:
            return name + tag.removeprefix(prefix)
    return tag if tag.startswith(folder) else folder + tag
