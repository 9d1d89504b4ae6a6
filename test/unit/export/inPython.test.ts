/** @file Tests. What leaves for Python, loaded there: PyTorch with the book's names, and transformers unchanged. */
import { expect, it } from 'vitest';
import type { CardFacts } from '../../../main/export/card/facts.ts';
import { usagesOf } from '../../../main/export/card/usage.ts';
import type { ExportedModel } from '../../../main/export/exportedModel.ts';
import type { PaddedBatch } from '../../../main/export/modelRunner.ts';
import { writeHuggingFace } from '../../../main/export/writeHuggingFace.ts';
import { writeTorch } from '../../../main/export/writeTorch.ts';
import * as models from '../../support/exportedModels.ts';
import { pythonWith, runPython } from '../../support/pythonWith.ts';

const { BOOK, emptyExportFolder, largestDifference, ownLogits, randomBatch, randomModel, variedLengths } =
  models;

const plain = (batch: PaddedBatch) =>
  JSON.stringify({
    ...{ pairs: batch.pairs, length: batch.length },
    ...{ ids: [...batch.inputIds], mask: [...batch.attentionMask], segments: [...batch.segmentIds] },
  });

async function compare(
  model: ExportedModel,
  { python, script, folder }: { python: string; script: string; folder: string },
): Promise<void> {
  const batch = randomBatch(model.config, variedLengths(8, 3, model.config.maxPositions));
  const { stdout, stderr, status } = runPython(python, script, [folder, plain(batch)]);
  expect(status, stderr).toBe(0);
  const logits = Float32Array.from((JSON.parse(stdout.trim().split('\n').at(-1)!) as number[][]).flat());
  expect(largestDifference(logits, await ownLogits(model, batch))).toBeLessThan(1e-4);
}

/** The book's classes, as its chapters on BERT and on fine-tuning have them. */
const BOOK_CLASSES = `
import json, math, sys, types, torch
from torch import nn
class Attention(nn.Module):
    def __init__(s, h, heads):
        super().__init__(); s.heads = heads
        s.W_q, s.W_k, s.W_v, s.W_o = (nn.Linear(h, h) for _ in range(4))
    def forward(s, x, mask):
        b, t, h = x.shape
        split = lambda y: y.reshape(b, t, s.heads, -1).transpose(1, 2)
        q, k, v = split(s.W_q(x)), split(s.W_k(x)), split(s.W_v(x))
        scores = q @ k.transpose(2, 3) / math.sqrt(h / s.heads)
        scores = scores.masked_fill(mask[:, None, None, :] == 0, -1e6)
        return s.W_o((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, h))
class AddNorm(nn.Module):
    def __init__(s, h):
        super().__init__(); s.ln = nn.LayerNorm(h)
    def forward(s, x, y): return s.ln(y + x)
class FeedForward(nn.Module):
    def __init__(s, h, f):
        super().__init__(); s.dense1, s.dense2 = nn.Linear(h, f), nn.Linear(f, h)
    def forward(s, x): return s.dense2(torch.relu(s.dense1(x)))
class Block(nn.Module):
    def __init__(s, h, f, heads):
        super().__init__(); s.attention = Attention(h, heads); s.addnorm1 = AddNorm(h); s.ffn = FeedForward(h, f); s.addnorm2 = AddNorm(h)
    def forward(s, x, mask):
        y = s.addnorm1(x, s.attention(x, mask)); return s.addnorm2(y, s.ffn(y))
class Encoder(nn.Module):
    def __init__(s, v, h, f, heads, n, max_len):
        super().__init__(); s.token_embedding = nn.Embedding(v, h); s.segment_embedding = nn.Embedding(2, h)
        s.blks = nn.Sequential(); [s.blks.add_module(f"{i}", Block(h, f, heads)) for i in range(n)]
        s.pos_embedding = nn.Parameter(torch.randn(1, max_len, h))
    def forward(s, ids, segments, mask):
        x = s.token_embedding(ids) + s.segment_embedding(segments) + s.pos_embedding[:, :ids.shape[1]]
        for blk in s.blks: x = blk(x, mask)
        return x
class BERTModel(nn.Module):
    def __init__(s, v, h, f, heads, n, dropout, max_len=1000):
        super().__init__(); s.encoder = Encoder(v, h, f, heads, n, max_len); s.hidden = nn.Sequential(nn.Linear(h, h), nn.Tanh())
class BERTClassifier(nn.Module):
    def __init__(s, bert):
        super().__init__(); s.encoder, s.hidden = bert.encoder, bert.hidden; s.output = nn.Linear(bert.hidden[0].out_features, 3)
    def forward(s, ids, segments, mask): return s.output(s.hidden(s.encoder(ids, segments, mask)[:, 0, :]))
d2l = types.SimpleNamespace(BERTModel=BERTModel)
import os; os.chdir(sys.argv[1])
`;
const TENSORS = `
batch = json.loads(sys.argv[2])
tensor = lambda name: torch.tensor(batch[name]).reshape(batch['pairs'], batch['length'])
ids, mask, segments = tensor('ids'), tensor('mask'), tensor('segments')
`;

it("is loaded by the book's classes with the three lines of the card", async ({ skip }) => {
  const python = pythonWith(['torch', 'safetensors', 'numpy'], skip);
  const model = await randomModel(BOOK);
  const folder = emptyExportFolder();
  await writeTorch(model, folder);
  const facts = {
    network: BOOK,
    labels: model.labels,
    sentencesPerExample: 2,
    run: 'r1',
  } as unknown as CardFacts;
  const [{ code }] = usagesOf('torch', 'fp32', facts) as [{ code: string }];
  const asking = 'net.eval()\nprint(json.dumps(net(ids, segments, mask).tolist()))';
  const script = `${BOOK_CLASSES}${code}\n${TENSORS}${asking}`;
  await compare(model, { python, script, folder: folder.path });
  await model.close();
});

const FAMILIES = models.NETWORKS.filter(([, config]) => config.variant === 'huggingface');

it.for(FAMILIES)('%s is loaded by transformers unchanged', async ([, config], { skip }) => {
  const python = pythonWith(['torch', 'transformers'], skip);
  const model = await randomModel(config);
  const folder = emptyExportFolder();
  await writeHuggingFace(model, folder);
  const script = `
import json, sys, torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
model, report = AutoModelForSequenceClassification.from_pretrained(sys.argv[1], output_loading_info=True)
assert not report['missing_keys'] and not report['unexpected_keys'], report
assert list(model.config.id2label.values()) == ${JSON.stringify(model.labels)}, model.config.id2label
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
encoded = tokenizer('The dog sleeps.', 'a cat walks!')
assert len(encoded['input_ids']) > 8 and tokenizer.unk_token_id not in encoded['input_ids'], encoded
${TENSORS}
inputs = {'input_ids': ids, 'attention_mask': mask}
if model.config.model_type == 'bert': inputs['token_type_ids'] = segments
with torch.no_grad(): print(json.dumps(model.eval()(**inputs).logits.tolist()))`;
  await compare(model, { python, script, folder: folder.path });
  await model.close();
});
