"""`python -m tui_finetune.engine HOME REQUEST_FD REPLY_FD`: the engine process."""

import sys
from pathlib import Path

from tui_finetune import process
from tui_finetune.engine.server import serve

if __name__ == "__main__":
    process.settle()
    serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
