import numpy as np
import scipy.misc


def load(name, size):
    "A picture of any size, halved until it fits, as BGR."
    picture = scipy.misc.imread(name)
    while picture.shape[0] / 2 >= size[0]:
        picture = scipy.misc.imresize(picture, (picture.shape[0] / 2, picture.shape[1] / 2))
    picture = scipy.misc.imresize(picture, tuple(size))
    print 'loaded', name, np.float(picture.mean()) > 0
    return picture[:, :, ::-1].transpose(2, 0, 1)
