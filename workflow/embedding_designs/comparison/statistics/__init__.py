"""Tests which designs differ: pure functions of one complete table of scores, without any file access.

Claims about these checkpoints come from tests over tasks: `ranks` tests whether and which designs differ
(Friedman, Nemenyi, cliques, Holm over the categories), `permutations` does so without an approximation;
`pairwise` compares all pairs (Wilcoxon with Holm, and the paper's uncorrected rule); `control` compares each
design with the control; `equivalence` tests whether two designs are practically the same; `best_over_tasks`
finds the designs that could be the best, and confidence sets of all ranks (from `sign_changes`), and
`together` corrects its sets for the number of categories; `resolution` counts what is separated; `pools`
checks whether a verdict depends on the other designs; and `attainable` says what cannot be decided with this
many tasks. Claims about these designs treat runs as replicates: `runs` tests whether newly trained runs would
differ too (with p-values from `studentized`), `quasi_f` whether they would on new tasks as well,
`best_over_runs` finds the designs that could be the best, and `factors` separates pooling from attention
(with the `contrasts` that the designs allow). `intervals` has the intervals of ranks and differences; `power`
says which differences are detectable, and with how many tasks or runs. `finite` refuses missing and infinite
numbers in the arguments of all of them.
"""
