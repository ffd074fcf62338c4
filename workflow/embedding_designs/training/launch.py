"""Runs a command of this stage once per GPU of a job, through `accelerate launch`; on one GPU, directly.

python -m embedding_designs.training.launch --processes 8 train_design CONFIG.json …
python -m embedding_designs.training.launch --processes 16 --nodes 2 --accelerate ZERO2.yaml train_design …

--accelerate names a file that `accelerate config` wrote, such as profiles/accelerate/zero2.yaml. The numbers
of processes and nodes, and how they find each other, are set here. Several nodes are started with srun.
"""

import argparse
import importlib.util
import os
import sys
from pathlib import Path

from ..common import gpus
from ..common.command import CONSOLE, command
from ..common.errors import BadInput
from .console import keep_console


def accelerate_command(
    processes: int, nodes: int, config: str, module: str, arguments: list[str]
) -> list[str]:
    """Return the `accelerate launch` of this node."""
    options: dict[str, str | int] = {"num_processes": processes, "num_machines": nodes}
    options |= {"mixed_precision": "no", "dynamo_backend": "no"}  # the recipe's is set in training
    if nodes > 1:
        options |= {
            "machine_rank": os.environ["SLURM_NODEID"],
            "main_process_ip": os.environ["SLURM_LAUNCH_NODE_IPADDR"],  # of the first node, which calls srun
            "main_process_port": 20000 + int(os.environ["SLURM_JOB_ID"]) % 10000,
        }
    else:
        options |= {"machine_rank": 0, "main_process_port": 0}  # any free port
    return [
        *[sys.executable, "-m", "accelerate.commands.launch"],
        *(["--config_file", config] if config else ["--multi_gpu"]),
        *[text for name, value in options.items() for text in (f"--{name}", str(value))],
        *["--module", f"embedding_designs.training.{module}", *arguments],
    ]


def check_config(config: Path) -> None:
    """Raise BadInput if accelerate's configuration does not exist, or needs what is not installed."""
    if not config.is_file():
        raise BadInput(f"--accelerate {config}: no such file")
    if "distributed_type: DEEPSPEED" in config.read_text() and not importlib.util.find_spec("deepspeed"):
        raise BadInput(
            f"--accelerate {config}: DeepSpeed is not installed; `pip install deepspeed` (conda: add it to"
            " envs/train.yaml), or leave out the resource accelerate of rule train_design"
        )


def on_all_nodes(nodes: int) -> list[str]:
    """Return the srun that runs this same command once on each node of the job."""
    if "SLURM_JOB_ID" not in os.environ:
        raise BadInput(f"--nodes {nodes}: more than one node needs a SLURM job")
    each = [f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", "--kill-on-bad-exit=1"]
    if cores := os.environ.get("SLURM_CPUS_PER_TASK"):
        each.append(f"--cpus-per-task={cores}")  # since SLURM 22.05 srun does not inherit the job's
    return [
        "srun",
        *each,
        sys.executable,
        "-m",
        "embedding_designs.training.launch",
        "--on-node",
        *sys.argv[1:],
    ]


@command
def main() -> None:
    """Run a command of this stage on several GPUs."""
    parser = argparse.ArgumentParser(description=main.__doc__, allow_abbrev=False)
    parser.add_argument("--processes", type=int, default=1, help="processes, one per GPU, over all nodes")
    parser.add_argument("--nodes", type=int, default=1, help="nodes of the SLURM job")
    parser.add_argument("--accelerate", default="", help="configuration file of accelerate")
    parser.add_argument("--on-node", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("module", help="command of this stage, such as train_design")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()

    processes, nodes = max(1, chosen.processes), max(1, chosen.nodes)
    if processes % nodes:
        raise BadInput(f"--processes {processes}: cannot be shared by {nodes} nodes")
    if chosen.accelerate and processes > 1:
        check_config(Path(chosen.accelerate))
    if nodes > 1 and not chosen.on_node:
        os.environ.pop(CONSOLE, None)  # a descriptor of this node: progress goes to the log
        start = on_all_nodes(nodes)
    elif processes > 1:
        gpus.choose(processes // nodes)
        keep_console()
        start = accelerate_command(processes, nodes, chosen.accelerate, chosen.module, chosen.arguments)
    else:
        gpus.choose(1)
        start = [sys.executable, "-m", f"embedding_designs.training.{chosen.module}", *chosen.arguments]
    sys.stdout.flush()
    os.execvp(start[0], start)


if __name__ == "__main__":
    main()
