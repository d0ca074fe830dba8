#!/usr/bin/env bash
# Trains the embedding network with its contrastive side losses on COCO's labels, as published. DATA_ROOT is COCO's folder;
# the release ships no list, so $EXP/list/coco_trainval.txt must be made: a photograph and its label image on each line.
# The layers are called conv1_1 and so on, as those of VGG's main branch, and not emb1_1 as in the networks that use
# embeddings: rename them before these weights go into one of those (the wrong layers would take them without a word).
. "$(dirname "$0")/experiment.sh"

NET_ID=${NET_ID:-logpolar_embs_coco}
TRAIN_SET=${TRAIN_SET:-coco_trainval}
CROP_SIZE=${CROP_SIZE:-161}
BATCH_SIZE=${BATCH_SIZE:-20}
LEARNING_RATE=${LEARNING_RATE:-0.001}

MASK_SIZE=${MASK_SIZE:-3}
MASK_DILATION=${MASK_DILATION:-1}
MASK2_SIZE=${MASK2_SIZE:-3}
MASK2_DILATION=${MASK2_DILATION:-2}
MASK3_SIZE=${MASK3_SIZE:-3}
MASK3_DILATION=${MASK3_DILATION:-5}
# all three from the first mask, as in test_res.sh, which says why; the published network has these pads
MASK_PAD=$(half_coverage "$MASK_SIZE" "$MASK_DILATION")
MASK2_PAD=$(half_coverage "$MASK_SIZE" "$MASK_DILATION")
MASK3_PAD=$(half_coverage "$MASK_SIZE" "$MASK_DILATION")

train embs
