"""How a design reads a text: defaults, what is refused, what it costs, and that older run configs stay."""

import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.planning.study_cost import StudyCost
from embedding_designs.scores.collect_scores import run_files
from embedding_designs.study.design_on_base import model_on
from embedding_designs.study.inputs import COPIES, tokens_read
from embedding_designs.study.memory import kept
from embedding_designs.study.model_sizes import known_backbones
from embedding_designs.study.run_configs import run_config
from embedding_designs.study.schema import study_schema
from embedding_designs.study.study import load_study
from helpers.paths import STUDIES
from helpers.toy import ECHO, ONE_WORD

PAPER = STUDIES / "paper-mistral-7b.yaml"
MEAN = {"attention": "causal", "pooling": {"kind": "mean"}}
EOS = {"attention": "causal", "pooling": {"kind": "eos"}}
BOTH = {"query": "{text} {text}", "document": "{text} {text}"}


def completed(design: dict, study: str = "paper-mistral-7b") -> dict:
    return load_study(STUDIES / f"{study}.yaml", {"designs": {"new": design}})["designs"]["new"]


def refused(design: dict, study: str = "paper-mistral-7b") -> str:
    with pytest.raises(BadInput) as error:
        completed(design, study)
    return str(error.value).partition(".yaml: ")[2]


def test_templates_default_to_those_of_the_sources():
    """jakespringer/echo-embeddings, README; PromptEOL, arXiv 2307.16645, section 3.1."""
    assert completed(MEAN)["input"] == "plain"
    assert completed(MEAN)["pool_prompt"] is True
    assert "templates" not in completed(MEAN)
    assert completed({**MEAN, "input": "echo"})["templates"] == ECHO
    assert completed({**EOS, "input": "prompt"})["templates"] == {"query": ONE_WORD, "document": ONE_WORD}
    own = {"query": "{text}\n{text}", "document": "again: {text}\n{text}"}
    assert completed({**MEAN, "input": "echo", "templates": own})["templates"] == own


def test_the_classes_and_the_schema_know_the_same_inputs():
    from embedding_designs.modules.inputs import TEMPLATES

    kinds = study_schema()["$defs"]["design"]["properties"]["input"]["enum"]
    assert set(kinds) == {"plain", *TEMPLATES} == {"plain", *COPIES}
    assert {kind: reader.copies for kind, reader in TEMPLATES.items()} == COPIES


@pytest.mark.parametrize("kind", ["last_layer", "mean_layers", "layer_mix", "multi_layer"])
def test_prompt_reads_the_last_token_with_either_attention(kind):
    design = {"attention": "bidirectional", "input": "prompt", "pooling": {"kind": kind}}
    assert completed(design)["pooling"]["tokens"] == "last"
    both = {"kind": "concat", "first": {"kind": "eos"}, "second": {"kind": kind}}
    assert completed({**design, "pooling": both})["pooling"]["second"]["tokens"] == "last"


def templates(query: str, document: str = "{text} {text}") -> dict:
    return {"templates": {"query": query, "document": document}}


