"""Column names by which texts and labels are known, the likeliest first."""

TEXT_NAMES = (
    "text",
    "sentence",
    "article",
    "review",
    "review_text",
    "review_body",
    "comment",
    "content",
    "message",
    "tweet",
    "question",
    "utterance",
    "document",
    "body",
    "description",
    "title",
)

LABEL_NAMES = (
    "label",
    "labels",
    "class",
    "category",
    "target",
    "sentiment",
    "intent",
    "topic",
    "rating",
    "polarity",
    "stars",
    "score",
    "emotion",
    "coarse_label",
    "label_text",
    "y",
)

_OTHER_NAMES = ("id", "idx", "index", "date", "user", "source", "fine_label", "split")

KNOWN_NAMES = frozenset((*TEXT_NAMES, *LABEL_NAMES, *_OTHER_NAMES))


def known(cell: str) -> bool:
    """Return whether a cell of the first row is a usual name of a column."""
    return cell.strip().lower() in KNOWN_NAMES
