/** @file Runs anywhere. An imported model in lines for a terminal. */
import type { ImportedModel, ModelHead } from '../../shared/models.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import { countText, sizeText } from './figures.ts';
import { printable } from './terminal.ts';

/** "6 layers × 384, 12 heads" */
export function networkText({ layers, hidden, heads }: ModelConfig): string {
  return `${layers} × ${hidden}, ${heads} heads`;
}

/** What it answers, in a few words. */
export function headText(head: ModelHead | null): string {
  if (head === null) return 'none';
  if (head.labels === null) return `${head.classes} outputs without names`;
  return head.labels.map(printable).join(', ');
}

export function modelLines(model: ImportedModel): string[] {
  const { name, family, model: network, head, tokenizer, origin, licence } = model;
  const { feedForward, maxPositions, vocabularySize, activation, layerNormEps, dropout } = network;
  const files = origin.files.map(
    ({ name: file, sizeBytes, sha256 }) =>
      `  ${printable(file)}  ${sizeText(sizeBytes)}, SHA-256 ${sha256.slice(0, 16)}…`,
  );
  const cut = tokenizer.kind === 'words' ? 'words' : 'WordPiece';
  return [
    `model ${printable(name)}`,
    `family      ${family === 'book' ? "the book's BERT" : family}`,
    `network     ${networkText(network)}, feed-forward ${feedForward}, ${maxPositions} positions`,
    `            ${activation}, LayerNorm epsilon ${layerNormEps}, dropout ${dropout}`,
    `parameters  ${countText(model.parameters)}, ${sizeText(model.sizeBytes)} on disk`,
    `tokenizer   ${cut}, ${countText(tokenizer.tokens)} tokens of ${countText(vocabularySize)} rows${tokenizer.lowercase ? ', lower case' : ', cased'}`,
    `head        ${headText(head)}${head === null ? '' : head.sentences === 2 ? ' (pairs)' : ' (single sentences)'}`,
    `licence     ${licence === null ? 'not stated' : printable(licence)}`,
    `from        ${printable(origin.source)}${origin.revision === null ? '' : ` at ${printable(origin.revision)}`}`,
    `imported    ${origin.importedAt}`,
    ...files,
    ...model.notes.map((note) => `note: ${printable(note)}`),
  ];
}

/** What a person can do with it. */
export function modelNextStep({ name, head }: ImportedModel): string {
  const start = `Fine-tune it: npx --no entail train --dataset NAME --model ${name}`;
  if (head === null) return start;
  if (head.labels !== null)
    return `${start}\nAsk it: npx --no entail predict ${name} --premise "…" --hypothesis "…"`;
  const words = Array.from({ length: head.classes }, (_, output) => `LABEL_${output}=…`).join(',');
  return `${start}\nNobody has said what its outputs mean, so that it cannot be asked yet: npx --no entail models label ${name} --labels ${words}`;
}
