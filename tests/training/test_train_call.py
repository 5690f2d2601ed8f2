"""Whether the call that trains goes on, as another thread sees it."""

import gc
import sys
import threading
import weakref
from collections.abc import Callable

import pytest

from tui_finetune.training.train_call import TrainCall


class Tensor:
    """Something large that lies in the loop."""


def train(inside: Callable[[TrainCall], None]) -> TrainCall:
    def loop() -> TrainCall:
        call = TrainCall()
        inside(call)
        return call

    return loop()


def seen_from_another_thread(call: TrainCall) -> bool:
    seen: list[bool] = []
    looker = threading.Thread(target=lambda: seen.append(call.goes_on()))
    looker.start()
    looker.join()
    return seen[0]


def test_it_goes_on_until_it_returns() -> None:
    def inside(call: TrainCall) -> None:
        assert seen_from_another_thread(call)
        assert call.is_mine()

    call = train(inside)
    assert not seen_from_another_thread(call)
    assert not call.is_mine()
    train(lambda _: None)
    assert not call.is_mine()


def test_the_error_that_ended_it_is_known_while_it_is_handled_and_once_it_was_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[TrainCall] = []

    def inside(call: TrainCall) -> None:
        calls.append(call)
        raise ValueError("nan")

    handled: list[BaseException | None] = []
    try:
        train(inside)
    except ValueError:
        handled.append(calls[0].error())
    (error,) = handled
    assert isinstance(error, ValueError)
    assert calls[0].error() is None
    assert not calls[0].goes_on()

    monkeypatch.setattr(sys, "last_value", ValueError("of something else"), raising=False)
    assert calls[0].error() is None
    wrapped = RuntimeError("the script's own")
    wrapped.__cause__ = error
    monkeypatch.setattr(sys, "last_value", wrapped, raising=False)
    assert calls[0].error() is error


def test_what_lay_in_the_loop_is_not_held_back_after_an_error() -> None:
    calls: list[TrainCall] = []
    held: list[weakref.ref[Tensor]] = []

    def inside(call: TrainCall) -> None:
        batch = Tensor()
        calls.append(call)
        held.append(weakref.ref(batch))
        assert call.goes_on()
        raise MemoryError

    with pytest.raises(MemoryError) as raised:
        train(inside)
    del raised
    gc.collect()
    assert held[0]() is None
    assert not calls[0].goes_on()
