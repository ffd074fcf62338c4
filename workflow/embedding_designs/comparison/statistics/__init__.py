"""Tests which designs differ: pure functions of one complete table of scores, no file read or written.

Claims about these checkpoints come from tests over tasks: `ranks` asks whether any design differs and which
(Friedman, Nemenyi, cliques, Holm over the categories); `pairwise` compares every two designs (Wilcoxon with
Holm, and the paper's uncorrected rule); `control` compares each design with the control; `equivalence` asks
whether two designs are practically the same; `pools` asks whether a verdict hangs on who else is compared;
`attainable` says what so few tasks cannot decide. Claims about these designs come from runs as replicates:
`runs` asks whether newly trained runs would differ too (p-values from `studentized`); `factors` tells pooling
from attention (by the `contrasts` that the designs allow); `intervals` gives ranks and differences their
intervals; `power` says which difference would be seen, and how many tasks or runs that takes.
"""
