"""A budget gives each design the steps that cost as much, and changes no other config."""

import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.planning.study_cost import StudyCost
from embedding_designs.study.budget import design_steps, run_budget, tuning_steps, with_steps
from embedding_designs.study.model_sizes import backbone_of
from embedding_designs.study.run_configs import config, config_names, point_config, run_config
from embedding_designs.study.study import load_study
from helpers.paths import STUDIES

BASE = {"pretrain": {"layers": 2, "hidden_size": 8, "heads": 2, "intermediate_size": 16, "vocabulary": 300,
                     "word_vectors": False}}  # fmt: skip
EOS = {"attention": "causal", "pooling": {"kind": "eos"}}
FOUR_LETTERS = {"query": "{text}abcd{text}", "document": "{text}abcd{text}"}  # one token
ECHO = {"attention": "causal", "pooling": {"kind": "mean"}, "input": "echo", "templates": FOUR_LETTERS}
MEAN = {"attention": "bidirectional", "pooling": {"kind": "mean"}}
MNTP = {**MEAN, "adaptation": {"kind": "mntp", "steps": 3, "batch_size": 8, "mask_share": 0.25}}
LATENT = {"attention": "bidirectional", "pooling": {"kind": "latent_attention", "latents": 4, "heads": 2,
                                                    "head_dim": 4}}  # fmt: skip
TRAINING = {"steps": 20, "batch_size": 2, "gradient_accumulation_steps": 4, "warmup_steps": 5,
            "max_seq_length": 10}  # fmt: skip
# A step is 8 rows of three texts of 10 tokens: 240 tokens. The backbone has 2 layers of 4 x 8 x 8 weights for
# attention and 3 x 8 x 16 for the feed-forward layer, 1,280 in total, so a token takes 2 x 1,280 operations,
# and attention to each token of its text 4 x 2 layers x 8.
STEP = 240
PASS = 240 * (2 * 1280 + 64 * 10)  # operations of the forward passes of a step: 768,000


def study(designs: dict, budget: dict | None = None, **keys) -> dict:
    """Return the smoke study with other designs on a base that is made by hand."""
    loaded = load_study(STUDIES / "smoke.yaml")
    training = {**loaded["training"], **TRAINING} | ({"budget": budget} if budget else {})
    bases = {"b": load_study(STUDIES / "smoke.yaml", {"bases": {"tiny": BASE}})["bases"]["tiny"]}
    return {**loaded, "bases": bases, "designs": designs, "training": training, **keys}


def steps(designs: dict, **budget) -> list[int]:
    made = study(designs, budget)
    return [design_steps(made, "b", name) for name in designs]


