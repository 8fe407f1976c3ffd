# Exact search as NumPy does it, and nearest-neighbour graphs by faiss and scikit-learn. One JSON line answers another.
import json
import os
import sys
import time

import numpy as np

file, dimension, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
vectors = np.fromfile(file, dtype=np.float32).reshape(-1, dimension)


def best(queries, k):
    scores = queries @ vectors.T if len(queries) > 1 else (vectors @ queries[0])[None]
    some = np.argpartition(scores, -k, axis=1)[:, -k:]
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1)
    return np.take_along_axis(some, order, axis=1)


def faiss_graph(rows, k):
    import faiss

    faiss.omp_set_num_threads(threads)
    index = faiss.IndexFlatIP(dimension)
    index.add(vectors[:rows])
    return index.search(vectors[:rows], k + 1)[1][:, 1:]


def sklearn_graph(rows, k):
    from sklearn.neighbors import NearestNeighbors

    # of unit vectors the order by distance is that by cosine, and faster than metric="cosine"
    return NearestNeighbors(n_neighbors=k, algorithm="brute").fit(vectors[:rows]).kneighbors(return_distance=False)


print(json.dumps({"ready": np.__version__}), flush=True)
for line in sys.stdin:
    task = json.loads(line)
    if task["kind"] == "search":
        queries = vectors[task["first"] : task["first"] + task["many"]] + np.float32(0)
        work = lambda: best(queries, task["k"])
    else:
        graph = {"faiss": faiss_graph, "scikit-learn": sklearn_graph}[task["kind"]]
        work = lambda: graph(task["rows"], task["k"])
    start = time.perf_counter()
    found = work()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "found": found[:64].ravel().tolist()}), flush=True)
