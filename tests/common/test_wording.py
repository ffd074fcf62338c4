"""Lists in words."""

from embedding_designs.common.wording import listing


def test_long_lists_are_cut():
    assert listing(["a"], 4) == "a"
    assert listing(list("abcd"), 4) == "a, b, c, and d"
    assert listing(list("abcdefg"), 4) == "a, b, c, and 4 more"
    assert listing(list("abcdefg")) == "a, b, c, d, e, f, and g"
