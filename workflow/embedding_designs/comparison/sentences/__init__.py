"""What the tests of one comparison found, in plain English: pure functions of its results.

`claims` lists the sentences by kind of claim; `verdict`, `undecidable`, `best_set`, `checkpoints`, `designs`,
and `factors` write those of one kind each, with the wording that they share in `phrases`. `categories` puts
the categories of a base side by side. Nothing is computed here.
"""
