"""The Python side of the benchmarks: makes full-size models with seeded weights, and embeds files with PyTorch.

  python torch_peer.py make NAME FOLDER    model.safetensors, config.json, preprocessor_config.json, onnx/model.onnx
  python torch_peer.py serve NAME FOLDER THREADS BATCH
      reads one JSON list of image paths a line, answers {"seconds": ...} a line

The published weights would take the same time: speed does not depend on the numbers. Preprocessing is Pillow's through
transformers' own image processor, the usual way in Python.
"""
import json
import os
import pathlib
import sys
import time

NAME, FOLDER = sys.argv[2], pathlib.Path(sys.argv[3])
if sys.argv[1] == "serve":
    os.environ["OMP_NUM_THREADS"] = sys.argv[4]
import torch  # noqa: E402
import transformers  # noqa: E402

transformers.logging.set_verbosity_error()


class Tower(torch.nn.Module):
    """What transformers.js runs: the network from pixels to the outputs that the usual exports have."""

    def __init__(self, model, outputs):
        super().__init__()
        self.model, self.outputs = model, outputs

    def forward(self, pixel_values):
        y = self.model(pixel_values)
        return tuple(getattr(y, name) for name in self.outputs)


def spec(name):
    if name == "resnet50":
        config = transformers.ResNetConfig(num_labels=1000)
        processor = {"image_processor_type": "ConvNextImageProcessor", "do_resize": True, "size": {"shortest_edge": 224}, "crop_pct": 0.875,
                     "resample": 3, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
                     "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
        return transformers.ResNetForImageClassification, config, processor, ["logits"]
    if name == "vit-b16":
        processor = {"image_processor_type": "ViTImageProcessor", "do_resize": True, "size": {"height": 224, "width": 224}, "resample": 2,
                     "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
        return transformers.ViTModel, transformers.ViTConfig(), processor, ["last_hidden_state"]
    if name == "clip-vit-b32":
        processor = {"image_processor_type": "CLIPImageProcessor", "do_resize": True, "size": {"shortest_edge": 224}, "resample": 3,
                     "do_center_crop": True, "crop_size": {"height": 224, "width": 224}, "do_rescale": True, "rescale_factor": 1 / 255,
                     "do_normalize": True, "do_convert_rgb": True, "image_mean": [0.48145466, 0.4578275, 0.40821073],
                     "image_std": [0.26862954, 0.26130258, 0.27577711]}
        return transformers.CLIPVisionModelWithProjection, transformers.CLIPVisionConfig(patch_size=32, projection_dim=512), processor, ["image_embeds"]
    raise SystemExit(f"unknown model {name}")


def make():
    cls, config, processor, outputs = spec(NAME)
    torch.manual_seed(0)
    model = cls(config).eval()
    model.save_pretrained(FOLDER, safe_serialization=True)
    (FOLDER / "preprocessor_config.json").write_text(json.dumps(processor))
    (FOLDER / "onnx").mkdir(exist_ok=True)
    with torch.no_grad():
        torch.onnx.export(Tower(model, outputs), (torch.randn(2, 3, 224, 224),), str(FOLDER / "onnx" / "model.onnx"), dynamo=False,
                          input_names=["pixel_values"], output_names=outputs, opset_version=18, do_constant_folding=True,
                          dynamic_axes={"pixel_values": {0: "batch"}, **{o: {0: "batch"} for o in outputs}})


def serve():
    from PIL import Image

    threads, batch = int(sys.argv[4]), int(sys.argv[5])
    torch.set_num_threads(threads)
    cls, _, processor_config, outputs = spec(NAME)
    model = cls.from_pretrained(FOLDER).eval()
    # The Pillow-backed processor: the one whose numbers are the reference.
    processor = transformers.AutoImageProcessor.from_pretrained(FOLDER, backend="pil")
    print(json.dumps({"ready": f"torch {torch.__version__}, transformers {transformers.__version__}, {type(processor).__name__}"}), flush=True)
    for line in sys.stdin:
        files = json.loads(line)
        start = time.perf_counter()
        with torch.inference_mode():
            for i in range(0, len(files), batch):
                images = [Image.open(f).convert("RGB") for f in files[i:i + batch]]
                y = model(**processor(images=images, return_tensors="pt"))
                getattr(y, outputs[0]).numpy()
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


{"make": make, "serve": serve}[sys.argv[1]]()
