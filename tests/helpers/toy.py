"""Toy designs, architectures, and texts, small enough for any test."""

import os
import tempfile

import torch

ENCODER = os.path.join(tempfile.gettempdir(), f"toy-encoder-{os.getpid()}")  # made by the fixture `encoder`
BACKBONES = ["mistral", "qwen2", "qwen3", "llama"]
TRAINABLE = {"latents": 4, "heads": 2, "head_dim": 8}
ECHO = {
    "query": "Query:{text}\nQuery again:{text}",
    "document": "Document:{text}\nDocument again:{text}",
}
ONE_WORD = 'This sentence : "{text}" means in one word:"'
TINY_ENCODER = {"name": "tiny", "kind": "encoder", "model": ENCODER}
DESIGNS = {
    "eos-causal": {"attention": "causal", "pooling": {"kind": "eos", "tokens": "last"}},
    "mean-causal": {"attention": "causal", "pooling": {"kind": "mean", "tokens": "mean"}},
    "mean-bidirectional": {"attention": "bidirectional", "pooling": {"kind": "mean", "tokens": "mean"}},
    "mean-bidirectional-late": {
        "attention": {"bidirectional": "last_third"},
        "pooling": {"kind": "mean", "tokens": "mean"},
    },
    "weighted-mean-causal": {
        "attention": "causal",
        "pooling": {"kind": "weighted_mean", "tokens": "weighted_mean"},
    },
    "weighted-mean-bidirectional": {
        "attention": "bidirectional",
        "pooling": {"kind": "weighted_mean", "tokens": "weighted_mean"},
    },
    "max-causal": {"attention": "causal", "pooling": {"kind": "max", "tokens": "max"}},
    "last-k-causal": {"attention": "causal", "pooling": {"kind": "last_k", "tokens": "all", "k": 3}},
    "learned-query-bidirectional": {
        "attention": "bidirectional",
        "pooling": {"kind": "learned_query", "tokens": "all"},
    },
    "concat-causal": {
        "attention": "causal",
        "pooling": {
            "kind": "concat",
            "first": {"kind": "eos", "tokens": "last"},
            "second": {"kind": "mean", "tokens": "mean"},
        },
        "dimensions": 48,
    },
    "concat-bidirectional": {
        "attention": "bidirectional",
        "pooling": {
            "kind": "concat",
            "first": {"kind": "learned_query", "tokens": "all"},
            "second": {
                "kind": "multi_layer",
                "tokens": "last",
                **TRAINABLE,
                "layers": "all",
                "layer_weights": True,
            },
        },
    },
    "matryoshka-bidirectional": {
        "attention": "bidirectional",
        "pooling": {"kind": "mean", "tokens": "mean"},
        "dimensions": 8,
        "matryoshka": [8, 32, 16],
    },
    "latent-attention-causal": {
        "attention": "causal",
        "pooling": {"kind": "latent_attention", "tokens": "all", **TRAINABLE},
    },
    "latent-attention-bidirectional": {
        "attention": "bidirectional",
        "pooling": {"kind": "latent_attention", "tokens": "all", **TRAINABLE},
    },
    "mean-layers-causal": {
        "attention": "causal",
        "pooling": {"kind": "mean_layers", "tokens": "last", "layers": "all"},
    },
    "mean-layers-bidirectional": {
        "attention": "bidirectional",
        "pooling": {"kind": "mean_layers", "tokens": "mean", "layers": [1, 3]},
    },
    "layer-mix-causal": {
        "attention": "causal",
        "pooling": {"kind": "layer_mix", "tokens": "last", "layers": "all"},
    },
    "layer-mix-bidirectional": {
        "attention": "bidirectional",
        "pooling": {"kind": "layer_mix", "tokens": "mean", "layers": "all"},
    },
    "last-layer-causal": {
        "attention": "causal",
        "pooling": {"kind": "last_layer", "tokens": "last", **TRAINABLE},
    },
    "multi-layer-causal": {
        "attention": "causal",
        "pooling": {
            "kind": "multi_layer",
            "tokens": "last",
            **TRAINABLE,
            "layers": "all",
            "layer_weights": True,
        },
    },
    "last-layer-bidirectional": {
        "attention": "bidirectional",
        "pooling": {"kind": "last_layer", "tokens": "all", **TRAINABLE},
    },
    "multi-layer-bidirectional": {
        "attention": "bidirectional",
        "pooling": {
            "kind": "multi_layer",
            "tokens": "mean",
            **TRAINABLE,
            "layers": "all",
            "layer_weights": True,
        },
    },
    "no-layer-weights": {
        "attention": "bidirectional",
        "pooling": {
            "kind": "multi_layer",
            "tokens": "mean",
            **TRAINABLE,
            "layers": "middle_third",
            "layer_weights": False,
        },
    },
    "echo-mean-causal": {
        "attention": "causal",
        "input": "echo",
        "templates": ECHO,
        "pooling": {"kind": "mean", "tokens": "mean"},
    },
    "echo-multi-layer-bidirectional": {
        "attention": "bidirectional",
        "input": "echo",
        "templates": ECHO,
        "pooling": {
            "kind": "multi_layer",
            "tokens": "mean",
            **TRAINABLE,
            "layers": "all",
            "layer_weights": True,
        },
    },
    "prompt-eol": {
        "attention": "causal",
        "input": "prompt",
        "templates": {"query": ONE_WORD, "document": ONE_WORD},
        "pooling": {"kind": "eos", "tokens": "last"},
    },
    "mean-without-prompt": {
        "attention": "bidirectional",
        "pool_prompt": False,
        "pooling": {"kind": "mean", "tokens": "mean"},
    },
    "last-layer-without-prompt": {
        "attention": "bidirectional",
        "pool_prompt": False,
        "pooling": {"kind": "last_layer", "tokens": "all", **TRAINABLE},
    },
    "contextual": {
        "attention": "causal",
        "contextual": TINY_ENCODER,
        "pooling": {"kind": "contextual", "tokens": "first"},
    },
    "causal2vec": {
        "attention": "causal",
        "contextual": TINY_ENCODER,
        "pooling": {
            "kind": "concat",
            "first": {"kind": "contextual", "tokens": "first"},
            "second": {"kind": "eos", "tokens": "last"},
        },
    },
    "contextual-multi-layer-bidirectional": {
        "attention": "bidirectional",
        "contextual": TINY_ENCODER,
        "pooling": {
            "kind": "multi_layer",
            "tokens": "mean",
            **TRAINABLE,
            "layers": "all",
            "layer_weights": True,
        },
    },
}
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "while", "seven", "wizards"]


def sentence(seed: int, words: int = 8) -> str:
    generator = torch.Generator().manual_seed(seed)
    return " ".join(WORDS[i] for i in torch.randint(len(WORDS), (words,), generator=generator))
