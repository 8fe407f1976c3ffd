"""Linear probes: multinomial logistic regression on standardised features, C chosen on the validation part.

  python probe.py FOLDER COUNT THREADS
      FOLDER holds labels-PART.json and 0-PART.npy .. (COUNT - 1)-PART.npy for train, validation and test;
      prints for each set of features a line of JSON: C, and by test image whether it was told right (1 or 0)
"""
import json
import os
import pathlib
import sys

FOLDER, COUNT = pathlib.Path(sys.argv[1]), int(sys.argv[2])
os.environ.update(OMP_NUM_THREADS=sys.argv[3], OPENBLAS_NUM_THREADS=sys.argv[3])
import numpy as np  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

PARTS = ["train", "validation", "test"]
STRENGTHS = np.logspace(-5, 1, 13)


def probe(features, labels):
    scale = StandardScaler().fit(features["train"])
    x = {part: scale.transform(features[part].astype(np.float64)) for part in PARTS}
    best, right, net = -1.0, None, None
    chosen = None
    for c in STRENGTHS:
        # From weak to strong, each starting where the last one ended: the optimum is the same, and found sooner.
        net = net or LogisticRegression(max_iter=3000, warm_start=True)
        net.set_params(C=c).fit(x["train"], labels["train"])
        accuracy = net.score(x["validation"], labels["validation"])
        if accuracy > best:
            best, chosen, right = accuracy, float(c), net.predict(x["test"]) == labels["test"]
    return {"C": chosen, "validation": best, "right": right.astype(int).tolist()}


labels = {part: np.array(json.loads((FOLDER / f"labels-{part}.json").read_text())) for part in PARTS}
for i in range(COUNT):
    print(json.dumps(probe({part: np.load(FOLDER / f"{i}-{part}.npy") for part in PARTS}, labels)), flush=True)
