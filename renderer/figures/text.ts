/** @file Runs in the page. Texts that others wrote, made safe for XML, HTML and tables of spreadsheets. */
import { delimitedLine } from '../../shared/spreadsheetCell.ts';

/** Characters that no XML file may hold; half a surrogate pair is already replaced before. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be found
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
/** They would turn the text after them around. */
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g;

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

/** For text and for quoted attributes of HTML and SVG. */
export function escapeMarkup(text: string): string {
  return text
    .toWellFormed()
    .replace(FORBIDDEN, '\ufffd')
    .replace(/[&<>"']/g, (found) => ENTITIES.get(found)!);
}

/** A text of an SVG, which has no element that isolates: whichever way it is written, what stands beside it stays. */
export function isolatedName(name: string): string {
  return `\u2068${escapeMarkup(name.replace(DIRECTIONS, ''))}\u2069`;
}

/** Null is an empty cell; what a spreadsheet would compute is marked as text. */
export function csvText(rows: readonly (readonly (string | number | null)[])[]): string {
  return rows
    .map((row) =>
      delimitedLine(
        row.map((cell) => (typeof cell === 'string' ? cell.toWellFormed() : (cell ?? ''))),
        ',',
      ),
    )
    .join('');
}

/** A file name that every system takes: "Test accuracy: a/b" -> "test-accuracy-a-b". */
export function fileNameOf(title: string): string {
  const words = title
    .toWellFormed()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
  return words.slice(0, 80) || 'figure';
}
