"""The first dimensions of an embedding, for embeddings of a chosen size."""

from typing import Any

from sentence_transformers.base.modules import Module


class FirstDimensions(Module):
    """Truncates embeddings to their first dimensions; the normalization after it makes them unit vectors.

    Matryoshka representation learning (Kusupati et al. 2022, arXiv 2205.13147) trains several such sizes.
    """

    config_keys = ["dimensions"]

    def __init__(self, dimensions: int):
        super().__init__()
        self.dimensions = dimensions

    def get_embedding_dimension(self) -> int:
        """Return the dimension of the embeddings."""
        return self.dimensions

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """Shorten features["sentence_embedding"] to (batch, dimensions)."""
        features["sentence_embedding"] = features["sentence_embedding"][:, : self.dimensions]
        return features

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        """Write the settings to a folder."""
        self.save_config(output_path)
