"""The models and texts of the reranking benchmark: the same weights for every engine, real words."""

import json
import random
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
QUERY = "what happens to a search when the reranking model fails or is late"
SHORTEST, LONGEST = 30, 512


@dataclass(frozen=True)
class Architecture:
    """The shape of a cross-encoder.

    Attributes:
        encoder: whether the encoder's weights are those of the default embedder, under a random head;
            else all are random. The vocabulary is that of its tokenizer, which costs no time.
    """

    kind: str
    layers: int
    hidden: int
    heads: int
    inner: int
    encoder: bool = False


ARCHITECTURES = {
    "minilm-l6": Architecture("bert", 6, 384, 12, 1536, encoder=True),
    "bge-base": Architecture("xlm-roberta", 12, 768, 12, 3072),
}

MAKE = """
import json, sys, torch
from pathlib import Path
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, BertConfig, PreTrainedTokenizerFast, XLMRobertaConfig
shape, folder, tokenizer = json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
torch.manual_seed(5)
common = dict(vocab_size=30522, hidden_size=shape["hidden"], num_hidden_layers=shape["layers"],
              num_attention_heads=shape["heads"], intermediate_size=shape["inner"], num_labels=1,
              initializer_range=0.05)
config = (BertConfig(max_position_embeddings=512, **common) if shape["kind"] == "bert"
          else XLMRobertaConfig(max_position_embeddings=514, type_vocab_size=1, pad_token_id=1, **common))
model = AutoModelForSequenceClassification.from_config(config, attn_implementation="eager").eval()
if shape["encoder"]:
    real = {f"bert.{name}": value.float() for name, value in load_file(tokenizer.parent / "model.safetensors").items()}
    print(model.load_state_dict(real, strict=False))
folder.mkdir(parents=True, exist_ok=True)
model.save_pretrained(folder)
names = ["input_ids", "attention_mask"] + (["token_type_ids"] if shape["kind"] == "bert" else [])
if shape["kind"] != "bert":  # as its own tokenizer: no token types
    rules = json.loads(tokenizer.read_text())
    for piece in (one for form in ("single", "pair") for one in rules["post_processor"][form]):
        for part in piece.values():
            part["type_id"] = 0
    tokenizer = folder / "plain.json"
    tokenizer.write_text(json.dumps(rules))
fast = PreTrainedTokenizerFast(tokenizer_file=str(tokenizer), cls_token="[CLS]", sep_token="[SEP]",
                               pad_token="[PAD]", unk_token="[UNK]", mask_token="[MASK]", model_max_length=512,
                               model_input_names=names)
fast.save_pretrained(folder)
(folder / "special_tokens_map.json").write_text(json.dumps({"pad_token": "[PAD]"}))
given = dict(fast("a query", "a passage", return_tensors="pt"))
class Plain(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model
    def forward(self, *values):
        return self.model(**dict(zip(names, values))).logits
two = {name: torch.cat([value, value]) for name, value in given.items()}
batch, tokens = torch.export.Dim("batch"), torch.export.Dim("tokens", max=512)
(folder / "onnx").mkdir(exist_ok=True)
torch.onnx.export(Plain(model), tuple(two[name] for name in names), str(folder / "onnx" / "model.onnx"),
                  input_names=names, output_names=["logits"], dynamo=True, external_data=False,
                  dynamic_shapes={"values": tuple({0: batch, 1: tokens} for _ in names)})
"""
"""Runs in the peers' environment: config.json, model.safetensors, the tokenizer and onnx/model.onnx."""


def tokenizer_file() -> Path:
    """The tokenizer of the default model, in whose tokens lengths are counted."""
    from secondlook.models.weights import ALL_MINILM, find_model

    folder = find_model(ALL_MINILM, Path("build"))
    if folder is None:
        raise SystemExit("the default model is not installed: make setup")
    return folder / "tokenizer.json"


def make_folder(shape: Architecture, folder: Path, python: Path) -> None:
    """The model's folder, made once."""
    if not (folder / "onnx" / "model.onnx").is_file():
        command = [str(python), "-c", MAKE, json.dumps(asdict(shape)), str(folder), str(tokenizer_file())]
        subprocess.run(command, check=True)


def make_passages(count: int) -> tuple[list[str], list[int]]:
    """Pieces of the project's documents with log-normal lengths, and the tokens of each pair: mean about 180."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_file()))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    words, chance = _words(), random.Random(3)
    texts, lengths = [], []
    for _ in range(count):
        wanted = int(min(LONGEST, max(SHORTEST, chance.lognormvariate(5.07, 0.6))))
        own = [next(words) for _ in range(wanted)]
        while (length := len(tokenizer.encode(QUERY, " ".join(own)).ids)) > wanted and len(own) > 1:
            own = own[: max(1, len(own) - max(1, (length - wanted) // 3))]
        texts.append(" ".join(own))
        lengths.append(length)
    return texts, lengths


def _words() -> Iterator[str]:
    """The words of the documents in order, again and again."""
    while True:
        for path in sorted(DOCS.rglob("*.md")):
            yield from path.read_text(encoding="utf-8").split()
