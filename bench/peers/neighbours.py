"""scikit-learn's exact neighbour graph of the vectors in a file: one JSON line.
python neighbours.py FILE DIMENSION K THREADS"""
import json
import resource
import sys
import time

import numpy as np
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

file, dimension, k, threads = sys.argv[1], *map(int, sys.argv[2:])
vectors = np.fromfile(file, dtype=np.float32).reshape(-1, dimension)
with threadpool_limits(threads):
    clock, used = time.perf_counter(), time.process_time()
    # Of unit vectors the order by distance is that by cosine, and faster than metric="cosine".
    NearestNeighbors(n_neighbors=k, algorithm="brute").fit(vectors).kneighbors()
    result = {"seconds": time.perf_counter() - clock, "cpu": time.process_time() - used}
result["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(result))
