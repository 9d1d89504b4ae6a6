/** @file Tests. Sentence pairs and masks of an epoch: the book's rule, and the same at every time of asking. */
import { describe, expect, it } from 'vitest';
import { encodeText } from '../../../../main/data/pretraining/encodedText.ts';
import { maskedMicroBatches } from '../../../../main/data/pretraining/maskedBatches.ts';
import { maskedCount, roundHalfToEven } from '../../../../main/data/pretraining/masking.ts';
import { drawPairs, epochSize } from '../../../../main/data/pretraining/sentencePairs.ts';
import { buildVocabulary } from '../../../../main/data/vocabulary.ts';
import { PhiloxSequence } from '../../../../main/model/philox.ts';

const MAX_LEN = 20;

/** 60 paragraphs of 2 to 6 sentences of 1 to 12 words; a word tells its paragraph and sentence. */
function someText() {
  const sequence = new PhiloxSequence(3, 77);
  const paragraphs = Array.from({ length: 60 }, (_, paragraph) =>
    Array.from({ length: 2 + sequence.nextBelow(5) }, (_, sentence) =>
      Array.from(
        { length: 1 + sequence.nextBelow(12) },
        (_, word) => `p${paragraph}s${sentence}w${word % 3}`,
      ),
    ),
  );
  const words = paragraphs.flat(2);
  const vocabulary = buildVocabulary(new Map(words.map((word) => [word, 1])), 1);
  return { text: encodeText(paragraphs, vocabulary), vocabulary };
}

const { text, vocabulary } = someText();
const size = epochSize(text, { seed: 5, maxLen: MAX_LEN });
const draw = (epoch: number) => drawPairs(text, size.pairs, { seed: 5, epoch, maxLen: MAX_LEN });
const lengthOf = (sentence: number) => text.sentenceOffsets[sentence + 1]! - text.sentenceOffsets[sentence]!;

describe('pairs', () => {
  it('are as many in every epoch, fit, and follow one another where they say so', () => {
    for (const epoch of [0, 1, 2, 9]) {
      const { first, second, isNext } = draw(epoch);
      expect(first.length).toBe(size.pairs);
      first.forEach((sentence, pair) => {
        expect(lengthOf(sentence) + lengthOf(second[pair]!) + 3).toBeLessThanOrEqual(MAX_LEN);
        if (isNext[pair] === 1) expect(second[pair]).toBe(sentence + 1);
      });
    }
  });

  it('are left out where they are too long, and counted', () => {
    const candidates = text.sentenceOffsets.length - text.paragraphOffsets.length;
    expect(size.tooLong).toBeGreaterThan(0);
    expect(size.pairs + size.tooLong).toBe(candidates);
    const all = epochSize(text, { seed: 5, maxLen: 512 });
    expect(all).toEqual({ pairs: candidates, tooLong: 0 });
  });

  it('follow one another in about half of the cases', () => {
    const all = epochSize(text, { seed: 5, maxLen: 512 }).pairs;
    let next = 0;
    for (let epoch = 0; epoch < 20; epoch++)
      next += drawPairs(text, all, { seed: 5, epoch, maxLen: 512 }).isNext.reduce((sum, one) => sum + one, 0);
    expect(Math.abs(next / (20 * all) - 0.5)).toBeLessThan(0.02);
  });

  it('are drawn anew in every epoch and by every seed, and the same when asked again', () => {
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1).second).not.toEqual(draw(2).second);
    const other = drawPairs(text, size.pairs, { seed: 6, epoch: 1, maxLen: MAX_LEN });
    expect(other.second).not.toEqual(draw(1).second);
  });
});

describe('masks', () => {
  it("round halves to the even neighbour, as Python's round does", () => {
    // python3 -c "print([round(x) for x in (0.5, 1.5, 2.5, 3.5, 0.49, 2.51)])"
    expect([0.5, 1.5, 2.5, 3.5, 0.49, 2.51].map(roundHalfToEven)).toEqual([0, 2, 2, 4, 0, 3]);
    // python3 -c "print([max(1, round(0.15 * n)) for n in (4, 10, 30, 50, 64)])"
    expect([4, 10, 30, 50, 64].map((tokens) => maskedCount(tokens, tokens))).toEqual([1, 2, 4, 8, 10]);
    expect(maskedCount(64, 3)).toBe(3);
  });

  const batches = (epoch: number, microBatchTokens: number) => {
    const options = { seed: 5, epoch, microBatchTokens };
    return maskedMicroBatches({ text, vocabulary }, draw(epoch), [0, size.pairs], options);
  };

  it('never fall on special tokens, and remember what stood there', () => {
    const [batch] = batches(0, 1e9);
    const special = new Set([vocabulary.cls, vocabulary.sep]);
    const original = batch!.ids.slice();
    batch!.maskedRows.forEach((row, at) => {
      original[row] = batch!.maskedIds[at]!;
    });
    for (const id of batch!.maskedIds) expect(special.has(id)).toBe(false);
    const { first, second } = draw(0);
    for (let pair = 0; pair < batch!.pairs; pair++) {
      const drawn = batch!.pairIndices[pair]!;
      const sentence = (at: number) =>
        text.ids.slice(text.sentenceOffsets[at]!, text.sentenceOffsets[at + 1]!);
      const { cls, sep } = vocabulary;
      const whole = [cls, ...sentence(first[drawn]!), sep, ...sentence(second[drawn]!), sep];
      expect([...original.slice(batch!.offsets[pair]!, batch!.offsets[pair + 1]!)]).toEqual(whole);
      const masked = batch!.maskedRows.filter(
        (row) => row >= batch!.offsets[pair]! && row < batch!.offsets[pair + 1]!,
      );
      expect(masked.length).toBe(maskedCount(whole.length, whole.length - 3));
      expect(new Set(masked).size).toBe(masked.length);
    }
  });

  it('hide eight words in ten, leave one, and replace one', () => {
    const counts = { mask: 0, same: 0, other: 0 };
    for (let epoch = 0; epoch < 40; epoch++)
      for (const { ids, maskedRows, maskedIds } of batches(epoch, 1e9))
        maskedRows.forEach((row, at) => {
          if (ids[row] === vocabulary.mask) counts.mask++;
          else if (ids[row] === maskedIds[at]) counts.same++;
          else counts.other++;
        });
    const all = counts.mask + counts.same + counts.other;
    expect(Math.abs(counts.mask / all - 0.8)).toBeLessThan(0.02);
    expect(Math.abs(counts.same / all - 0.1)).toBeLessThan(0.02);
    expect(Math.abs(counts.other / all - 0.1)).toBeLessThan(0.02);
  });

  it('do not depend on the micro-batches', () => {
    const byPair = (plan: ReturnType<typeof batches>) =>
      plan
        .flatMap(({ pairs, pairIndices, offsets, ids }) =>
          Array.from({ length: pairs }, (_, pair) => ({
            pair: pairIndices[pair]!,
            ids: [...ids.slice(offsets[pair]!, offsets[pair + 1]!)],
          })),
        )
        .sort((one, other) => one.pair - other.pair);
    expect(batches(3, 50).length).toBeGreaterThan(5);
    expect(byPair(batches(3, 50))).toEqual(byPair(batches(3, 1e9)));
  });
});
