"""`python -m segaware_caffe` is `segaware-caffe`."""

import sys

from segaware_caffe.cli import main

sys.exit(main())
