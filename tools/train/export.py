"""Write a training checkpoint's averaged weights as the bundled model: float16 safetensors and two configurations.

    python export.py RUN/last.pt MODEL_FOLDER [--crop 112] [--short 112]

Without --short the whole picture is squeezed into the square; with it the shortest side is resized and the centre cut.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--short", type=int)
    parser.add_argument("--crop", type=int, default=112)
    args = parser.parse_args()
    state = torch.load(args.checkpoint)
    tensors = {
        name: tensor.half().contiguous()
        for name, tensor in state["average"].items()
        if not name.endswith("num_batches_tracked")
    }
    args.folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, args.folder / "model.safetensors", metadata={"format": "pt"})
    width = state["width"]
    config = {
        "model_type": "resnet",
        "architecture": "resnet18",
        "image_size": args.crop,
        "base_width": width,
        "embedding": "pooled",
        "embedding_size": 8 * width,
        "license": "apache-2.0",
    }
    preprocessor = {
        "image_processor_type": "BitImageProcessor" if args.short else "ViTImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": args.short} if args.short else {"height": args.crop, "width": args.crop},
        "resample": 3,
        "do_center_crop": bool(args.short),
        "crop_size": {"height": args.crop, "width": args.crop},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
    }
    (args.folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (args.folder / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n")
    print(f"step {state['step']}, {state['seen']} pictures, {state['elapsed'] / 60:.1f} minutes")


if __name__ == "__main__":
    main()
