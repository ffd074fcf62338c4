"""Which pooling and attention design makes the better LLM-based embedding model?

Each rule of the workflow calls one module here as `python -m embedding_designs.<module>`. In run order:

    study, harvest, fetch_*, prepare_data, docstring_tasks   what is studied, and on which data
    pretrain, launch, train                                  models
    evaluate, evaluate_baseline, published_scores, collect  scores
    compare, draw, findings, complete_model                  claims, figures, the page, the model cards
    plan_cost                                                what all this will cost

Beside them stands what they share; the folders hold the inner parts of one stage each.
"""
