/** @file Runs in the page. A typed filter cut into words, quoted texts and signs. */

export interface Token {
  /** `text` was quoted: it is never an operator. */
  readonly kind: 'word' | 'text' | 'symbol';
  readonly text: string;
  /** Where it begins, for the mark under a mistake. */
  readonly at: number;
}

const PARTS =
  /\s+|"((?:[^"\\]|\\.)*)"?|'((?:[^'\\]|\\.)*)'?|(&&|\|\||[<>!=]=|!~|[()<>=~:,])|([^\s"'()<>=~:,!|&]+|.)/gsu;

/** Never fails: a quote that is not closed ends with the text, and a sign without a meaning is a word. */
export function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  for (const found of text.matchAll(PARTS)) {
    const [, double, single, symbol, word] = found;
    const at = found.index;
    const inner = double ?? single;
    if (inner !== undefined) tokens.push({ kind: 'text', text: inner.replace(/\\(.)/gs, '$1'), at });
    else if (symbol === '&&' || symbol === '||')
      tokens.push({ kind: 'word', text: symbol === '&&' ? 'and' : 'or', at });
    else if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol, at });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, at });
  }
  // "80 %" is one value.
  return tokens.flatMap((token, place) => {
    const next = tokens[place + 1];
    if (token.text === '%' && token.kind === 'word' && place > 0) return [];
    const joins = next?.text === '%' && next.kind === 'word' && token.kind === 'word';
    return [joins ? { ...token, text: `${token.text}%` } : token];
  });
}
