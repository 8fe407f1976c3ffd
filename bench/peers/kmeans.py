"""scikit-learn's k-means on vectors in a file: one JSON line out for each JSON line in."""
import json
import resource
import sys
import time
import warnings

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

warnings.filterwarnings("ignore")
file, dimension, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
X = np.fromfile(file, dtype=np.float32).reshape(-1, dimension)


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


with threadpool_limits(threads):
    for line in sys.stdin:
        ask = json.loads(line)
        k = ask["clusters"]
        init = X[ask["start"]].copy() if "start" in ask else "k-means++"
        clock, used = time.perf_counter(), cpu()
        found = KMeans(k, init=init, n_init=1, max_iter=ask["iterations"], tol=0, random_state=ask.get("seed", 0)).fit(X)
        print(json.dumps({
            "seconds": time.perf_counter() - clock,
            "cpu": cpu() - used,
            "inertia": float(found.inertia_),
            "iterations": int(found.n_iter_),
        }), flush=True)
