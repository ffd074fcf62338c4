#!/usr/bin/env bash
# Start a private SLURM (munged, slurmctld, one slurmd per node) in DIR. It needs neither systemd, /etc, nor root.
# All its nodes are this machine.
#
#     eval "$(GPUS=2 CPUS=4 slurm-up.sh DIR)"    exports SLURM_CONF and PATH
#     slurm-down.sh DIR
#
# NODES: number of nodes (default 1). GPUS: fake GPUs per node, at most 6 (default 1). CPUS: CPUs that each node reports
# (default: all). PORT: the first of NODES + 1 free ports. The path of DIR must be short, because it holds a Unix socket.
set -euo pipefail
DIR=$(realpath -m "${1:?usage: slurm-up.sh DIR}")
NODES=${NODES:-1}
GPUS=${GPUS:-1}
CPUS=${CPUS:-$(nproc)}
PORT=${PORT:-16817}
HOST=$(hostname -s)
MEMORY=$(($(awk '/MemTotal/{print $2}' /proc/meminfo) / 1024 - 512))

mkdir -p "$DIR"/{munge,state,spool,log,bin}
chmod 755 "$DIR" "$DIR/munge"
[ -s "$DIR/munge/key" ] || (umask 077; head -c 1024 /dev/urandom > "$DIR/munge/key")
munged --force --key-file="$DIR/munge/key" --socket="$DIR/munge/sock" --pid-file="$DIR/munge/pid" \
  --log-file="$DIR/munge/log" --seed-file="$DIR/munge/seed" >&2

# A fake GPU must be a character device: with a regular file, CUDA_VISIBLE_DEVICES is not set; without any file, the node
# is invalid.
DEVICES=(/dev/null /dev/zero /dev/full /dev/urandom /dev/random /dev/tty)
: > "$DIR/gres.conf"
for ((gpu = 0; gpu < GPUS; gpu++)); do
  echo "NodeName=node[1-$NODES] Name=gpu Type=fake File=${DEVICES[$gpu]}" >> "$DIR/gres.conf"
done
GRES=$([ "$GPUS" -gt 0 ] && echo "Gres=gpu:fake:$GPUS" || true)

# KillWait, MinJobAge, and JobRequeue have SLURM's default values. The scheduler's intervals are short for the tests, and
# so is cred_expire, the seconds that a requeued job waits. Memory is checked every two seconds, without cgroups, and a job
# that exceeds its limit is killed.
cat > "$DIR/slurm.conf" <<CONF
ClusterName=local
SlurmctldHost=$HOST(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$DIR/munge/sock,cred_expire=10
CryptoType=crypto/munge
SlurmctldPort=$PORT
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool/%n
SlurmctldPidFile=$DIR/slurmctld.pid
SlurmdPidFile=$DIR/slurmd-%n.pid
SlurmctldLogFile=$DIR/log/slurmctld.log
SlurmdLogFile=$DIR/log/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
AccountingStoreFlags=job_comment
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$DIR/log/jobcomp.log
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
ReturnToService=2
MessageTimeout=20
MinJobAge=300
KillWait=30
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,defer_batch
DefMemPerCPU=100
$(for ((node = 1; node <= NODES; node++)); do
  echo "NodeName=node$node NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$((PORT + node))" \
    "CPUs=$CPUS RealMemory=$MEMORY $GRES State=UNKNOWN"
done)
PartitionName=main Nodes=ALL Default=YES MaxTime=24:00:00 DefaultTime=10 State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=24:00:00 DefaultTime=10 State=UP PriorityTier=10
CONF
export SLURM_CONF="$DIR/slurm.conf"
slurmctld -f "$SLURM_CONF" >&2
for ((node = 1; node <= NODES; node++)); do
  mkdir -p "$DIR/spool/node$node"
  slurmd -f "$SLURM_CONF" -N "node$node" >&2
done
for _ in $(seq 1 100); do
  STATE=$(sinfo -h -p main -o %T 2> /dev/null | paste -sd, || true)
  [ "$STATE" = idle ] && break
  sleep 0.2
done
if [ "$STATE" != idle ]; then
  echo "SLURM did not come up: '$STATE'" >&2
  tail -n 20 "$DIR"/log/slurmd-*.log "$DIR"/log/slurmctld.log >&2
  exit 1
fi

# Snakemake's executor removes SLURM_CONF inside a job, so this srun sets it again. A cluster with its configuration in
# /etc/slurm does not need this.
printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' "$SLURM_CONF" "$(command -v srun)" > "$DIR/bin/srun"
chmod +x "$DIR/bin/srun"
echo "export SLURM_CONF=$SLURM_CONF PATH=$DIR/bin:\$PATH"
