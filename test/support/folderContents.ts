/** @file Tests. Contents of a sealed folder that can be told from one another and made again from a number. */

/** Three files that depend on `seed` only, one of them in chunks and one empty. */
export function sampleContent(seed: number): Map<string, Uint8Array | Uint8Array[]> {
  const weights = new Float32Array(3000).fill(seed);
  const bytes = new Uint8Array(weights.buffer);
  return new Map<string, Uint8Array | Uint8Array[]>([
    ['config.json', Buffer.from(JSON.stringify({ seed }))],
    ['weights.safetensors', [bytes.subarray(0, 5000), bytes.subarray(5000)]],
    ['empty.bin', new Uint8Array(0)],
  ]);
}

/** What `readSealedFolder` must give for it, as plain text that compares well. */
export function fingerprint(content: ReadonlyMap<string, Uint8Array | readonly Uint8Array[]>): string {
  const whole = [...content].map(([name, value]) => {
    const chunks = value instanceof Uint8Array ? [value] : [...value];
    return `${name}:${Buffer.concat(chunks).toString('base64')}`;
  });
  return whole.sort().join('\n');
}
