"""Memory: what each training and evaluation takes, so that only what fits together runs at the same time."""

from embedding_designs.common import gpus, machine
from embedding_designs.study import memory

# On a cluster, the scheduler knows its machines, and the profile states the memory of each rule.
if workflow.is_main_process and workflow.resource_settings.nodes is None:
    if not {"mem", "mem_mb", "mem_mib"} & set(workflow.global_resources):
        workflow.register_resource("mem_mb", machine.memory_mb())


def training_memory(wildcards):
    """Return the memory of a training, in MB."""
    return memory.training_mb(STUDY, wildcards.base, wildcards.design, on_gpu=gpus.count() > 0)


def evaluation_memory(wildcards):
    """Return the memory of an evaluation, in MB: that of a run, or the largest of those of a base."""
    design = getattr(wildcards, "design", None)
    return memory.evaluation_mb(STUDY, wildcards.base, design, on_gpu=gpus.count() > 0)


def pretraining_memory(wildcards):
    """Return the memory of pretraining a base, in MB."""
    return memory.pretraining_mb(STUDY, wildcards.base)
