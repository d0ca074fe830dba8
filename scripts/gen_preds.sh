#!/usr/bin/env bash
# Makes label images of what test_res.sh or the densecrf tool wrote, where the release's script of this name puts them.
# FEATURE_TYPE=crf takes the label maps of one of the densecrf tool's settings; what is there is written again.
. "$(dirname "$0")/experiment.sh"
. ./result_folders.sh

if [ "$FEATURE_TYPE" = crf ]; then
    features=$EXP/features/$NET_ID/$TEST_SET/crf/$POST_FOLDER
else
    features=$EXP/features/$NET_ID/$TEST_SET/$FEATURE_TYPE
fi
run $SEGAWARE_CAFFE voc gen-preds "$features" --voc "$DATA_ROOT" --output "$RESULTS/Segmentation/${ID}_${SET}_cls"
