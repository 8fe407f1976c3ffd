"""Recall of CLIP's vectors from text to image and back, by NumPy and scikit-learn. Run: python search-recall.py FOLDER"""
import csv
import json
import os
import sys

import numpy as np
from sklearn.neighbors import NearestNeighbors

folder = sys.argv[1]
images = np.load(os.path.join(folder, "image_embeddings.npy"))
texts = np.load(os.path.join(folder, "text_embeddings.npy"))
with open(os.path.join(folder, "metadata.csv"), newline="", encoding="utf-8") as file:
    owner = [row["image_path"] for row in csv.DictReader(file)]
first = {}
for row, name in enumerate(owner):
    first.setdefault(name, row)
names = list(first)
unique = images[list(first.values())]


def recalls(ranks):
    return {str(k): [int(sum(rank < k for rank in ranks)), len(ranks)] for k in (1, 5, 10)}


def ranking(way, queries, bank):
    if way == "numpy":
        return np.argsort(-(queries.astype(np.float64) @ bank.astype(np.float64).T), axis=1, kind="stable")
    search = NearestNeighbors(metric="cosine", algorithm="brute").fit(bank)
    return search.kneighbors(queries, n_neighbors=len(bank), return_distance=False)


result = {}
for way in ("numpy", "sklearn"):
    order = ranking(way, texts, unique)
    to_image = [[names[i] for i in row].index(owner[q]) for q, row in enumerate(order)]
    order = ranking(way, unique, texts)
    to_text = [next(r for r, i in enumerate(row) if owner[i] == names[q]) for q, row in enumerate(order)]
    result[way] = {"text_to_image": recalls(to_image), "image_to_text": recalls(to_text)}
print(json.dumps(result))