def test_echo_reads_twice_the_tokens_and_its_template_and_has_less_than_half_the_steps():
    """20 steps of 240 tokens; a step of echo reads 24 x (2 x 10 + 1) = 504."""
    assert steps({"eos": EOS, "echo": ECHO}, tokens="eos") == [20, 20 * STEP // 504] == [20, 9]
    assert steps({"eos": EOS, "echo": ECHO}, tokens="echo") == [42, 20]


def test_a_number_is_the_budget_of_every_base_and_no_step_exceeds_it():
    assert steps({"eos": EOS, "echo": ECHO}, tokens=504 * 3) == [6, 3]
    assert steps({"eos": EOS, "echo": ECHO}, tokens=504 * 3 - 1) == [6, 2]


def test_flops_count_three_passes_and_those_of_the_pooling():
    """Full fine-tuning: three passes each. Latent attention on 8 dimensions has 4 x 8 x 8 weights for
    attention, 12 x 8 x 8 in its feed-forward layer, and 4 x 8 latents: 1,056; and 4 x 8 more operands per
    token, two operations each."""
    latent = 240 * 2 * (1056 + 32)
    assert run_budget(study({"eos": EOS, "mean": MEAN}, {"flops": "eos"}), "b") == 20 * 3 * PASS
    assert (
        steps({"eos": EOS, "latent": LATENT}, flops="eos") == [20, 20 * PASS // (PASS + latent)] == [20, 11]
    )
    assert steps({"eos": EOS, "latent": LATENT}, tokens="eos") == [20, 20]


def test_an_adaptation_is_paid_from_the_budget_and_the_named_design_keeps_its_steps():
    """3 steps of 8 texts of 10 tokens: the tokens of one training step. In FLOPs, also the head, 2 x 300 x 8
    twice for a quarter of the tokens: 240 x 2 x 4,800 / 4 operations, a quarter of a training step."""
    designs = {"eos": EOS, "mntp": MNTP}
    assert steps(designs, tokens="eos") == [20, 19]
    assert steps(designs, tokens="mntp") == [21, 20]
    assert steps(designs, flops="eos") == [20, 18]
    assert steps(designs, flops="mntp") == [21, 20]


def test_a_budget_of_exactly_some_steps_loses_none_to_rounding():
    for number in range(1, 60):
        made = study({"eos": EOS}, {"flops": "eos"})
        made["training"] |= {"steps": number, "max_seq_length": 7}
        assert design_steps(made, "b", "eos") == number


def test_tuning_has_its_share_of_the_budget_and_pays_no_adaptation():
    designs = {"eos": EOS, "echo": ECHO, "mntp": MNTP}
    tuning = {"grid": {"learning_rate": [0.1]}, "steps": 10, "seed": 9}
    for budget in ("eos", "mntp", 20 * STEP):
        made = study(designs, {"tokens": budget}, tuning=tuning)
        assert [tuning_steps(made, "b", name) for name in designs] == [10, 4, 10]
    small = study(designs, {"tokens": "eos"}, tuning=tuning | {"steps": 1})
    assert tuning_steps(small, "b", "echo") == 1
    assert config(made, "tuning/b/echo")["steps"] == 4
    assert config(made, "points/b/echo/learning_rate-0.1")["training"]["steps"] == 4


def test_the_warmup_changes_in_proportion_and_leaves_a_step():
    recipe = {"steps": 20, "warmup_steps": 5, "budget": {"flops": "eos"}}
    assert with_steps(recipe, 40) == {"steps": 40, "warmup_steps": 10}
    assert with_steps(recipe, 9) == {"steps": 9, "warmup_steps": 3}  # 2.25, rounded up
    assert with_steps(recipe, 1) == {"steps": 1, "warmup_steps": 0}
    assert with_steps(recipe | {"warmup_steps": 0}, 7)["warmup_steps"] == 0


def test_only_designs_with_other_steps_get_other_runs():
    """A step of echo costs 504 x (2 x 1,280 + 64 x 21) operations: 20 steps of 768,000 pay for 7.8."""
    designs = {"eos": EOS, "mean": MEAN, "echo": ECHO}
    plain, equal = study(designs), study(designs, {"flops": "eos"})
    names = [name for name in config_names(plain) if name.split("/")[0] not in ("study", "tuning")]
    assert names == [name for name in config_names(equal) if name != "study"]
    changed = {name for name in names if config(plain, name) != config(equal, name)}
    assert changed == {"runs/b/echo/seed1", "runs/b/echo/seed2"}
    run = run_config(equal, "b", "echo", 1).training
    assert run == run_config(plain, "b", "echo", 1).training | {"steps": 7, "warmup_steps": 2}
    assert list(run) == list(run_config(plain, "b", "echo", 1).training)  # the same JSON


def test_a_point_has_the_recipe_of_its_steps_whatever_those_of_a_run():
    tuning = {"grid": {"learning_rate": [0.1]}, "steps": 10, "seed": 9}
    made = study({"eos": EOS, "echo": ECHO}, {"tokens": "eos"}, tuning=tuning)
    plain = study({"eos": EOS, "echo": ECHO}, tuning=tuning)
    point = "learning_rate-0.1"
    assert point_config(made, "b", "eos", point) == point_config(plain, "b", "eos", point)
    assert point_config(made, "b", "echo", point).training["warmup_steps"] == 1  # 5 x 4 / 20


def test_the_estimated_cost_has_the_steps_of_each_design():
    made = study({"eos": EOS, "echo": ECHO}, {"tokens": "eos"}, tuning={"grid": {"learning_rate": [1, 2]},
                 "steps": 10, "seed": 9})  # fmt: skip
    cost = StudyCost(made, "b", backbone_of(made["bases"]["b"]))
    assert cost.training().tokens == pytest.approx((20 * STEP + 9 * 504) / 2)
    (tuning,) = cost.tuning()
    assert tuning.what == "tuning, 4 trainings of 4 to 10 steps"
    assert tuning.tokens == pytest.approx(2 * (10 * STEP + 4 * 504))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"budget": {}}, "training.budget must have exactly one of flops and tokens"),
        ({"budget": {"flops": 1, "tokens": 1}}, "training.budget must have exactly one of flops and tokens"),
        ({"budget": {"hours": 1}}, "training.budget.hours is not known; choose from flops, tokens"),
        (
            {"budget": {"flops": "eos"}},
            'training.budget.flops "eos" is neither a number nor a design of this study; choose from eos-',
        ),
        ({"budget": {"flops": True}}, "training.budget.flops true must be a number or text"),
        ({"budget": {"tokens": 0}}, "training.budget.tokens 0 must be greater than 0"),
        ({"budget": {"tokens": ".inf"}}, 'training.budget.tokens "inf" is neither a number nor a design'),
        (
            {"budget": {"tokens": 1e30}},
            "training.budget gives eos-causal 9.19e+26 steps (base tiny); at most",
        ),
    ],
)
def test_a_wrong_budget_is_one_line(keys, message):
    with pytest.raises(BadInput) as error:
        load_study(STUDIES / "smoke.yaml", {"training": keys})
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_number_from_the_command_line_is_a_number():
    loaded = load_study(STUDIES / "smoke.yaml", {"training": {"budget": {"tokens": "1e6"}}})
    assert loaded["training"]["budget"] == {"tokens": 1e6}


