"""Similarities of layers agree with hand calculations and have the properties that their papers state."""

import numpy as np
import pytest

from embedding_designs.layers.similarity import linear_cka, pearson


@pytest.fixture
def states():
    """Return states of two layers, (texts, layers, dim)."""
    return np.random.default_rng(0).normal(size=(30, 2, 8))


def rotation(size: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(1).normal(size=(size, size)))[0]


def test_cka_of_a_case_calculated_by_hand():
    """X = (1, 0, -1) and Y = (1, 1, -2), both centered: (X'Y)² = 9, |X'X| = 2, |Y'Y| = 6: 9 / 12."""
    states = np.array([[[1.0], [1.0]], [[0.0], [1.0]], [[-1.0], [-2.0]]])
    assert linear_cka(states) == pytest.approx(np.array([[1, 0.75], [0.75, 1]]))


def test_cka_of_two_dimensions_calculated_by_hand():
    """X = Y except for a column that is 0: Y'X = diag(2, 0), X'X = diag(2, 2): 4 / (2 √2 · 2)."""
    first = np.array([[1, 1], [-1, 1], [1, -1], [-1, -1]]) / np.sqrt(2)
    states = np.stack([first, first * [1, 0]], axis=1)
    assert linear_cka(states)[0, 1] == pytest.approx(4 / (2 * np.sqrt(2) * 2))


def test_cka_is_the_ratio_of_frobenius_norms(states):
    """Kornblith et al. 2019, section 3: |Y'X|² / (|X'X| |Y'Y|) with centered columns."""
    x, y = (layer - layer.mean(axis=0) for layer in states.transpose(1, 0, 2))
    norms = [np.linalg.norm(left.T @ right) for left, right in ((y, x), (x, x), (y, y))]
    assert linear_cka(states)[0, 1] == pytest.approx(norms[0] ** 2 / (norms[1] * norms[2]))


def test_a_rotated_scaled_and_shifted_layer_is_the_same_for_cka(states):
    """Kornblith et al. 2019, section 2: invariant to orthogonal transformations and isotropic scaling."""
    changed = np.stack([states[:, 0], 3 * states[:, 0] @ rotation(8) + 5], axis=1)
    assert linear_cka(changed) == pytest.approx(np.ones((2, 2)))


def test_an_invertible_linear_map_is_not_the_same_for_cka(states):
    stretched = np.stack([states[:, 0], states[:, 0] * np.arange(1, 9)], axis=1)
    assert linear_cka(stretched)[0, 1] < 0.95


def test_pearson_is_the_mean_of_each_texts_correlation(states):
    expected = np.mean([np.corrcoef(text) for text in states], axis=0)
    assert pearson(states) == pytest.approx(expected)


def test_pearson_depends_on_the_basis_and_not_on_scale_and_shift(states):
    shifted = np.stack([states[:, 0], 2 * states[:, 0] + 1], axis=1)
    assert pearson(shifted) == pytest.approx(np.ones((2, 2)))
    turned = np.stack([states[:, 0], states[:, 0] @ rotation(8)], axis=1)
    assert pearson(turned)[0, 1] < 0.9


def test_equal_embeddings_of_all_texts_have_similarity_zero_and_no_warning():
    constant = np.ones((5, 2, 3))
    assert linear_cka(constant) == pytest.approx(np.zeros((2, 2)))
    assert pearson(constant) == pytest.approx(np.zeros((2, 2)))
