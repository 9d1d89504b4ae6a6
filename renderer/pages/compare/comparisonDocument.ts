/** @file Runs in the page. A whole comparison as one offline HTML file: what is on the page, with figures and tables. Pure. */
import type { PairedDifference } from '../../../shared/contract/compare.ts';
import type { DocumentSection, DocumentTable } from '../../figures/htmlDocument.ts';
import { htmlDocument } from '../../figures/htmlDocument.ts';
import { type ComparedSection, cellText } from './comparisonRows.ts';
import { significanceRow } from './significance.ts';

export interface ComparisonParts {
  readonly names: readonly string[];
  readonly baseline: string | null;
  readonly madeAt: Date;
  readonly figures: readonly string[];
  readonly parallel: string | null;
  readonly sections: readonly ComparedSection[];
  readonly significance: {
    readonly split: string;
    readonly rows: readonly (PairedDifference & { readonly name: string })[];
  } | null;
}

export function comparisonDocument(parts: ComparisonParts): string {
  const { names, baseline, madeAt } = parts;
  const day = madeAt.toISOString().slice(0, 16).replace('T', ' ');
  return htmlDocument({
    title: `Comparison of ${names.length} ${names.length === 1 ? 'run' : 'runs'}`,
    subtitle: `Made with Entail on ${day} UTC${baseline === null ? '' : ` · differences are to the baseline, ${baseline}`}`,
    sections: [curveSection(parts), tableSection(parts), ...significanceSection(parts)],
  });
}

function curveSection({ figures, parallel }: ComparisonParts): DocumentSection {
  return {
    title: 'Curves',
    note: '',
    figures: parallel === null ? figures : [...figures, parallel],
    tables: [],
  };
}

function tableSection({ names, sections }: ComparisonParts): DocumentSection {
  const tables = sections
    .filter(({ lines }) => lines.length > 0)
    .map(
      ({ title, lines, identical }): DocumentTable => ({
        title,
        note:
          identical > 0 && lines.every(({ differs }) => differs)
            ? `${identical} that are identical are left out.`
            : '',
        head: ['', ...names],
        rows: lines.map(({ name, cells }) => [name, ...cells.map(cellText)]),
      }),
    );
  return { title: 'Results and settings', note: '', figures: [], tables };
}

function significanceSection({ significance }: ComparisonParts): DocumentSection[] {
  if (significance === null || significance.rows.length === 0) return [];
  return [
    {
      title: 'Difference of accuracies',
      note: `On the same pairs of the ${significance.split} split: 95 % interval from a paired bootstrap, p from McNemar's exact test.`,
      figures: [],
      tables: [
        {
          title: '',
          note: '',
          head: [
            'Run',
            'Difference, points',
            '95 % interval',
            'p',
            'Right only here',
            'Right only in the baseline',
            'Pairs',
          ],
          rows: significance.rows.map((row) => {
            const cells = significanceRow(row);
            if (cells === null) return [row.name, row.comparable ? '' : row.reason, '', '', '', '', ''];
            return [
              row.name,
              cells.difference,
              cells.interval,
              cells.p,
              cells.onlyRun,
              cells.onlyBaseline,
              cells.pairs,
            ];
          }),
        },
      ],
    },
  ];
}
