"""A script as anybody writes it, with the callback in it, for the tests to run and to kill.

Prints which modules the callback brought along. Then each line that it reads, an object with what
to do and where the runs live, becomes a process of its own that trains: so the libraries are
imported once for all of them.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

before = set(sys.modules)
import tui_finetune  # noqa: E402, F401

package_alone = set(sys.modules) - before
from tui_finetune import JournalCallback  # noqa: E402

print(json.dumps([sorted(package_alone), sorted(set(sys.modules) - before)]), flush=True)


class AtStepFive(TrainerCallback):
    """Does what a script does inside its training, or what happens to it there."""

    def __init__(self, action, home):
        self.action = action
        self.gone_on = Path(home) / "go on"

    def on_step_end(self, args, state, control, **kwargs):
        time.sleep(0.02)
        if state.global_step == 5 and self.action in ("raise", "catch"):
            raise RuntimeError("the model [/red] \x1b]52;c;x is gone")
        if state.global_step == 5 and self.action == "leave":
            sys.exit(3)
        if state.global_step == 5 and self.action == "interrupt":
            raise KeyboardInterrupt
        while state.global_step == 5 and self.action == "wait" and not self.gone_on.exists():
            time.sleep(0.02)


def make_trainer(folder, callbacks, epochs=2, **arguments):
    torch.manual_seed(0)
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=50,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=16,
        )
    )
    rows = [
        {"input_ids": torch.randint(0, 50, (8,)), "labels": torch.tensor(number % 2)}
        for number in range(64)
    ]
    return Trainer(
        model=model,
        args=TrainingArguments(
            **{
                "output_dir": str(folder),
                "num_train_epochs": epochs,
                "per_device_train_batch_size": 8,
                "logging_steps": 1,
                "eval_strategy": "epoch",
                "save_strategy": "epoch",
                "save_total_limit": 1,
                "dataloader_pin_memory": False,
                "report_to": "none",
                "disable_tqdm": True,
                **arguments,
            }
        ),
        train_dataset=rows,
        eval_dataset=rows[:16],
        callbacks=callbacks,
    )


def script(do, home, epochs=2):
    """What stands in the script."""
    callbacks = [JournalCallback(home=home), AtStepFive(do, home)]
    trainer = make_trainer(Path(home) / "output", callbacks, epochs)
    try:
        trainer.train()
    except RuntimeError:
        if do == "raise":
            raise
        print("went on", flush=True)
        time.sleep(600)  # or until it is killed


if __name__ == "__main__":
    for line in sys.stdin:
        wanted = json.loads(line)
        if child := os.fork():
            print(child, flush=True)
            continue
        # Tests that run in the background of a shell are deaf to Ctrl-C, and so is what they start.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.update(wanted.pop("env", {}))
        output = os.open(wanted["home"] + "/stdout", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.dup2(output, 1)
        os.dup2(output, 2)
        script(**wanted)
        break
    else:
        os._exit(0)
