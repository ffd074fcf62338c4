"""The small base: word vectors with known geometry, a tokenizer that loses nothing, a loss that falls."""

import json

import numpy as np
import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from embedding_designs.common.errors import BadInput
from embedding_designs.training.pretrain_base import pretrain, token_sequences
from embedding_designs.training.word_vectors import cooccurrences, positive_information, word_vectors

CONFIG = {
    "name": "tiny", "architecture": "qwen2", "vocabulary": 300, "hidden_size": 16, "intermediate_size": 32,
    "layers": 2, "heads": 2, "word_vectors": True, "steps": 40, "batch_size": 4, "sequence_length": 16,
    "learning_rate": 0.01, "seed": 0,
}  # fmt: skip
TEXTS = ["the cat sat on the mat and the cat slept", "a naïve façade – quoted “text”\n\tstays"] * 40


def test_cooccurrences_are_counted_within_a_text_and_symmetric():
    counts = cooccurrences([[0, 1, 2], [2, 3]], vocabulary=5).toarray()
    by_hand = np.zeros((5, 5))
    for a, b in [(0, 1), (0, 2), (1, 2), (2, 3)]:
        by_hand[a, b] = by_hand[b, a] = 1
    np.testing.assert_array_equal(counts, by_hand)


def test_information_is_the_log_ratio_to_chance_and_never_negative():
    counts = cooccurrences([[0, 1], [0, 1], [0, 1], [2, 3]], vocabulary=4)
    totals = np.array([3.0, 3.0, 1.0, 1.0])
    smoothed = totals**0.75 / (totals**0.75).sum()
    information = positive_information(counts).toarray()
    assert information[0, 1] == pytest.approx(np.log(3 / (3 * smoothed[1])))
    assert information[2, 3] == pytest.approx(np.log(1 / (1 * smoothed[3])))
    assert information.min() >= 0


def test_words_of_like_contexts_get_like_vectors():
    texts = [[0, 2], [0, 3], [1, 2], [1, 3], [4, 6], [4, 7], [5, 6], [5, 7]] * 3
    vectors = word_vectors(texts, vocabulary=9, dimension=4)
    vectors, unseen = vectors[:8], vectors[8]
    assert np.allclose(unseen, 0)
    cosines = (vectors @ vectors.T) / np.outer(*[np.linalg.norm(vectors, axis=1)] * 2)
    assert cosines[0, 1] > 0.99
    assert abs(cosines[0, 4]) < 0.01


def test_sequences_hold_every_text_with_its_eos():
    rows = token_sequences([[5, 6], [7], [8, 9, 10]], eos=2, length=3)
    assert rows.tolist() == [[5, 6, 2], [7, 2, 8], [9, 10, 2]]


def test_a_pretrained_base_is_a_normal_transformers_folder_and_learned(tmp_path):
    pretrain(CONFIG, TEXTS, tmp_path / "base", tmp_path / "log.jsonl")
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.8 * np.log(300)  # clearly below chance over 300 tokens
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "base")
    assert tokenizer.decode(tokenizer(TEXTS[1])["input_ids"]).strip() == TEXTS[1]
    assert tokenizer.eos_token_id not in (None, tokenizer.pad_token_id)
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "base").config.model_type == "qwen2"


@pytest.mark.parametrize(
    ("learning_rate", "message"),
    [
        (
            1e30,
            r"bases\.tiny\.pretrain: .* not finite at step \d of 40, learning rate \S+e\+\d+; lower",
        ),
        (float("inf"), r"not finite at step 2 of 40, learning rate inf"),
    ],
)
def test_a_pretraining_stops_at_the_step_whose_numbers_are_not_finite(learning_rate, message, tmp_path):
    with pytest.raises(BadInput, match=message):
        pretrain({**CONFIG, "learning_rate": learning_rate}, TEXTS, tmp_path / "base", tmp_path / "log.jsonl")
    assert not (tmp_path / "base").exists()


def test_weights_that_the_last_step_made_infinite_are_not_saved(tmp_path):
    config = {**CONFIG, "steps": 1, "learning_rate": float("inf")}
    with pytest.raises(BadInput, match="not finite at step 1 of 1"):
        pretrain(config, TEXTS, tmp_path / "base", tmp_path / "log.jsonl")


def test_fewer_tokens_than_a_sequence_are_refused(tmp_path):
    message = r"pretrain\.sequence_length 16 is more than the \d+ tokens of the docstrings"
    with pytest.raises(BadInput, match=message):
        pretrain(CONFIG, ["a cat"], tmp_path / "base", tmp_path / "log.jsonl")
