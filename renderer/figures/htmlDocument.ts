/**
 * @file Runs in the page. One HTML file that holds a whole comparison: tables and figures inside, no script, nothing
 * that is fetched. It opens anywhere, offline, years later.
 */
import { escapeMarkup } from './text.ts';

export interface DocumentTable {
  readonly title: string;
  readonly note: string;
  readonly head: readonly string[];
  /** The first cell of a row is its name. */
  readonly rows: readonly (readonly string[])[];
}

export interface DocumentSection {
  readonly title: string;
  readonly note: string;
  /** Made by this program, whole `<svg>` elements: they go in as they are. */
  readonly figures: readonly string[];
  readonly tables: readonly DocumentTable[];
}

export interface ComparisonDocument {
  readonly title: string;
  readonly subtitle: string;
  readonly sections: readonly DocumentSection[];
}

const STYLE = `body{font:14px/1.5 Inter,system-ui,Helvetica,Arial,sans-serif;color:#1d1c1a;background:#fff;margin:32px auto;max-width:1100px;padding:0 24px}
h1{font-size:22px;margin:0}h2{font-size:16px;margin:36px 0 4px}h3{font-size:14px;margin:20px 0 4px}p{margin:2px 0 10px;color:#5d5b55}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:4px 12px;border-bottom:1px solid #e4e3df;text-align:right;white-space:nowrap}
th{font-weight:550;color:#5d5b55}th:first-child{text-align:left}figure{margin:8px 0}svg{max-width:100%;height:auto}
@media print{body{margin:0;max-width:none}h2{break-after:avoid}figure,tr{break-inside:avoid}}`;

/** The policy forbids scripts and requests even if a name should slip through as markup. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

export function htmlDocument({ title, subtitle, sections }: ComparisonDocument): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width">
<title>${escapeMarkup(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${isolated(title)}</h1>
<p>${isolated(subtitle)}</p>
${sections.map(sectionMarkup).join('\n')}
</body>
</html>
`;
}

function sectionMarkup({ title, note, figures, tables }: DocumentSection, place: number): string {
  return `<section>
<h2>${isolated(title)}</h2>
${note === '' ? '' : `<p>${isolated(note)}</p>`}
${figures.map((svg, at) => `<figure>${withOwnIds(svg, `f${place}-${at}`)}</figure>`).join('\n')}
${tables.map(tableMarkup).join('\n')}
</section>`;
}

/** Each figure has a clip path of its own name: ids must not meet in one document. */
function withOwnIds(svg: string, prefix: string): string {
  return svg
    .replaceAll('<clipPath id="plot"', `<clipPath id="${prefix}"`)
    .replaceAll('url(#plot)', `url(#${prefix})`);
}

function tableMarkup({ title, note, head, rows }: DocumentTable): string {
  const row = (cells: readonly string[], cell: 'td' | 'th') =>
    `<tr>${cells
      .map((text, at) => {
        const name = cell === 'th' || at === 0 ? 'th' : 'td';
        const scope = name === 'td' ? '' : ` scope="${cell === 'th' ? 'col' : 'row'}"`;
        return `<${name}${scope}>${isolated(text)}</${name}>`;
      })
      .join('')}</tr>`;
  return `${title === '' ? '' : `<h3>${isolated(title)}</h3>`}
${note === '' ? '' : `<p>${isolated(note)}</p>`}
<div class="wide"><table><thead>${row(head, 'th')}</thead><tbody>
${rows.map((cells) => row(cells, 'td')).join('\n')}
</tbody></table></div>`;
}

/** Text of others keeps its own direction and turns nothing around it. */
function isolated(text: string): string {
  return `<bdi>${escapeMarkup(text)}</bdi>`;
}
