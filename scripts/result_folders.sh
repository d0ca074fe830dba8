# Where gen_preds.sh puts label images and eval.sh looks for them; both source it.
NET_ID=${NET_ID:-res}
TEST_SET=${TEST_SET:-voc_test}
FEATURE_TYPE=${FEATURE_TYPE:-mycrf}
ID=${ID:-comp6}
# the densecrf tool's settings, which name the folder of its results
BI_W=${BI_W:-3}
BI_X_STD=${BI_X_STD:-77}
BI_R_STD=${BI_R_STD:-4}
POS_W=${POS_W:-2}
POS_X_STD=${POS_X_STD:-2}
POST_FOLDER=post_densecrf_W${BI_W}_XStd${BI_X_STD}_RStd${BI_R_STD}_PosW${POS_W}_PosXStd${POS_X_STD}

SET=${TEST_SET:4}
post=none
test "$FEATURE_TYPE" != crf || post=$POST_FOLDER
RESULTS=$EXP/results/$NET_ID/$TEST_SET/$FEATURE_TYPE/$post/results/VOC2012
