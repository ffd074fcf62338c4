"""Memory: what each training and evaluation takes, so that only what fits together runs at the same time."""

from embedding_designs.common import gpus, machine
from embedding_designs.study import memory

# A cluster's scheduler knows its machines, and the profile states the memory of each rule.
ON_CLUSTER = workflow.resource_settings.nodes is not None
ON_GPU = ON_CLUSTER or gpus.are_used()

if workflow.is_main_process and not ON_CLUSTER and "mem_mb" not in workflow.global_resources:
    workflow.register_resource("mem_mb", machine.memory_mb())


def pretraining_memory(wildcards):
    """Return the memory of pretraining a base, in MB."""
    return memory.pretraining_mb(STUDY, wildcards.base)


def adaptation_memory(wildcards):
    """Return the memory of adapting a base, in MB."""
    return memory.adaptation_mb(STUDY, wildcards.base, wildcards.adaptation, ON_GPU)


def training_memory(wildcards):
    """Return the memory of a training, in MB."""
    return memory.training_mb(STUDY, wildcards.base, wildcards.design, ON_GPU)


def evaluation_memory(wildcards):
    """Return the memory of evaluating a run, in MB."""
    return memory.evaluation_mb(STUDY, wildcards.base, wildcards.design, wildcards.batch, ON_GPU)


def baseline_memory(wildcards):
    """Return the memory of evaluating a baseline, in MB."""
    return memory.evaluation_mb(STUDY, wildcards.base, None, on_gpu=ON_GPU)


def layers_memory(wildcards):
    """Return the memory of analyzing the layers of a run or of an untrained base, in MB."""
    design = None if wildcards.model in layers.UNTRAINED else wildcards.model.split("/")[0]
    return memory.evaluation_mb(STUDY, wildcards.base, design, on_gpu=ON_GPU)
