"""What the tests of one comparison found, in plain English: pure functions of its results.

`claims` lists the sentences by kind of claim; `best_set`, `together`, `undecidable`, `checkpoints`,
`resolution`, `designs`, and `factors` write those of one kind each, with the wording that they share in
`phrases`. Nothing is computed here.
"""
