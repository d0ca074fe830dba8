#!/usr/bin/env bash
# Trains the embeddings and the CRF on top of a ResNet network that is given and frozen, as published: 5000 iterations of
# 10 images. INIT is that network's caffemodel (DeepLab's ResNet-101 of three scales).
. "$(dirname "$0")/experiment.sh"

NET_ID=${NET_ID:-res}
TRAIN_SET=${TRAIN_SET:-voc_trainval_aug}
CROP_SIZE=${CROP_SIZE:-321}
HALF_SIZE=${HALF_SIZE:-161}
BATCH_SIZE=${BATCH_SIZE:-1}
MAIN_LR1=${MAIN_LR1:-0}
FINAL_LR1=${FINAL_LR1:-0}
FINAL_LR2=${FINAL_LR2:-0}
EMBS_LR1=${EMBS_LR1:-1}
EMBS_LR2=${EMBS_LR2:-2}
CRF_LR1=${CRF_LR1:-1}
CRF_LR2=${CRF_LR2:-1}
LEARNING_RATE=${LEARNING_RATE:-0.00025}
ITER_SIZE=${ITER_SIZE:-10}
# here the iterations to train for; in test_res.sh the images to test
ITERS=${ITERS:-5000}
SNAP=${SNAP:-5000}

lists "$TRAIN_SET"
train res