def test_a_budget_that_does_not_pay_a_step_names_the_design_its_cost_and_the_budget():
    """smoke: 10 steps of 16 rows of 20 + 24 + 24 tokens, 1,088 per step; the adaptation reads 5,000 texts."""
    designs = {"adapted": {**MEAN, "adaptation": {"kind": "mntp", "steps": 500, "batch_size": 10}}}
    keys = {"designs": designs, "training": {"budget": {"tokens": "eos-causal"}}}
    with pytest.raises(BadInput) as error:
        load_study(STUDIES / "smoke.yaml", keys)
    assert str(error.value).endswith(
        "training.budget.tokens: adapted with a single step costs 114,421 tokens, 113,333 of them for its "
        "adaptation, more than the budget of 10,880 (base tiny); raise the budget or lower "
        "designs.adapted.adaptation.steps"
    )
    keys = {"training": {"budget": {"tokens": 1000}}}
    with pytest.raises(BadInput, match="eos-causal with a single step costs 1,088 tokens, more than"):
        load_study(STUDIES / "smoke.yaml", keys)


def test_a_base_of_unknown_size_is_named_with_what_to_do():
    keys = {"bases": {"mistral-7b": {"model": "my/own"}}, "training": {"budget": {"flops": "eos-causal"}}}
    with pytest.raises(BadInput) as error:
        load_study(STUDIES / "paper-mistral-7b.yaml", keys)
    assert str(error.value).endswith(
        "training.budget needs the sizes of base mistral-7b, which are not known; add them to "
        "workflow/embedding_designs/study/base_sizes.csv, or remove training.budget"
    )


def test_a_tuned_warmup_does_not_fit_a_budget():
    tuning = {"grid": {"learning_rate": [0.1], "warmup_steps": [1, 2]}, "steps": 2, "seed": 9}
    with pytest.raises(BadInput, match=r"tuning\.grid\.warmup_steps does not fit training\.budget"):
        load_study(STUDIES / "smoke.yaml", {"tuning": tuning, "training": {"budget": {"tokens": 1e6}}})
