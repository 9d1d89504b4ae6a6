"""Saves tiny BERTs and a DistilBERT with transformers, and what they compute: folders hf_*, and hugging_face.json.

Needs transformers beside PyTorch. Made in float64 after saving, so that what is expected has no rounding of its own.
"""

import pathlib
import shutil
import tempfile

import torch
import transformers

from golden_json import FOLDER, tensor, write

SIZES = {"vocab_size": 24, "max_position_embeddings": 20}
BERT = SIZES | {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12}
DISTILBERT = SIZES | {"dim": 8, "n_layers": 2, "n_heads": 2, "hidden_dim": 12}
LABELS = {"id2label": {0: "CONTRADICTION", 1: "NEUTRAL", 2: "ENTAILMENT"}}
MODELS = {
    "hf_bert_classifier": transformers.BertForSequenceClassification(transformers.BertConfig(**BERT, **LABELS)),
    "hf_bert_pretraining": transformers.BertForPreTraining(
        transformers.BertConfig(**BERT, hidden_act="gelu_new", layer_norm_eps=1e-6)
    ),
    "hf_distilbert_classifier": transformers.DistilBertForSequenceClassification(
        transformers.DistilBertConfig(**DISTILBERT, **LABELS)
    ),
}
LENGTHS = [7, 12, 3]
# as many as the models have rows
VOCABULARY = "[PAD] [UNK] [CLS] [SEP] [MASK] a the man woman dog is play ##s ##ing eat run sleep in park , . not no and".split()
TEXTS = [
    ("A man is playing in the park.", "The man sleeps."),
    ("Dogs run, and eat.", "A dog is running."),
    ("No!", "The woman is not playing with a dog in the park, and eats."),
]


def batch(generator):
    ids = [torch.randint(1, 24, (length,), generator=generator).tolist() for length in LENGTHS]
    segments = [[0] * (length // 2 + 1) + [1] * (length - length // 2 - 1) for length in LENGTHS]
    return ids, segments


def padded(lists):
    return torch.tensor([one + [0] * (max(LENGTHS) - len(one)) for one in lists])


def main():
    generator = torch.Generator().manual_seed(20261128)
    ids, segments = batch(generator)
    content = {
        "transformers": transformers.__version__,
        "batch": {
            "ids": sum(ids, []),
            "segments": sum(segments, []),
            "lengths": LENGTHS,
            "labels": [0] * len(LENGTHS),
        },
        "vocabulary": VOCABULARY,
        "texts": TEXTS,
        "models": {},
    }
    for name, model in MODELS.items():
        with torch.no_grad():
            for parameter in model.parameters():
                # Larger than transformers begins, so that every part of the network shows in the result.
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4 + (parameter.dim() == 1) * 0.2)
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        model.save_pretrained(FOLDER / name)
        (FOLDER / name / "generation_config.json").unlink(missing_ok=True)
        content["models"][name] = computed(model.double().eval(), padded(ids), padded(segments))
        if "classifier" in name:
            content["models"][name]["probabilities"] = tensor(answers(model))
    write("hugging_face.json", content)


def answers(model):
    """[P, C] of the texts, in the order of the file's labels."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "vocab.txt"
        path.write_text("\n".join(VOCABULARY) + "\n")
        tokenizer = transformers.BertTokenizerFast.from_pretrained(folder)
        batch = tokenizer(*map(list, zip(*TEXTS, strict=True)), padding=True, truncation=True, max_length=20, return_tensors="pt")
    if "distilbert" in model.config.model_type:
        del batch["token_type_ids"]
    with torch.no_grad():
        return torch.softmax(model(**batch).logits, -1)


def computed(model, ids, segments):
    mask = torch.tensor([[1] * length + [0] * (max(LENGTHS) - length) for length in LENGTHS])
    inputs = {"input_ids": ids, "attention_mask": mask, "output_hidden_states": True}
    if "distilbert" not in model.config.model_type:
        inputs["token_type_ids"] = segments
    with torch.no_grad():
        output = model(**inputs)
    states = [torch.cat([rows[:length] for rows, length in zip(layer, LENGTHS, strict=True)]) for layer in output.hidden_states]
    result = {"layers": [tensor(state) for state in states[1:]]}
    if getattr(output, "logits", None) is not None:
        result["logits"] = tensor(output.logits)
    return result


main()
