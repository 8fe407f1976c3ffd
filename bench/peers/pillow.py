"""Decodes and resizes JPEG files with Pillow. python pillow.py MODE; reads one JSON list of paths a line and answers
{"seconds": ..., "sha256": [...]}. MODE: "convert" copies as image.convert("RGB") does, "plain" does not."""
import hashlib
import io
import json
import sys
import time

import PIL
from PIL import Image

print(json.dumps({"ready": f"Pillow {PIL.__version__}"}), flush=True)
for line in sys.stdin:
    seconds, hashes = 0.0, []
    for file in json.loads(line):
        data = open(file, "rb").read()
        start = time.perf_counter()
        image = Image.open(io.BytesIO(data))
        if sys.argv[1] == "convert":
            image = image.convert("RGB")
        w, h = image.size
        size = (224, int(224 * h / w)) if w <= h else (int(224 * w / h), 224)
        image = image.resize(size, Image.Resampling.BICUBIC)
        seconds += time.perf_counter() - start
        hashes.append(hashlib.sha256(image.tobytes()).hexdigest())
    print(json.dumps({"seconds": seconds, "sha256": hashes}), flush=True)
