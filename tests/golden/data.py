"""Makes the data sets of tests/tests/data.rs with numpy and safetensors.

    python data.py FOLDER

writes the same six samples of shape [2, 3] with classes 0, 1, 2, 0, 1, 2, as every format that is read: value
[i, j, k] of the samples is 6 i + 3 j + k, and in the files of f32 and f64 half of it.
"""

import gzip
import pathlib
import struct
import sys

import numpy as np
from safetensors.numpy import save_file

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
x = np.arange(36, dtype=np.uint8).reshape(6, 2, 3)
y = np.arange(6) % 3
half = x / 2

np.save(folder / "u8.npy", x)
np.save(folder / "f4.npy", half.astype("<f4"))
np.save(folder / "f8-fortran.npy", np.asfortranarray(half))
np.save(folder / "f4-big-endian.npy", half.astype(">f4"))
np.save(folder / "labels.npy", y)
np.savez(folder / "stored.npz", x=x, y=y)
np.savez_compressed(folder / "deflated.npz", images=half.astype(np.float16), targets=y.astype(np.uint8))
save_file({"x": half.astype(np.float32), "y": y}, folder / "set.safetensors")


def idx(array, code):
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.tobytes()


(folder / "six-images-idx3-ubyte").write_bytes(idx(x, 8))
(folder / "six-labels-idx1-ubyte").write_bytes(idx(y.astype(np.uint8), 8))
(folder / "six-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(x, 8), mtime=0))
(folder / "six-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(y.astype(np.uint8), 8), mtime=0))
