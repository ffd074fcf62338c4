"""A small valid study."""


def small_study() -> dict:
    return {
        "bases": {"tiny": {"model": "some/model"}},
        "data": {"source": "file", "path": "train.jsonl"},
        "designs": {
            "eos-causal": {"attention": "causal", "pooling": {"kind": "eos"}},
            "multi": {"attention": "bidirectional", "pooling": {"kind": "multi_layer"}},
        },
        "evaluation": {"tasks": {"STS": ["STS12", "STS13"], "Retrieval": ["NFCorpus"]}},
    }
