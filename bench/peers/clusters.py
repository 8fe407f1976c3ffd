"""scikit-learn's clusters of unit vectors in a file, and their scores: one JSON line out for each JSON line in."""
import json
import sys
import time
import warnings

import numpy as np
from sklearn import metrics
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans

warnings.filterwarnings("ignore")
X = np.fromfile(sys.argv[1], dtype=np.float32).reshape(-1, int(sys.argv[2]))
METHODS = {
    "kmeans": lambda: KMeans(10, n_init=3, random_state=0),
    "ward": lambda: AgglomerativeClustering(10, linkage="ward"),
    "hdbscan": lambda: HDBSCAN(min_cluster_size=19, min_samples=5),
}

for line in sys.stdin:
    ask = json.loads(line)
    labels = np.asarray(ask["labels"])
    start = time.perf_counter()
    found = METHODS[ask["method"]]().fit_predict(X)
    seconds = time.perf_counter() - start
    kept = found >= 0
    table = metrics.cluster.contingency_matrix(labels, found)
    print(json.dumps({
        "clusters": int(len(set(found[kept]))),
        "noise": int((~kept).sum()),
        "ari": metrics.adjusted_rand_score(labels, found),
        "nmi": metrics.normalized_mutual_info_score(labels, found),
        "ami": metrics.adjusted_mutual_info_score(labels, found),
        "purity": float(table.max(axis=0).sum() / table.sum()),
        "silhouette": float(metrics.silhouette_score(X[kept], found[kept], metric="cosine")),
        "seconds": seconds,
    }), flush=True)
