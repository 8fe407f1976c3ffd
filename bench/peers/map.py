"""One map of the vectors in a file, by umap-learn or scikit-learn's t-SNE: one JSON line.
python map.py umap|tsne FILE DIMENSION OUT SEED"""
import json
import resource
import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")
kind, file, dimension, out, seed = sys.argv[1:]
vectors = np.fromfile(file, dtype=np.float32).reshape(-1, int(dimension))
if kind == "umap":
    import umap

    umap.UMAP(random_state=0, n_epochs=1).fit(vectors[:500])  # compiles
    model = umap.UMAP(n_neighbors=15, metric="cosine", random_state=int(seed))
else:
    from sklearn.manifold import TSNE

    model = TSNE(init="pca", random_state=int(seed))
clock, used = time.perf_counter(), time.process_time()
places = model.fit_transform(vectors)
result = {"seconds": time.perf_counter() - clock, "cpu": time.process_time() - used}
result["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
if kind == "tsne":
    result["divergence"] = float(model.kl_divergence_)
places.astype(np.float32).tofile(out)
print(json.dumps(result))
