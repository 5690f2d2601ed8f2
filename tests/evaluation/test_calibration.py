import numpy as np
import pytest
import torch

from tui_finetune.evaluation.calibration import (
    apply_temperature,
    expected_calibration_error,
    fit_temperature,
    reliability_bins,
)


def test_the_temperature_of_a_model_too_sure_by_a_known_factor_is_that_factor(draw):
    truth, scores, _ = draw(np.random.default_rng(0), 50_000, sureness=1.7)
    assert fit_temperature(scores, truth) == pytest.approx(1.7, abs=0.04)


def test_the_temperature_is_the_one_that_torch_finds(draw):
    truth, scores, _ = draw(np.random.default_rng(1), 400, sureness=2.5)
    logits, labels = torch.tensor(scores).log(), torch.tensor(truth)
    temperature = torch.ones(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([temperature], max_iter=200, line_search_fn="strong_wolfe")

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(logits / temperature, labels)
        loss.backward()
        return loss

    optimizer.step(step)
    assert fit_temperature(scores, truth) == pytest.approx(temperature.item(), rel=1e-3)


def test_the_fitted_temperature_brings_confidence_to_accuracy_on_other_rows(draw):
    chance = np.random.default_rng(2)
    validation, scores, _ = draw(chance, 5000, sureness=2.0)
    test, others, _ = draw(chance, 5000, sureness=2.0)
    scaled = apply_temperature(others, fit_temperature(scores, validation))
    before = expected_calibration_error(others, test)
    assert expected_calibration_error(scaled, test) < before / 3
    assert (scaled.argmax(axis=1) == others.argmax(axis=1)).all()


def test_temperature_is_the_softmax_of_divided_logits():
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 0.0, 30.0]], dtype=torch.float64)
    expected = (logits / 2.5).softmax(dim=-1).numpy()
    assert apply_temperature(logits.softmax(dim=-1).numpy(), 2.5) == pytest.approx(expected)


def test_there_is_no_temperature_without_rows_or_with_one_label():
    assert fit_temperature(np.empty((0, 2)), np.empty(0, dtype=int)) is None
    assert fit_temperature(np.ones((3, 1)), np.zeros(3, dtype=int)) is None


@pytest.mark.parametrize("right", [True, False])
def test_the_temperature_stays_in_bounds_for_probabilities_of_0_and_1(right):
    truth = np.array([0, 1] * 5)
    scores = np.eye(2)[truth if right else 1 - truth]
    temperature = fit_temperature(scores, truth)
    assert 0.05 <= temperature <= 20
    assert np.isfinite(apply_temperature(scores, temperature)).all()


def test_the_bins_hold_every_row_once_and_closed_on_the_right():
    scores = np.array([[0.6, 0.4], [0.61, 0.39], [1.0, 0.0], [0.0, 1.0]])
    bins = reliability_bins(scores, np.array([0, 1, 0, 0]))
    assert len(bins) == 15
    rows = {number: entry["rows"] for number, entry in enumerate(bins) if entry["rows"]}
    assert rows == {8: 1, 9: 1, 14: 2}
    assert bins[8]["high"] == 0.6
    assert (bins[14]["confidence"], bins[14]["accuracy"]) == (1.0, 0.5)
    assert (bins[0]["confidence"], bins[0]["accuracy"]) == (None, None)
