"""Anybody's tables: every layout and scale gives the same scores, and what is ambiguous is asked for."""

import pandas as pd
import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.scores.given_scores import OTHER, read_given

SCORES = {"STS12": {"a": 0.71, "b": 0.605}, "SciFact": {"a": 0.5, "b": 0.42}}
TABLE = pd.DataFrame(SCORES)  # models x tasks


def written(folder, table: pd.DataFrame, index: str, name: str = "scores.csv"):
    table.to_csv(folder / name, index_label=index)
    return folder / name


def scores_of(paths, **settings) -> dict[str, dict[str, float]]:
    rows = read_given(paths, **settings).rows
    return {
        task: dict(zip(own["model"], own["score"].astype(float), strict=True))
        for task, own in rows.groupby("task", sort=False)
    }


@pytest.mark.parametrize("index", ["model", "Design", "any name"])
def test_rows_can_be_models(index, tmp_path):
    assert scores_of([written(tmp_path, TABLE, index)]) == SCORES


@pytest.mark.parametrize("index", ["task", "Dataset", "any name"])
def test_rows_can_be_tasks(index, tmp_path):
    assert scores_of([written(tmp_path, TABLE.T, index)]) == SCORES


def test_a_table_can_be_tidy(tmp_path):
    tidy = TABLE.rename_axis("model").melt(ignore_index=False, var_name="task", value_name="score")
    assert scores_of([written(tmp_path, tidy, "model")]) == SCORES


