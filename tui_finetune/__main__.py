"""`python -m tui_finetune`."""

from tui_finetune.entry import main

if __name__ == "__main__":
    main()
