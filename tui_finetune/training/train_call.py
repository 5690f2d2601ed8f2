"""Whether the call that trains still goes on, as another thread can see it, and how it ended."""

import sys
import threading
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any


class TrainCall:
    """The call of `train()` that the calling thread is inside of.

    A script may catch the error that ends its training and go on; nothing tells a callback so. But
    the call is then no longer on the stack of its thread. Only the frame of `train()` is kept: it
    holds on to nothing that the script does not have anyway, unlike the frames of the loop.
    """

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._frame = next(
            (frame for frame in _outwards(sys._getframe()) if frame.f_code.co_name == "train"), None
        )

    def is_mine(self) -> bool:
        """Return whether the calling thread is inside this very call."""
        return _among(self._frame, _outwards(sys._getframe()))

    def goes_on(self) -> bool:
        """Return whether it has not ended yet."""
        if self._frame is None:  # a loop of the script's own: its end is not to be seen
            return True
        return _among(self._frame, _outwards(sys._current_frames().get(self._thread)))

    def error(self) -> BaseException | None:
        """Return the error that ended it, None if there was none or nobody has it any more.

        It is known while the script handles it, and after it was printed as the last of all (at
        the end of a script, or in a notebook).
        """
        handled: Any = sys._current_exceptions().get(self._thread)
        if isinstance(handled, tuple):  # until Python 3.11
            handled = handled[1]
        for error in (handled, getattr(sys, "last_value", None)):
            for cause in _causes(error):
                if _among(self._frame, _passed(cause)):
                    return cause
        return None


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _among(wanted: FrameType | None, frames: Iterable[FrameType]) -> bool:
    return any(frame is wanted for frame in frames)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Go from an error to those that it was raised from."""
    known: set[int] = set()
    while error is not None and id(error) not in known:
        known.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _passed(error: BaseException) -> Iterator[FrameType]:
    """Return the frames that an error came through."""
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next