FRAMES = {
    "models in a named index": TABLE.rename_axis("model"),
    "tasks in a named index": TABLE.T.rename_axis("task"),
    "models in a column": TABLE.rename_axis("model").reset_index(),
    "tasks named as MTEB does": TABLE,
    "only the columns named": TABLE.T.rename_axis(columns="model"),
    "a pivoted table": TABLE.rename_axis(index="design", columns="task"),
    "a tidy table": TABLE.rename_axis("model").melt(ignore_index=False, var_name="task", value_name="score"),
    "a tidy index": TABLE.rename_axis(index="model", columns="task").stack().rename("score").to_frame(),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_pandas_table_can_have_its_names_in_the_index(frame):
    assert scores_of([frame]) == SCORES


def test_a_wide_table_can_have_seeds_and_labels():
    frame = TABLE.rename_axis("model").reset_index()
    runs = pd.concat([frame.assign(seed=seed, pooling="mean") for seed in (1, 2, 3)])
    rows = read_given([runs]).rows
    assert rows.groupby("model")["seed"].unique().map(list).to_dict() == {
        model: ["1", "2", "3"] for model in "ab"
    }
    assert set(rows["pooling"]) == {"mean"} and set(rows["task"]) == set(SCORES)


def test_what_is_compared_is_called_as_in_the_table():
    tidy = FRAMES["a tidy table"].reset_index()
    assert read_given([tidy]).unit == "model"
    assert read_given([tidy.rename(columns={"model": "design"})]).unit == "design"


def test_files_are_read_together(tmp_path):
    files = [written(tmp_path, TABLE.loc[[model]], "model", f"{model}.csv") for model in TABLE.index]
    assert scores_of(files) == SCORES


def test_percent_is_recognized_and_said(tmp_path):
    given = read_given([written(tmp_path, 100 * TABLE, "model")])
    assert sorted(given.rows["score"].astype(float)) == [0.42, 0.5, 0.605, 0.71]
    assert given.said[-1] == "scores up to 71: taken as percent, and divided by 100"


def test_losses_are_negated_and_divided_by_one_power_of_ten(tmp_path):
    losses = pd.DataFrame({"STS12": {"a": 2.5, "b": 0.5}, "SciFact": {"a": 10.0, "b": 3.0}})
    assert scores_of([written(tmp_path, losses, "model")], higher_is_better=False) == {
        "STS12": {"a": -0.25, "b": -0.05}, "SciFact": {"a": -1.0, "b": -0.3}
    }  # fmt: skip


def test_columns_that_are_no_scores_are_left_out_and_said(tmp_path):
    more = TABLE.assign(Average=0.9, licence="MIT")
    given = read_given([written(tmp_path, more, "model")])
    assert set(given.rows["task"]) == set(SCORES)
    reasons = {name: entry.reason for entry in given.not_used for name in entry.names}
    assert reasons == {"Average": "computed from the others", "licence": "no numbers in it"}


def test_a_task_called_average_is_left_out_but_a_model_called_mean_is_not():
    named = TABLE.rename({"a": "mean"})
    given = read_given([named.T.rename_axis("task")])
    assert set(given.rows["model"]) == {"mean", "b"} and given.not_used == []
    with_summary = pd.concat([named.T, pd.DataFrame({"mean": {"Average": 0.6}, "b": {"Average": 0.5}})])
    given = read_given([with_summary.rename_axis("task")])
    assert set(given.rows["task"]) == set(SCORES)
    assert [(entry.what, entry.names) for entry in given.not_used] == [("task", ["Average"])]


@pytest.mark.parametrize("name", ["mean", "Avg.", "Mean (TaskType)", "Rank (Borda)", "Average (56 datasets)"])
def test_means_and_ranks_are_not_tasks_in_any_layout(name, tmp_path):
    table = TABLE.assign(**{name: 0.5})
    tidy = table.rename_axis("model").melt(ignore_index=False, var_name="task", value_name="score")
    paths = [
        written(tmp_path, table, "model", "columns.csv"),
        written(tmp_path, table.T, "task", "rows.csv"),
        written(tmp_path, tidy, "model", "tidy.csv"),
    ]
    for given in (read_given([path]) for path in paths):
        assert set(given.rows["task"]) == set(SCORES)
        assert [(entry.what, entry.names) for entry in given.not_used] == [("task", [name])]


@pytest.mark.parametrize("name", ["Mean field", "overall_accuracy", "RankQA", "average-case"])
def test_a_task_is_not_a_mean_only_because_its_name_begins_like_one(name, tmp_path):
    given = read_given([written(tmp_path, TABLE.assign(**{name: 0.5}), "model")])
    assert set(given.rows["task"]) == {*SCORES, name}


@pytest.mark.parametrize(
    ("header", "first", "left"),
    [("Rank,Model", "12", "Rank"), (",model", "01", "column 1"), ("team,model", "xy", "team")],
)
def test_the_column_that_names_the_models_does_not_have_to_be_the_first(header, first, left, tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text(f"{header},STS12,SciFact\n{first[0]},a,0.71,0.5\n{first[1]},b,0.605,0.42\n")
    assert scores_of([path]) == SCORES
    assert [entry.names for entry in read_given([path]).not_used] == [[left]]


def test_a_base_or_a_category_can_be_left_of_the_names(tmp_path):
    with_base = TABLE.rename_axis("model").reset_index()
    with_base.insert(0, "base", "mini")
    assert set(read_given([with_base]).rows["base"]) == {"mini"}
    assert scores_of([with_base]) == SCORES
    with_category = TABLE.T.rename_axis("task").reset_index()
    with_category.insert(0, "category", "Mine")
    assert set(read_given([with_category]).rows["category"]) == {"Mine"}
    assert scores_of([with_category]) == SCORES


def test_categories_are_the_table_s_or_mteb_s_or_other(tmp_path):
    table = pd.DataFrame({"a": {"STS12": 0.7, "mine": 0.5}, "b": {"STS12": 0.6, "mine": 0.4}})
    rows = read_given([written(tmp_path, table, "task")]).rows
    assert dict(zip(rows["task"], rows["category"], strict=True)) == {"STS12": "STS", "mine": OTHER}
    with_own = table.assign(category=["Similarity", "Search"])
    rows = read_given([written(tmp_path, with_own, "task")]).rows
    assert dict(zip(rows["task"], rows["category"], strict=True)) == {"STS12": "Similarity", "mine": "Search"}


def test_a_missing_score_is_refused_or_stays_missing(tmp_path):
    (tmp_path / "scores.csv").write_text("model,STS12,SciFact\na,71,n/a\nb,60.5,42\n")
    message = "csv: 1 score missing: a on SciFact; .*--missing drop_tasks.*--missing drop_models"
    with pytest.raises(BadInput, match=message):
        read_given([tmp_path / "scores.csv"])
    given = read_given([tmp_path / "scores.csv"], missing="drop_tasks")
    rows = given.rows.set_index(["model", "task"])["score"]
    assert rows["a", "SciFact"] == "n/a" and float(rows["b", "SciFact"]) == 0.42


HEADER = "model,STS12,SciFact\n"
REFUSED = {
    "orientation": ("thing,x,y\np,0.1,0.2\nq,0.3,0.4\n", 'csv: column "thing" does not say .* --tasks-in'),
    "a task in percent": (f"{HEADER}a,71,0.5\nb,60,0.4\n", "csv:2: task SciFact .* 0.5, and STS12 up to 71"),
    "a model in percent": (f"{HEADER}a,71,50\nb,0.6,0.4\n", "csv:3: model b .* 0.6, and a up to 71"),
    "two spellings": (f"{HEADER}A-b,0.7,0.5\na_B,0.6,0.4\n", 'csv:3: model "a_B" is spelled "A-b"'),
    "one model": (f"{HEADER}a,0.7,0.5\n", "csv: 1 model; a comparison needs two or more models"),
    "one task": ("model,STS12\na,0.7\nb,0.5\n", "csv: 1 task; a comparison needs two or more tasks"),
    "a text": (f"{HEADER}a,71,fifty\nb,60,40\n", "csv:2: model a, .*task SciFact: score .fifty. is not"),
    "too large": (f"{HEADER}a,710,500\nb,600,400\n", "csv:2: .*score .710.* is not a number from -1"),
    "no names": ("STS12,STS13\n0.7,0.5\n0.6,0.4\n", 'csv: the first column, "STS12", has only numbers'),
    "percent signs": (
        f"{HEADER}a,71%,50%\nb,60%,40%\n",
        "csv: no scores; 2 columns not used: STS12",
    ),
    "marks": (f"{HEADER}a,0.7,0.5*\nb,0.6,0.4*\n", "csv: 1 task; .*; 1 column not used: SciFact .no numbers"),
    "only a mean": ("model,Mean\na,0.7\nb,0.6\n", "csv: no scores; 1 task not used: Mean"),
    "a repeated model": (f"{HEADER}a,0.7,0.5\na,0.6,0.4\nb,0.1,0.2\n", "csv:3: a second score for model a"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_ambiguous_or_wrong_is_refused_with_its_place(text, message, tmp_path):
    (tmp_path / "scores.csv").write_text(text)
    with pytest.raises(BadInput, match=message):
        read_given([tmp_path / "scores.csv"])


def test_the_orientation_can_be_stated(tmp_path):
    (tmp_path / "scores.csv").write_text("thing,x,y\np,0.1,0.2\nq,0.3,0.4\n")
    assert scores_of([tmp_path / "scores.csv"], tasks_in="rows") == {
        "p": {"x": 0.1, "y": 0.2}, "q": {"x": 0.3, "y": 0.4}
    }  # fmt: skip
    assert scores_of([tmp_path / "scores.csv"], tasks_in="columns") == {
        "x": {"p": 0.1, "q": 0.3}, "y": {"p": 0.2, "q": 0.4}
    }  # fmt: skip


def test_a_category_given_once_holds_for_all_rows_of_its_task(tmp_path):
    (tmp_path / "s.csv").write_text(
        "model,task,score,category\na,x,0.1,Own\nb,x,0.2,\na,STS12,0.3,\nb,STS12,0.4,\n"
    )
    rows = read_given([tmp_path / "s.csv"]).rows
    assert rows["category"].tolist() == ["Own", "Own", "STS", "STS"]


def test_single_scores_that_could_be_on_another_scale_are_said(tmp_path):
    (tmp_path / "s.csv").write_text(f"{HEADER}a,71,0.5\nb,0.6,42\n")
    said = read_given([tmp_path / "s.csv"]).said[-1]
    assert said == "taken as percent, although at most 1: b on STS12 (0.6), a on SciFact (0.5)"
