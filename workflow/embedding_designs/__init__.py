"""Which pooling and attention design makes the better LLM-based embedding model?

Each folder is a stage of the workflow; a rule runs the module of its own name in its stage's folder:

    study        read and check a study file; run configs
    fetching     what comes from the Hugging Face hub
    data         training triplets, docstring tasks
    modules      the Sentence Transformers modules, which travel with each saved model
    training     train_design, pretrain_base
    evaluation   evaluate_run, evaluate_baseline
    scores       one table of scores, from the runs or from published scores
    comparison   statistical tests and the sentences that state their results
    reporting    figures, the findings page, model cards
    planning     what a study costs, before it is run
    common       what the stages share

In a notebook, `from embedding_designs import compare` compares a table of scores without the workflow, and
`embedding_designs.statistics` has the tests as functions of a wide table (docs/library.md).
"""

from importlib import import_module

PUBLIC = {"compare": ".reporting.compare_table", "statistics": ".statistics"}  # where each name is from

__all__ = ["compare", "statistics"]


def __getattr__(name: str):
    """Import what is public when it is first used, so that no command pays for it."""
    if name not in PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(PUBLIC[name], __name__)
    return getattr(module, name, module)
