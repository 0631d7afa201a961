# Starting, finding and ending the processes of a cluster.
# Source it after common.sh and cluster_names.sh.
#
# Every process of a cluster lives in a control group below $CGROUP, from before
# its first instruction. Ending the cluster is killing that group: nothing
# else can be hit, and nothing is missed, whatever has crashed before.
# shellcheck shell=bash

# Mount points of all control group hierarchies; the first is the one that
# tracks processes (cgroup2 when there is one).
cgroup_roots() {
  awk '$3 == "cgroup2" && !seen++ {print $2}' /proc/mounts
  awk '$3 == "cgroup" && !seen[$2]++ {print $2}' /proc/mounts
}

tracking_root() { cgroup_roots | sed -n 1p; }

# make_cgroup PATH: in every hierarchy, with what a kubelet needs.
make_cgroup() {
  local root path part file
  while read -r root; do
    path=$root
    for part in ${1//\// }; do
      # cgroup2: children get the controllers that their parent offers.
      if [[ -e $path/cgroup.subtree_control ]]; then
        for file in $(<"$path/cgroup.controllers"); do
          echo "+$file" >"$path/cgroup.subtree_control" 2>/dev/null || true
        done
      fi
      path=$path/$part
      mkdir -p "$path"
      for file in cpuset.cpus cpuset.mems; do
        if [[ -e $path/$file && ! -e $path/cgroup.controllers && -z $(<"$path/$file") ]]; then
          cat "${path%/*}/$file" >"$path/$file"
        fi
      done
    done
  done < <(cgroup_roots)
}

# join_cgroup GROUP: from now on this shell ends with the cluster.
join_cgroup() { echo "$BASHPID" >"$(tracking_root)/$CGROUP/$1/cgroup.procs"; }

# close_inherited: locks and pipes of whoever called must not live on in a daemon.
close_inherited() {
  local fd
  for fd in "/proc/$BASHPID/fd"/*; do
    fd=${fd##*/}
    ((fd <= 2 || fd == 255)) || eval "exec $fd>&-"
  done
}

# spawn GROUP LOG COMMAND...: runs COMMAND detached in $CGROUP/GROUP; its
# process id is in SPAWNED.
spawn() {
  local group=$1 log=$2
  shift 2
  (
    join_cgroup "$group"
    trap - EXIT INT TERM
    close_inherited
    exec setsid "$@" </dev/null >>"$log" 2>&1
  ) &
  SPAWNED=$!
  disown "$SPAWNED"
}

start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# start_part NAME COMMAND...: a daemon of the control plane, unless it runs.
start_part() {
  local name=$1
  shift
  part_pid "$name" >/dev/null && return 0
  spawn control "$LOGS/$name.log" "$@"
  echo "$SPAWNED $(start_time "$SPAWNED")" >"$RUN/$name.pid"
}

# part_pid NAME: the process id, if it is still the process that was started.
part_pid() {
  local pid started
  read -r pid started 2>/dev/null <"$RUN/$1.pid" || return 1
  [[ -n $started && $(start_time "$pid") == "$started" ]] || return 1
  [[ $(sed 's/.*) //' "/proc/$pid/stat" | cut -c1) != Z ]] || return 1
  echo "$pid"
}

# stop_part NAME [SIGNAL]: and waits until it has gone.
stop_part() {
  local pid signal=${2:-TERM} tries
  pid=$(part_pid "$1") || return 0
  kill "-$signal" "$pid" 2>/dev/null || true
  for tries in {1..100}; do
    part_pid "$1" >/dev/null || return 0
    ((tries < 60)) || kill -KILL "$pid" 2>/dev/null || true
    sleep 0.1
  done
  die "$1 (process $pid) does not end"
}

# has_own_network PID: has it entered a network namespace other than ours?
has_own_network() {
  local theirs
  theirs=$(readlink "/proc/$1/ns/net") && [[ $theirs != "$(readlink /proc/self/ns/net)" ]]
}

cgroup_processes() {
  find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null | awk '$1 > 0'
}

# kill_cluster_processes: all at once, with everything in their namespaces.
kill_cluster_processes() {
  local root group tries
  root=$(tracking_root)
  group=$root/$CGROUP
  [[ -d $group ]] || return 0
  for tries in {1..100}; do
    if [[ -e $group/cgroup.kill ]]; then
      echo 1 >"$group/cgroup.kill"
    else
      cgroup_processes "$group" | xargs -r kill -KILL 2>/dev/null || true
    fi
    [[ -n $(cgroup_processes "$group") ]] || return 0
    sleep 0.1
  done
  die "processes in $group do not end: $(cgroup_processes "$group" | xargs)"
}

remove_cgroups() {
  local root tries left
  for tries in {1..50}; do
    left=''
    while read -r root; do
      [[ -d $root/$CGROUP ]] || continue
      find "$root/$CGROUP" -depth -type d -exec rmdir {} \; 2>/dev/null || true
      [[ ! -d $root/$CGROUP ]] || left=$root/$CGROUP
    done < <(cgroup_roots)
    [[ -n $left ]] || return 0
    sleep 0.1
  done
  die "control group $left cannot be removed after $tries tries; processes in it: $(cgroup_processes "$left" | xargs)"
}
