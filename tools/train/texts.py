"""What is said about the training pictures: captions, product titles and attributes, names of classes in templates."""

from pathlib import Path

import numpy as np
import pandas as pd
from timm.data import ImageNetInfo

TEMPLATES = ("a photo of a {}", "a picture of a {}", "a {}", "{}", "a close-up photo of a {}", "a photo of the {}",
             "a blurry photo of a {}", "there is a {} in the picture", "a photo of one {}", "a photo of many {}")  # fmt: skip
CLOTHING = {"outwear": "jacket", "longsleeve": "long sleeve shirt"}


def imagenet_names() -> list[str]:
    """The 1,000 classes of the teacher's logits, synonyms separated by commas (WordNet, as timm lists them)."""
    info = ImageNetInfo()
    return [info.index_to_description(i).lower() for i in range(1000)]


def names_of(cache: Path, source: str) -> list[str]:
    return (cache / f"{source}.txt").read_text().split("\n")


class Texts:
    """`about(source, pictures)`: a text for each picture and a key; texts with the same key say the same."""

    def __init__(self, data: Path, cache: Path, random: np.random.Generator):
        self.random = random
        captions = pd.read_csv(data / "flickr8k" / "captions.csv")
        self.captions: dict[str, list[str]] = {}
        for image, caption in zip(captions.image, captions.caption.astype(str)):
            self.captions.setdefault(image, []).append(caption.replace(" .", "").strip().lower())
        products = pd.read_csv(data / "fashion" / "image_text.csv").set_index("image")
        self.products = products.loc[names_of(cache, "fashion")].reset_index()
        classes = pd.read_csv(data / "tiny_imagenet" / "classes.csv").set_index("wnid").names.str.lower()
        self.tiny = [classes[name.split("/")[-2]] for name in names_of(cache, "tiny")]
        self.clothing = [name.split("/")[0] for name in names_of(cache, "clothing_train")]
        self.flickr = [name.split("/")[-1] for name in names_of(cache, "flickr")]
        self.imagenet = imagenet_names()

    def named(self, names: str) -> str:
        """One of the first two synonyms in one of the templates."""
        synonyms = names.split(", ")[:2]
        name = self.random.choice(synonyms) if self.random.random() < 0.5 else synonyms[0]
        return str(self.random.choice(TEMPLATES)).format(name)

    def product(self, picture: int) -> str:
        row, form = self.products.iloc[picture], self.random.integers(4)
        article, colour = str(row.articleType).lower(), str(row.baseColour).lower()
        if form == 0 and isinstance(row.productDisplayName, str):
            return row.productDisplayName
        if form == 1:
            return f"a {colour} {article}"
        if form == 2:
            single = article[:-1] if article.endswith("s") and not article.endswith("ss") else article
            return f"a photo of a {colour} {single} for {str(row.gender).lower()}"
        return f"{article}, {colour}, {str(row.usage).lower()}"

    def about(self, source: str, pictures: np.ndarray) -> tuple[list[str], list[str]]:
        if source == "flickr":
            return ([str(self.random.choice(self.captions[self.flickr[i]])) for i in pictures],
                    [f"flickr {i}" for i in pictures])  # fmt: skip
        if source == "fashion":
            texts = [self.product(i) for i in pictures]
            return texts, texts
        names = [self.tiny[i] if source == "tiny" else CLOTHING.get(self.clothing[i], self.clothing[i]) for i in pictures]
        return [self.named(name) for name in names], names
