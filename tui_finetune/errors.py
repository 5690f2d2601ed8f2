"""Errors that a person can mend."""


class InputError(Exception):
    """The input is wrong. The message says in one line what, where, and what to do.

    Commands print it and exit with code 2; the dashboard shows it where the input was given.
    """
