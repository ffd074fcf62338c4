"""The similarity of layers to each other, from their embeddings of the same texts."""

import numpy as np


def pearson(states: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation of each two layers, (layers, layers), over the dimensions of an embedding.

    It is computed for each text and averaged over the texts (arXiv 2409.02727, figure 1). It depends on the
    basis, which the layers of a residual network share. states: (texts, layers, dim).
    """
    centered = states - states.mean(axis=2, keepdims=True)
    lengths = np.linalg.norm(centered, axis=2, keepdims=True)
    units = np.divide(centered, lengths, out=np.zeros_like(centered), where=lengths > 0)
    return np.mean([text @ text.T for text in units], axis=0)


def linear_cka(states: np.ndarray) -> np.ndarray:
    """Return the linear centered kernel alignment of each two layers, (layers, layers).

    CKA(X, Y) = |Y'X|² / (|X'X| |Y'Y|), with Frobenius norms, of columns centered over the texts (Kornblith
    et al. 2019, arXiv 1905.00414, section 3). It compares how the layers arrange the texts, and does not
    change if a layer is rotated or scaled. |Y'X|² = <XX', YY'>, so texts x texts matrices suffice.
    states: (texts, layers, dim).
    """
    centered = (states - states.mean(axis=0)).transpose(1, 0, 2)  # (layers, texts, dim)
    kernels = np.stack([layer @ layer.T for layer in centered]).reshape(len(centered), -1)
    lengths = np.linalg.norm(kernels, axis=1, keepdims=True)
    units = np.divide(kernels, lengths, out=np.zeros_like(kernels), where=lengths > 0)
    return units @ units.T
