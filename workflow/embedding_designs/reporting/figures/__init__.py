"""The figures of a study: functions of results and an `ax` that return the `ax`; no tests are computed here.

`looks` defines how each design is drawn, and draws scores and losses; `critical_difference` draws the
diagram of that name, with `two_sided_ranks` or, if labels would collide, with `rank_rows`; `significance`
draws the table of all pairs; `comparison` draws differences from the control and the interaction of pooling
and attention; `verdict_matrix` draws the verdicts at a glance. `study_figures` puts each into a figure of a
given width, with `panels`, `legend`, and `captions`. `text` measures and shortens names, and `fonts` chooses
fonts that have their letters.
"""
