#!/usr/bin/env bash
# Stop the daemons that slurm-up.sh DIR started, and no others, by their PID files.
DIR=$(realpath -m "${1:?usage: slurm-down.sh DIR}")
FILES=("$DIR"/slurmd-*.pid "$DIR/slurmctld.pid" "$DIR/munge/pid")
for file in "${FILES[@]}"; do
  [ -s "$file" ] && kill "$(cat "$file")" 2> /dev/null
done
for _ in $(seq 1 50); do
  alive=0
  for file in "${FILES[@]}"; do
    [ -s "$file" ] && kill -0 "$(cat "$file")" 2> /dev/null && alive=1
  done
  [ $alive = 0 ] && exit 0
  sleep 0.1
done
exit 1
