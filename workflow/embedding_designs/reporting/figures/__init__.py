"""The figures of a study: functions of results and an `ax` that return the `ax`; nothing is tested here.

`looks` says how a design is drawn in every figure, and draws scores and losses; `critical_difference` draws
the diagram of that name, by `two_sided_ranks` or, where labels would collide, by `rank_rows`; `significance`
draws the table of all pairs; `comparison` draws differences to the control and the interaction of pooling
and attention. `study_figures` puts each into a figure of a given width, with `panels`, `legend`, `captions`.
`text` measures and shortens names, and `fonts` chooses the fonts that have their letters.
"""
