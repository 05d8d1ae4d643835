#!/bin/sh
# torchbox.sh VENV SCRIPT [ARGS]: runs a make script as root in mount and host-name namespaces of its own, so that what
# the frameworks write names the host node1 and paths below /home/user, not this machine:
#   /home/user/venv   VENV           /home/user/data   the testdata directory
#   /home/user/venv0  $BASE, a second environment that a .pth of the first may name, if there is one
#   /home/user/x      scratch (below $SCRATCH, default /tmp/torchbox)
set -eu
venv=$(realpath "$1"); script=$(basename "$2"); shift 2
here=$(dirname "$(realpath "$0")")
scratch=${SCRATCH:-/tmp/torchbox}
mkdir -p "$scratch/home/user/venv" "$scratch/home/user/venv0" "$scratch/home/user/data" "$scratch/home/user/x" "$scratch/tmp"
export venv script here scratch
exec unshare -u -m -p -f --mount-proc sh -euc '
hostname node1
mount --bind "$scratch/home" /home
mount --bind "$venv" /home/user/venv
mount --bind "$(dirname "$here")" /home/user/data
[ -z "${BASE:-}" ] || mount --bind "$BASE" /home/user/venv0
mount --bind "$scratch/tmp" /tmp
cd /home/user/x
exec env -i PATH=/home/user/venv/bin:/usr/local/bin:/usr/bin:/bin HOME=/home/user USER=user LOGNAME=user LANG=C.UTF-8 \
  OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 CUDA_VISIBLE_DEVICES= HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false \
  ONLY="${ONLY:-}" PYTHONDONTWRITEBYTECODE=1 \
  nice -n 10 /home/user/venv/bin/python "/home/user/data/make/$script" "$@"
' sh "$@"
