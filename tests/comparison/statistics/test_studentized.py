"""Expected numbers come from R 4.2, scipy and Dunnett's printed table."""

import numpy as np
import pytest
from scipy import stats

from embedding_designs.comparison.statistics.studentized import critical_value, dunnett_sf, tukey_sf


@pytest.mark.parametrize(
    ("q", "k", "df", "p"),
    [
        (3.5, 5, 10, 0.1726246621),
        (4.2, 8, 16, 0.1219429271),
        (5.0, 20, 40, 0.09205893291),
        (5.5, 57, 114, 0.1164281667),
    ],
)
def test_the_studentized_range_is_rs(q, k, df, p):
    assert tukey_sf(q, k, df)[0] == pytest.approx(p, abs=1e-8)  # ptukey(q, k, df, lower = FALSE)


@pytest.mark.parametrize(
    ("k", "df", "q"), [(2, 4, 3.926503350), (5, 10, 4.654293076), (8, 16, 4.896220465), (20, 40, 5.357511566)]
)
def test_its_quantiles_are_rs(k, df, q):
    assert critical_value(tukey_sf, 0.05, k, df) == pytest.approx(
        q, abs=1e-4
    )  # qtukey(.95, k, df), whose eps is 1e-4


def test_small_p_values_keep_their_digits():
    assert tukey_sf(20.0, 5, 10)[0] == pytest.approx(stats.studentized_range.sf(20.0, 5, 10), rel=1e-5)


@pytest.mark.parametrize(
    ("k", "df", "t"), [(3, 5, 3.03), (3, 10, 2.57), (5, 10, 2.89), (5, 20, 2.65), (10, 20, 2.95)]
)
def test_dunnetts_quantiles_are_those_he_prints(k, df, t):
    # Dunnett (1964, Biometrics 20:482), two-sided, alpha .05, k - 1 treatments and a control
    assert critical_value(dunnett_sf, 0.05, k, df) == pytest.approx(t, abs=0.0051)


def test_with_two_groups_both_are_students_t():
    t = np.array([0.5, 2.0, 4.0])
    expected = 2 * stats.t.sf(t, 7)
    assert tukey_sf(t * np.sqrt(2), 2, 7) == pytest.approx(expected, abs=1e-12)
    assert dunnett_sf(-t, 2, 7) == pytest.approx(expected, abs=1e-12)


def test_values_in_several_chunks_keep_their_order():
    q = np.linspace(0, 9, 200)
    p = tukey_sf(q, 6, 12)
    assert p.shape == (200,) and p[0] == pytest.approx(1) and (np.diff(p) <= 0).all()
