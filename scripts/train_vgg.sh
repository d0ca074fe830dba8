#!/usr/bin/env bash
# Trains the VGG-16 network whose convolutions are all segmentation-aware, as published. INIT holds what it starts from:
# the VGG network's caffemodel, and the embeddings' after a comma.
. "$(dirname "$0")/experiment.sh"

NET_ID=${NET_ID:-segaware-all-largeFOV}
TRAIN_SET=${TRAIN_SET:-voc_train_aug}
DATASET=${DATASET:-voc12}
NUM_LABELS=${NUM_LABELS:-21}
CROP_SIZE=${CROP_SIZE:-321}
BATCH_SIZE=${BATCH_SIZE:-1}
EMBS_LR1=${EMBS_LR1:-1}
EMBS_LR2=${EMBS_LR2:-2}
MAINSCALE_LR1=${MAINSCALE_LR1:-1}
MAINSCALE_LR2=${MAINSCALE_LR2:-2}
LEARNING_RATE=${LEARNING_RATE:-0.0001}
STEP=${STEP:-120000}
ITERS=${ITERS:-360000}
SNAP=${SNAP:-60000}
SOLVER_MODE=${SOLVER_MODE:-GPU}

lists "$TRAIN_SET"
train vgg
