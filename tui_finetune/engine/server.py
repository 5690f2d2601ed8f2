"""The engine process: answers requests one after another, then trains if asked to."""

import importlib
import os
import traceback
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tui_finetune.engine.answers import Answers
from tui_finetune.engine.requests import Cancelled, Params, Replies, Reporter, Requests
from tui_finetune.errors import InputError
from tui_finetune.home import choose_home
from tui_finetune.recipe import parse_recipe
from tui_finetune.runs.directory import find_run
from tui_finetune.text import clean

if TYPE_CHECKING:
    from tui_finetune.training.start import Start

# The dashboard's keys go first when both want the same core.
_NICENESS = 5

# Loaded one by one while nobody asks for anything, the lightest first.
_PRELOADED = (
    "tui_finetune.models.catalogue",
    "tui_finetune.data.profile",
    "tui_finetune.data.pages",
    "tui_finetune.evaluation.trained",
    "tui_finetune.training.supervisor",
    "tui_finetune.tracing.document",
    "tui_finetune.evaluation.document",
)


def serve(home: Path, request_end: int, reply_end: int) -> None:
    """Answer requests until the other side lets go or a run is started; then train it to its end.

    What a request and a reply look like, `requests.py` says.
    """
    os.nice(_NICENESS)
    choose_home(home)
    try:
        start = _answer_until_training(home, Requests(request_end), Replies(reply_end))
    finally:
        os.close(request_end)
        os.close(reply_end)
    if start is not None:
        from tui_finetune.training.supervisor import output_to, run_training

        with output_to(start.run.log):
            run_training(start)


def _answer_until_training(home: Path, requests: Requests, replies: Replies) -> "Start | None":
    answers = Answers(home)
    starts: dict[str, Callable[[Path, Params], Start]] = {"train": _train, "resume": _resume}
    preloaded = iter(_PRELOADED)
    while True:
        while not requests.waiting() and (module := next(preloaded, None)):
            importlib.import_module(module)
        request = requests.next()
        if request is None:
            return None
        number, method, params = request["id"], request["method"], request["params"]
        try:
            if method in starts:
                start = starts[method](home, params)
                started = {"run": start.run.id, "dir": str(start.run.path)}
                with suppress(BrokenPipeError):  # whoever asked is gone, the run goes on
                    replies.send(number, result=started)
                return start
            answer = answers.of(method)
            between = partial(_answer_pages, answers, requests, replies)
            reporter = Reporter(number, requests, replies, between)
            # These two use what pages come from themselves, and report all the time.
            alone = method in ("rows", "read_whole")
            with nullcontext() if alone else reporter.meanwhile():
                result = answer(params, reporter)
            replies.send(number, result=result)
        except BrokenPipeError:  # nobody waits for the answer any more
            return None
        except Cancelled:
            pass
        except InputError as error:
            replies.send(number, error=str(error), kind="input")
        except Exception as error:  # the engine goes on; its log has the traceback
            traceback.print_exc()
            message = f"{type(error).__name__}: {clean(error, 300)}"
            replies.send(number, error=message, kind="failure")


def _answer_pages(answers: Answers, requests: Requests, replies: Replies) -> None:
    """Answer the pages that are asked for while something long goes on, if they are at hand.

    The others wait for their turn.
    """
    for request in requests.untried("rows"):
        page = None
        with suppress(Exception):  # what is wrong is said when it is its turn
            page = answers.page_at_hand(request["params"])
        if page is not None:
            requests.leave_out(request)
            replies.send(request["id"], result=page)


def _train(home: Path, params: Params) -> "Start":
    from tui_finetune.training.start import new_run

    return new_run(home, parse_recipe(params["recipe"], "the recipe"))


def _resume(home: Path, params: Params) -> "Start":
    from tui_finetune.training.start import resumed_run

    return resumed_run(find_run(home, params["run"]))
