"""A model that embeds a text as a bag of its words, for our encoder and, independently, for mteb."""

import zlib

import numpy as np
from mteb.models.abs_encoder import AbsEncoder
from mteb.models.model_meta import ModelMeta


def word_bags(texts: list[str]) -> np.ndarray:
    """Return a bag of words for each text, (texts, 64)."""
    bags = np.full((len(texts), 64), 0.01, dtype=np.float32)
    for bag, text in zip(bags, texts, strict=True):
        for word in text.split():
            bag[zlib.crc32(word.encode()) % 64] += 1
    return bags


class WordBags:
    """What our Encoder needs of a model."""

    def encode(self, texts: list[str], **kwargs) -> np.ndarray:
        return word_bags(texts)


class WordBagsForMteb(AbsEncoder):
    """The same embeddings of the batches of mteb's loader, with no code of ours."""

    def __init__(self):
        self.mteb_model_meta = ModelMeta.create_empty({"name": "bag/of-words", "revision": "1"})

    def encode(self, inputs, **kwargs) -> np.ndarray:
        return word_bags([text for batch in inputs for text in batch["text"]])
