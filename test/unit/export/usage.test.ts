/** @file Tests. The lines of the model card: what they call is what the export has. */
import { expect, it } from 'vitest';
import type { CardFacts } from '../../../main/export/card/facts.ts';
import { usagesOf } from '../../../main/export/card/usage.ts';
import type { ModelFormat } from '../../../shared/exports.ts';
import type { ModelConfig } from '../../../shared/runs.ts';
import { BERT, BOOK, DISTILBERT } from '../../support/exportedModels.ts';

function codeOf(to: ModelFormat, network: ModelConfig): string {
  const labels = ['entailment', 'contradiction', 'neutral'];
  const facts = { network, labels, sentencesPerExample: 2, run: 'r1' } as unknown as CardFacts;
  return usagesOf(to, 'fp32', facts)[0]!.code;
}

it('gives a graph of TensorFlow.js the inputs that it has', () => {
  expect(codeOf('tfjs', BERT)).toContain('{ input_ids, attention_mask, token_type_ids }');
  expect(codeOf('tfjs', DISTILBERT)).toContain('{ input_ids, attention_mask }');
});

it("splits the text of the book's network, whose words have no full stop in them", () => {
  expect(codeOf('onnx', BOOK)).toContain('"a man plays a guitar .", { text_pair: "a man makes music ." }');
  expect(codeOf('onnx', BERT)).toContain('"A man plays a guitar.", { text_pair: "A man makes music." }');
});

it("loads into the book's classes only what they have parameters for", () => {
  expect(codeOf('torch', BOOK)).toContain('net.load_state_dict(');
  expect(codeOf('torch', BERT)).not.toContain('BERTClassifier');
});
