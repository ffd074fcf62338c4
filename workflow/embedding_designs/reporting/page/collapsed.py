"""The warning about collapsed runs at the top of the findings page."""

from collections.abc import Collection, Sequence

from ...common.collapse import collapse_in_words
from ...common.wording import counted, few, listing
from ...scores.collapsed_runs import CollapsedRun, left_out, run_name


def warning(collapsed: Sequence[CollapsedRun], n_runs: int, compared: Collection[str]) -> list[str]:
    """Return what the page says about collapsed runs, in sentences; nothing if there are none.

    n_runs: the number of all runs of the study; compared: the bases that are on the page.
    """
    if not collapsed:
        return []
    names = few([run_name(run.base, run.design, run.seed) for run in collapsed])
    return [
        f"{len(collapsed)} of {counted(n_runs, 'run')} collapsed: {names} "
        f"({collapse_in_words(collapsed[0].documents)}).",
        "This shows that the settings of the training, such as its learning rate, do not suit the design; it "
        "is not evidence about the design itself.",
        *(
            f"{listing(left_out(collapsed, base))} on {base}: scores are shown, but no test includes them."
            if base in compared
            else f"{base} is not on this page, because fewer than two of its designs can be compared; its "
            f"scores are in scores.csv and its training logs in runs/{base}."
            for base in dict.fromkeys(run.base for run in collapsed)
        ),
    ]
