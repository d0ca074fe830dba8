#!/usr/bin/env bash
# Evaluates the label images that gen_preds.sh made. The test set's labels are known to VOC's server only.
. "$(dirname "$0")/experiment.sh"
. ./result_folders.sh

case $TEST_SET in
    voc_val | voc_val_f) SET=val ;;
    voc_reduced) ;;
    *)
        echo "This is test set. No evaluation. Just saved as png"
        exit
        ;;
esac
run $SEGAWARE_CAFFE voc evaluate --predictions "$RESULTS/Segmentation/${ID}_${SET}_cls" --labels "$DATA_ROOT/SegmentationClass" \
    --list "$DATA_ROOT/ImageSets/Segmentation/$SET.txt" --json "$RESULTS/${ID}_$SET.json"
