/** @file Runs anywhere. Word lists of the Treebank tokenizer: abbreviations, words written together, symbols. */

function wordSet(words: string): ReadonlySet<string> {
  return new Set(words.split(' '));
}

/** Abbreviations that keep their period wherever they stand; in lower case, without it. */
export const ABBREVIATIONS = wordSet(
  'mr mrs ms messrs mmes dr prof rev gov sgt capt cpt lt cpl cmdr maj pvt supt jr sr esq bros ltd corp dept univ assn ' +
    'vs etc approx vol vols pp feb aug sept nov tues thur thurs blvd rd hwy pkwy bldg ft ' +
    'ariz calif colo conn minn nev okla tenn wis wyo',
);

/** Abbreviations that are names or words too: they keep their period only before a capital letter or a digit. */
export const AMBIGUOUS_ABBREVIATIONS = wordSet(
  'st ste mt rt no nos co inc gen col rep sen hon pres est ed fig sq apt ave ' +
    'jan mar apr jun jul oct dec mon tue wed thu fri sat',
);

/** Two words written as one, and where to cut them. */
export const ASSIMILATED: ReadonlyMap<string, number> = new Map([
  ['cannot', 3],
  ['gonna', 3],
  ['gotta', 3],
  ['wanna', 3],
  ['gimme', 3],
  ['lemme', 3],
]);

/** Brackets as the Treebank escapes them; currencies and fractions as its newspaper, which had few of them, wrote them. */
export const SYMBOLS: ReadonlyMap<string, string> = new Map([
  ['(', '-LRB-'],
  [')', '-RRB-'],
  ['[', '-LSB-'],
  [']', '-RSB-'],
  ['{', '-LCB-'],
  ['}', '-RCB-'],
  ['\u20AC', '$'],
  ['\u00A3', '#'],
  ['\u00A2', 'cents'],
  ['\u2018', '`'],
  ['\u2019', "'"],
  ['\u00BC', '1/4'],
  ['\u00BD', '1/2'],
  ['\u00BE', '3/4'],
]);
