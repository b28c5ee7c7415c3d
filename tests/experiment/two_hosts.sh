# What tests of two processes on two hosts share; to be sourced by a script whose first argument is an experiment's
# binary. The hosts are network namespaces: the script's own, where rank 0 runs, and another one.
#
# Skipped where this user may not make namespaces, or iproute2 is missing.
if [ -z "${IN_NAMESPACE:-}" ]; then
  for tool in ip unshare nsenter; do
    PATH=$PATH:/usr/sbin:/sbin command -v $tool >/dev/null || { echo "skipped: there is no $tool"; exit 0; }
  done
  unshare --map-root-user --net true 2>/dev/null || { echo "skipped: namespaces are not allowed here"; exit 0; }
  IN_NAMESPACE=1 exec unshare --map-root-user --net "$0" "$@"
fi
PATH=$PATH:/usr/sbin:/sbin
binary=$PWD/$1
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
unset ECG_PTBXL_DIR BUILD_WORKING_DIRECTORY
for name in ${!OMPI_@} ${!PMI_@} ${!SLURM_@} ${!TORCHELASTIC_@}; do unset "$name"; done

failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

unshare --net sleep 3600 &
other=$!
trap 'kill $other' EXIT
until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
there=(nsenter --target $other --net)
ip link set lo up && "${there[@]}" ip link set lo up || { echo "skipped: no network can be made here"; exit 0; }

# connect DEVICE OTHER_DEVICE gives the ends of a cable their addresses, and moves the other one to the other host.
connect() {
  ip link set "$2" netns $other && ip address add 10.77.0.1/24 dev "$1" && ip link set "$1" up &&
    "${there[@]}" ip address add 10.77.0.2/24 dev "$2" && "${there[@]}" ip link set "$2" up
}

# start RANK FLAG... starts the process of this rank on its host, $! in the background.
start() {
  local rank=$1 host=(env)
  shift
  [ "$rank" = 0 ] || host=("${there[@]}")
  RANK=$rank WORLD_SIZE=2 LOCAL_RANK=0 LOCAL_WORLD_SIZE=1 MASTER_ADDR=10.77.0.1 MASTER_PORT=29500 \
    "${host[@]}" "$binary" --demo_records=200 --output_dir=run "$@" >out"$rank" 2>err"$rank" &
}
