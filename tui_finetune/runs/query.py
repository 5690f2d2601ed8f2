"""The language in which runs are filtered: `state:failed or accuracy>0.9 not tag:old`.

    query       alternatives joined by `or`; each of them parts side by side, or joined by `and`
    part        `not` part, `-`part, `(` query `)`, a comparison, or a word
    comparison  KEY : = != < <= > >= VALUE, as in model:minilm, train.learning_rate>=1e-4,
                started>2026-11-01, duration<1h30
    word        stands in the name, data, model, tags, note or id; "in quotes" with blanks

What a key can be is in `query_keys`. A comparison with what a run does not have does not hold.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from tui_finetune.errors import InputError
from tui_finetune.runs.listing import RunSummary
from tui_finetune.runs.query_keys import Query, Vocabulary, compare
from tui_finetune.text import clean

LONGEST_QUERY = 1000
_DEEPEST = 50

# Every text can be cut into these; a minus before a word or a parenthesis is `not`.
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\))
      | (?P<sign>!=|<=|>=|==|[:=<>])
      | (?P<quoted>"[^"]*"|'[^']*')
      | (?P<half>["'])
      | (?P<minus>-(?=[^\s<>=:!]))
      | (?P<word>(?:[^\s()"'<>=:!]|!(?!=))+)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def parse_query(text: str, vocabulary: Vocabulary) -> Query:
    """Return whether a run is meant by a query, as a function; an empty query means all runs.

    Raises `InputError` that says at which character what is wrong, and what to write.
    """
    if len(text) > LONGEST_QUERY:
        raise InputError(f"a filter has at most {LONGEST_QUERY:,} characters, not {len(text):,}")
    return _Parser(text, vocabulary).parse()


def filter_runs(runs: Iterable[RunSummary], text: str) -> list[RunSummary]:
    """Return those of the runs that a query means. Raises `InputError` as `parse_query` does."""
    runs = list(runs)
    query = parse_query(text, Vocabulary.of(runs))
    return [run for run in runs if query(run)]


class _Parser:
    """Recursive descent, a token at a time."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self._text = text
        self._vocabulary = vocabulary
        self._tokens = list(self._cut())
        self._next = 0
        self._depth = 0

    def parse(self) -> Query:
        if not self._tokens:
            return lambda run: True
        query = self._alternatives()
        if token := self._peek():
            self._complain(token, 'there is no "(" before this ")"')
        return query

    def _cut(self) -> Iterable[_Token]:
        for match in _TOKEN.finditer(self._text):
            kind = str(match.lastgroup)
            yield _Token(kind, match[kind], match.start(kind), match.end(kind))

    def _alternatives(self) -> Query:
        queries = [self._together()]
        while self._takes("or"):
            queries.append(self._together())
        if len(queries) == 1:
            return queries[0]
        return lambda run: any(query(run) for query in queries)

    def _together(self) -> Query:
        queries = [self._part()]
        while (token := self._peek()) and token.kind != "close" and not _is(token, "or"):
            self._takes("and")
            queries.append(self._part())
        if len(queries) == 1:
            return queries[0]
        return lambda run: all(query(run) for query in queries)

    def _part(self) -> Query:
        negated = False
        while (token := self._peek()) and (token.kind == "minus" or _is(token, "not")):
            self._next += 1
            negated = not negated
        query = self._positive()
        return (lambda run: not query(run)) if negated else query

    def _positive(self) -> Query:
        token = self._take()
        match token.kind:
            case "open":
                return self._in_parentheses(token)
            case "close":
                self._complain(token, "a word or a comparison is missing before this")
            case "half":
                self._complain(token, "this quote is not closed")
            case "sign":
                self._complain(token, f"a key is missing before this, as in accuracy{token.text}…")
            case "word" if token.text.lower() in ("and", "or"):
                self._complain(token, f'what should be joined by "{token.text}" is missing')
        sign = self._peek()
        if token.kind == "word" and sign and sign.kind == "sign":
            return self._comparison(token)
        word = _unquoted(token).lower()
        return lambda run: word in run.words

    def _in_parentheses(self, opened: _Token) -> Query:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._complain(opened, f"at most {_DEEPEST} parentheses can be open at once")
        query = self._alternatives()
        closed = self._peek()
        if closed is None:
            self._complain(opened, "this parenthesis is not closed")
        self._next += 1
        self._depth -= 1
        return query

    def _comparison(self, key: _Token) -> Query:
        sign = self._take()
        value = self._peek()
        if value and value.kind == "minus":  # of a number
            self._next += 1
            digits = self._take()
            value = _Token("word", f"-{digits.text}", value.start, digits.end)
        elif value and value.kind in ("word", "quoted"):
            self._next += 1
            value = self._with_colons(value)
        else:
            self._complain(value or sign, f"a value is missing after {key.text}{sign.text}")
        try:
            return compare(self._vocabulary, key.text, sign.text, _unquoted(value))
        except InputError as error:
            raise InputError(f"at character {key.start + 1}: {error}") from None

    def _with_colons(self, value: _Token) -> _Token:
        """Return a value with the colons written inside it, as in a time of day or a tag."""
        while (
            (colon := self._peek())
            and colon.text == ":"
            and colon.start == value.end
            and value.kind == "word"
        ):
            rest = self._tokens[self._next + 1 : self._next + 2]
            if not rest or rest[0].kind != "word" or rest[0].start != colon.end:
                break
            self._next += 2
            value = _Token("word", f"{value.text}:{rest[0].text}", value.start, rest[0].end)
        return value

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self) -> _Token:
        token = self._peek()
        if token is None:
            last = self._tokens[-1]
            self._complain(last, "something is missing after this")
        self._next += 1
        return token

    def _takes(self, word: str) -> bool:
        token = self._peek()
        taken = token is not None and _is(token, word)
        self._next += taken
        return taken

    def _complain(self, token: _Token, what: str) -> NoReturn:
        raise InputError(f"at character {token.start + 1}, {clean(token.text, 30)}: {what}")


def _is(token: _Token, word: str) -> bool:
    return token.kind == "word" and token.text.lower() == word


def _unquoted(token: _Token) -> str:
    return token.text[1:-1] if token.kind == "quoted" else token.text