@pytest.mark.parametrize(
    ("design", "line"),
    [
        ({**MEAN, "input": "ecko"}, 'designs.new.input "ecko" is not known; '),
        ({**MEAN, "templates": BOTH}, "designs.new.templates needs designs.new.input echo or prompt, not"),
        (
            {**MEAN, "input": "echo", **templates("Query:")},
            'templates.query "Query:" must contain {text} twice for input echo; it occurs 0 times',
        ),
        (
            {**MEAN, "input": "echo", **templates("{text} {text}", "{text}")},
            'templates.document "{text}" must contain {text} twice for input echo; it occurs 1 time',
        ),
        (
            {**EOS, "input": "prompt", **templates("{text} {text}:", "{text}:")},
            'templates.query "{text} {text}:" must contain {text} once for input prompt; it occurs 2 times',
        ),
        (
            {**EOS, "input": "prompt", **templates("In one word: {text}", "{text}:")},
            "ends with {text}; input prompt pools the last token of the words that must follow it",
        ),
        (
            {**MEAN, "input": "echo", **templates("{prompt} {text} {text}")},
            "has {prompt}; only {text} is replaced; a task's prompt comes before the template",
        ),
        (
            {**EOS, "input": "echo", **templates('"{text}" "{text}"')},
            "must end with its second {text} if the pooling has tokens last, so that EOS follows it",
        ),
        (
            {**MEAN, "input": "echo", "templates": {"query": "{text} {text}"}},
            "designs.new.templates.document is missing",
        ),
        (
            {**MEAN, "input": "prompt"},
            "designs.new.pooling.tokens mean does not fit input prompt, which pools the last token",
        ),
        (
            {**EOS, "input": "prompt", "pooling": {"kind": "concat"}},
            "designs.new.pooling.second.tokens mean does not fit input prompt, which pools the last token",
        ),
        (
            {**MEAN, "input": "echo", "pool_prompt": False},
            "designs.new.pool_prompt false does not fit input echo, which never pools the prompt; remove it",
        ),
        (
            {**EOS, "pool_prompt": False},
            "false does not fit tokens last: the prompt is never pooled",
        ),
        ({**MEAN, "pool_prompt": "maybe"}, 'designs.new.pool_prompt "maybe" must be true or false'),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(design, line):
    assert line in refused(design)


def test_a_prompt_that_is_not_there_cannot_be_left_out():
    line = "designs.new.pool_prompt false needs evaluation.prompts; it has no effect without a prompt"
    assert refused({**MEAN, "pool_prompt": False}, "smoke") == line
    assert completed({**MEAN, "pool_prompt": False})["pool_prompt"] is False


@pytest.mark.parametrize("end", ["", " end."])
def test_echo_with_the_mean_may_go_on_after_its_second_copy(end):
    texts = dict.fromkeys(("query", "document"), f"{{text}} {{text}}{end}")
    assert completed({**MEAN, "input": "echo", "templates": texts})["templates"] == texts


def test_the_run_config_of_a_design_without_these_keys_is_what_it_was():
    """So that what was trained before there were such keys is not trained again."""
    study = load_study(PAPER)
    design = run_config(study, "mistral-7b", "eos-causal", 1).design
    assert design == {
        "name": "eos-causal",
        "attention": "causal",
        "pooling": {"kind": "eos", "tokens": "last"},
    }
    study = load_study(
        PAPER, {"designs": {"e": {**MEAN, "input": "echo"}, "n": {**MEAN, "pool_prompt": False}}}
    )
    assert run_config(study, "mistral-7b", "e", 1).design["templates"] == ECHO
    assert run_config(study, "mistral-7b", "n", 1).design["pool_prompt"] is False


def test_tables_name_what_is_pooled(tmp_path):
    new = {
        "e": {**MEAN, "input": "echo"},
        "p": {**EOS, "input": "prompt"},
        "n": {**MEAN, "pool_prompt": False},
    }
    study = load_study(PAPER, {"designs": new, "seeds": [1]})
    named = {about["design"]: about["pooling"] for about in run_files(tmp_path, study).values()}
    assert named["e"] == "echo mean"
    assert named["p"] == "prompt eos"
    assert named["n"] == "mean without prompt"
    assert named["eos-causal"] == "eos"


def costs(design: dict) -> StudyCost:
    study = load_study(PAPER)
    study["designs"] = {"new": completed(design)}
    return StudyCost(study, "mistral-7b", known_backbones()["mistralai/Mistral-7B-v0.1"])


def test_echo_costs_twice_the_tokens_and_its_template():
    """By hand: 20 tokens of a query, 150 of each document; 19 and 25 characters of template, 4 per token."""
    templates = 19 / 4 + 2 * 25 / 4
    plain, echo = costs(MEAN), costs({**MEAN, "input": "echo"})
    per_row = echo.training().tokens / (1000 * 2048)
    assert plain.training().tokens == 1000 * 2048 * 320
    assert per_row == pytest.approx(2 * 320 + templates)
    assert 2 < echo.training().operations / plain.training().operations < 2.2
    tasks = ["STS12", "SciFact"]
    ratio = echo.evaluation("", tasks).tokens / plain.evaluation("", tasks).tokens
    assert 2 < ratio < 2.2
    assert echo.evaluation("", tasks).embeddings == plain.evaluation("", tasks).embeddings


def test_echo_keeps_twice_the_activations():
    backbone, study = known_backbones()["mistralai/Mistral-7B-v0.1"], load_study(PAPER)
    settings = {**study["bases"]["mistral-7b"]}
    memory = [
        kept(model_on(backbone, settings, completed(design)), study["training"])
        for design in (MEAN, {**MEAN, "input": "echo"})
    ]
    assert memory[1] / memory[0] == pytest.approx(2, rel=0.02)


def test_a_plain_text_is_read_once():
    assert tokens_read(completed(MEAN), 100, "query") == 100
