"""Whether a model is right as often as it is sure, and the one number that mends it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]

BINS = 15
_RESAMPLES = 1000

# Temperatures are looked for between a twentieth and twenty times.
_LONGEST_LOG = float(np.log(20))
_SMALLEST_PROBABILITY = 1e-45

# Gaps are looked for by halving this many times.
_HALVINGS = 24


@dataclass(frozen=True)
class _Bins:
    """The rows by confidence; each array is (BINS,), empty bins have zeros."""

    rows: np.ndarray
    confidence: np.ndarray  # mean
    accuracy: np.ndarray

    @property
    def gaps(self) -> np.ndarray:
        gaps: np.ndarray = self.accuracy - self.confidence
        return gaps

    @property
    def error(self) -> float:
        return float((self.rows * np.abs(self.gaps)).sum() / self.rows.sum())


def expected_calibration_error(probabilities: np.ndarray, references: np.ndarray) -> float:
    """Return how far confidence and accuracy are apart: the mean over 15 bins, by their rows.

    The confidence is the probability (0 to 1) of the predicted label, the bins are equally wide
    and closed on the right: Guo et al. 2017, "On Calibration of Modern Neural Networks", eq. 3.
    """
    return _bins(probabilities, references).error


def reliability_bins(probabilities: np.ndarray, references: np.ndarray) -> list[dict[str, Any]]:
    """Return each bin's bounds, rows, mean confidence and accuracy; null where it has no rows."""
    bins = _bins(probabilities, references)
    return [
        {
            "low": number / BINS,
            "high": (number + 1) / BINS,
            "rows": int(rows),
            "confidence": float(confidence) if rows else None,
            "accuracy": float(accuracy) if rows else None,
        }
        for number, (rows, confidence, accuracy) in enumerate(
            zip(bins.rows, bins.confidence, bins.accuracy, strict=True)
        )
    ]


def calibration_interval(
    probabilities: np.ndarray,
    references: np.ndarray,
    accuracy: tuple[float, float],
    levels: tuple[float, float],
    chance: np.random.Generator,
) -> tuple[float, float]:
    """Return an interval for the calibration error, at `levels` such as (0.025, 0.975).

    `accuracy` is the interval of the accuracy at the same levels.

    The error of a sample is too high on average: chance gaps count as gaps, for a perfectly
    calibrated model too. Percentiles of resampled rows carry the bias twice; in simulations they
    never held the true value of a calibrated model, and the basic bootstrap did so in 60 of 100.
    So a test is inverted (Carpenter 1999): for models whose gaps are c times the observed ones,
    samples are drawn, and those c are kept whose samples give the observed error neither too
    rarely above nor below. The rows of the bins are drawn anew each time, the gap of a bin
    from the normal distribution of a share. Its variance is half that at the accuracy (drawn
    towards the confidence by one row, for bins with few) and half that at the confidence, as in
    the consistency resampling of Broecker and Smith 2007: the first alone held the true value in
    89 to 96 of 100 samples, the larger of the two in 96 to 100, this in 92 to 98.

    The error is never smaller than the gap between accuracy and mean confidence over all rows, so
    the interval reaches at least as far as the accuracy's interval is from that confidence: a
    model that is sure of every row, and was right, need not be right always.

    The interval may lie below the error itself: that is the bias. It begins at 0 where the error
    is no larger than chance would make it.
    """
    bins = _bins(probabilities, references)
    total = int(bins.rows.sum())
    shrunk = (bins.rows * bins.accuracy + bins.confidence) / (bins.rows + 1)
    variance = (shrunk * (1 - shrunk) + bins.confidence * (1 - bins.confidence)) / 2
    rows = chance.multinomial(total, bins.rows / total, size=_RESAMPLES)
    noise = chance.standard_normal((_RESAMPLES, BINS)) * np.sqrt(rows * variance)

    def error_at(scale: float, level: float) -> float:
        errors = np.abs(rows * scale * bins.gaps + noise).sum(axis=1) / total
        return float(np.quantile(errors, level))

    low, high = (bins.error * _scale(bins.error, level, error_at) for level in reversed(levels))
    confidence = float((bins.rows * bins.confidence).sum() / total)
    farthest = max(abs(end - confidence) for end in accuracy)
    return low, min(max(high, farthest), 1.0)


def fit_temperature(probabilities: np.ndarray, references: np.ndarray) -> float | None:
    """Return the temperature that makes the true labels likeliest (Guo et al. 2017, section 4.2).

    `probabilities` (rows, labels) and `references` (rows,) are of rows that were not trained on.
    Dividing by a temperature above 1 makes a model less sure. Returns None with fewer than two
    labels or no rows; the temperature is looked for between 0.05 and 20.
    """
    if not len(references) or probabilities.shape[1] < 2:
        return None
    logs = _log(probabilities)

    def loss(log_temperature: float) -> float:
        scaled = logs / np.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        given = scaled[np.arange(len(references)), references]
        return float((np.log(np.exp(scaled).sum(axis=1)) - given).mean())

    # Convex in 1/T, so the one minimum is found from anywhere.
    found = minimize_scalar(loss, bounds=(-_LONGEST_LOG, _LONGEST_LOG), method="bounded")
    return float(np.exp(found.x))


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return the probabilities (rows, labels) that logits divided by the temperature give."""
    scaled = _log(probabilities) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    softmax: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return softmax


def _scale(observed: float, level: float, error_at: Any) -> float:
    """Return how many times the gaps must be for `observed` to be the error at this level."""
    if error_at(0.0, level) >= observed:
        return 0.0
    below, above = 0.0, 1 / observed
    for _ in range(_HALVINGS):
        middle = (below + above) / 2
        if error_at(middle, level) < observed:
            below = middle
        else:
            above = middle
    return (below + above) / 2


def _bins(probabilities: np.ndarray, references: np.ndarray) -> _Bins:
    confidence = np.minimum(probabilities.max(axis=1), 1.0)
    right = probabilities.argmax(axis=1) == references
    edges = np.arange(1, BINS) / BINS
    places = np.digitize(confidence, edges, right=True)
    rows = np.bincount(places, minlength=BINS)
    sums = (np.bincount(places, values, minlength=BINS) for values in (confidence, right))
    return _Bins(rows, *(values / np.maximum(rows, 1) for values in sums))


def _log(probabilities: np.ndarray) -> np.ndarray:
    logs: np.ndarray = np.log(np.maximum(probabilities, _SMALLEST_PROBABILITY))
    return logs
