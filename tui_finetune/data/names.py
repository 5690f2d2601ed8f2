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

# The two texts of a row that are judged together, as the datasets of GLUE and others name them.
PAIR_NAMES = (
    ("sentence1", "sentence2"),
    ("sentence_1", "sentence_2"),
    ("text1", "text2"),
    ("text_1", "text_2"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("question", "sentence"),
    ("question", "passage"),
    ("question", "context"),
    ("query", "passage"),
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

_NAMES_OF_PAIRS = tuple(name for names in PAIR_NAMES for name in names)
KNOWN_NAMES = frozenset((*TEXT_NAMES, *_NAMES_OF_PAIRS, *LABEL_NAMES, *_OTHER_NAMES))

# Labels that many datasets have.
LABELS = frozenset(
    ("positive", "negative", "neutral", "pos", "neg", "spam", "ham", "true", "false", "yes", "no")
)


def known(cell: str) -> bool:
    """Return whether a cell of the first row is a usual name of a column."""
    return cell.strip().lower() in KNOWN_NAMES
