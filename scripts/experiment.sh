# What the experiment scripts beside this file share; they source it. They run in this folder, because the networks and
# solvers name their files segaware/... from here. Every variable of a script may be set from outside:
#
#     TEST_SET=voc_val ITERS=1449 DATA_ROOT=/data/VOC2012 GPU_ID= ./test_res.sh      (an empty GPU_ID: the CPU)
set -euo pipefail
set -a # the templates' placeholders are filled in from the environment
cd "$(dirname "${BASH_SOURCE[0]}")"
PYTHONPATH=$(cd .. && pwd)${PYTHONPATH:+:$PYTHONPATH}

CAFFE_BIN=${CAFFE_BIN:-./caffe.bin}
SEGAWARE_CAFFE=${SEGAWARE_CAFFE:-${PYTHON:-python3} -m segaware_caffe}
TEMPLATES=${TEMPLATES:-configs} # the project's own, wherever the package is
EXP=${EXP:-segaware}
DATA_ROOT=${DATA_ROOT:-$HOME/datasets/VOC2012}
GPU_ID=${GPU_ID-0}

# half of what a filter of size $1 and dilation $2 covers
half_coverage() {
    echo $((($1 + ($1 - 1) * ($2 - 1)) / 2))
}

# fills in the template $1 and writes it to $2
render() {
    mkdir -p "$(dirname "$2")"
    $SEGAWARE_CAFFE render "$TEMPLATES/$1" --environment --output "$2"
}

# writes the list of the set $1 and its ids, if they are not there
lists() {
    test -f "$EXP/list/$1.txt" || $SEGAWARE_CAFFE voc lists "$DATA_ROOT" --output "$EXP/list" --subset "${1#voc_}"
}

# says what it runs, and runs it
run() {
    echo "Running $*"
    "$@"
}

# trains the network $NET_ID on $TRAIN_SET by its templates of the family $1, from the weights $INIT if there are any;
# goes on from the snapshot $RESUME if there is one
train() {
    CONFIG_DIR=$EXP/config/$NET_ID
    GLOG_log_dir=$EXP/log/$NET_ID
    mkdir -p "$EXP/model/$NET_ID" "$GLOG_log_dir"
    render "$1/train.prototxt" "$CONFIG_DIR/train_$TRAIN_SET.prototxt"
    render "$1/solver.prototxt" "$CONFIG_DIR/solver_$TRAIN_SET.prototxt"
    run "$CAFFE_BIN" train --solver="$CONFIG_DIR/solver_$TRAIN_SET.prototxt" ${GPU_ID:+--gpu="$GPU_ID"} \
        ${INIT:+--weights="$INIT"} ${RESUME:+--snapshot="$RESUME"}
}
