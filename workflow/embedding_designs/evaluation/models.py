"""Loads a trained model for evaluation."""

from pathlib import Path

from sentence_transformers import SentenceTransformer

from ..training.base_checks import check_positions, in_one_line
from ..training.model import load_model


def load_for_evaluation(folder: Path, max_seq_length: int) -> SentenceTransformer:
    """Return a trained model that truncates texts to `max_seq_length` tokens."""
    model = load_model(folder)
    with in_one_line(f"evaluation: {folder}"):
        check_positions(model[0], max_seq_length)
    model.max_seq_length = max_seq_length
    return model
