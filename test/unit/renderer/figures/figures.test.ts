/** @file Tests. What leaves the studio as a file: SVG, CSV and one offline HTML document, whatever runs are called. */
import { describe, expect, it } from 'vitest';
import type { DrawnLine } from '../../../../renderer/charts/drawnLine.ts';
import { LineBuffer } from '../../../../renderer/charts/lineBuffer.ts';
import { chartCsv } from '../../../../renderer/figures/chartCsv.ts';
import type { Figure } from '../../../../renderer/figures/figure.ts';
import { htmlDocument } from '../../../../renderer/figures/htmlDocument.ts';
import { svgChart } from '../../../../renderer/figures/svgChart.ts';
import { svgParallel } from '../../../../renderer/figures/svgParallel.ts';
import { csvText, escapeMarkup, fileNameOf, isolatedName } from '../../../../renderer/figures/text.ts';

const HOSTILE = '<script>alert("x")</script> & \u202eabc \ud800 \u0000';

function lineOf(name: string, values: readonly (number | null)[], more: Partial<DrawnLine> = {}): DrawnLine {
  const points = new LineBuffer({
    run: name,
    kind: 'raw',
    x: values.map((_, at) => at + 1),
    y: values,
    total: values.length,
    cursor: values.length,
    xExtent: null,
  });
  return {
    key: name,
    name,
    colour: 1,
    dash: 0,
    baseline: false,
    points,
    smoothed: null,
    band: null,
    gaps: [],
    ...more,
  };
}

function figureOf(lines: readonly DrawnLine[], more: Partial<Figure> = {}): Figure {
  return {
    title: 'Test accuracy',
    x: { name: 'epoch', form: 'linear', range: { from: 1, to: 5 } },
    y: { name: 'test accuracy, %', form: 'percent', range: { from: 0, to: 1 } },
    lines,
    showOriginal: true,
    smoothing: 0.6,
    ...more,
  };
}

/** Every element is closed, every attribute quoted: what an XML parser would stop at. */
function expectWellFormed(markup: string): void {
  const open: string[] = [];
  const rest = markup.replace(
    /<(\/?)([a-zA-Z][\w]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g,
    (_, close, name, _attributes, empty) => {
      if (close === '/') expect(open.pop()).toBe(name);
      else if (empty !== '/') open.push(name as string);
      return '';
    },
  );
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/[<>]/);
  expect(rest.replace(/&(amp|lt|gt|quot|#39);/g, '')).not.toContain('&');
}

describe('the SVG of a chart', () => {
  it('has a title, both axes with ticks and names, a path a run and a legend', () => {
    const svg = svgChart(
      figureOf([
        lineOf('one', [0.1, 0.5, 0.8]),
        lineOf('two', [0.2, 0.6, 0.7], { baseline: true, colour: 2 }),
      ]),
    );
    expectWellFormed(svg);
    for (const text of [
      '\u2068Test accuracy\u2069<',
      '>epoch<',
      '>test accuracy, %<',
      '>20<',
      '>100<',
      'one',
      'two (baseline)',
    ])
      expect(svg).toContain(text);
    expect(svg.match(/<path /g)).toHaveLength(2);
    expect(svg).toContain('stroke-dasharray="7 4"');
    expect(svg).toContain('#0f8a8a');
  });

  it('draws what was seen: the smoothed curve in front, the original faintly behind or not at all', () => {
    const line = lineOf('one', [0.1, 0.9, 0.2], { smoothed: Float64Array.of(0.1, 0.4, 0.3) });
    expect(svgChart(figureOf([line])).match(/<path /g)).toHaveLength(2);
    expect(svgChart(figureOf([line], { showOriginal: false })).match(/<path /g)).toHaveLength(1);
    const band = { low: Float64Array.of(0, 0, 0), high: Float64Array.of(1, 1, 1) };
    expect(svgChart(figureOf([lineOf('one', [0.1, 0.9, 0.2], { band })]))).toContain('fill-opacity="0.16"');
  });

  it('marks what lies in the plot or on its edge, whole, and nothing beyond', () => {
    const svg = svgChart(figureOf([lineOf('one', [0, 0.5, 1.01, 0.5, 1, 0.5], { gaps: [2.5, 9] })]));
    const [clipped, after] = svg.split('</g>');
    expect(clipped).not.toContain('<circle');
    // The first at the left, the fifth at the right end of the axis; the third is too high, the sixth and a gap too far.
    expect(after?.match(/<circle /g)).toHaveLength(5);
    for (const place of [
      'cx="58" cy="338" r="2.2"',
      'cx="704" cy="34" r="2.2"',
      'cx="300.25" cy="334" r="2"',
    ])
      expect(after).toContain(place);
  });

  it('marks single points, and survives what is no number and no curve', () => {
    expect(svgChart(figureOf([lineOf('one', [0.4])]))).toContain('<circle');
    const svg = svgChart(figureOf([lineOf('one', [null, null]), lineOf('two', [])]));
    expectWellFormed(svg);
    expect(svg).not.toContain('NaN');
  });

  it('is well formed whatever a run is called', () => {
    const svg = svgChart(figureOf([lineOf(HOSTILE, [1, 2])], { title: HOSTILE }));
    expectWellFormed(svg);
    expect(svg).not.toContain('<script');
    expect(svg).not.toContain('\u202e');
    expect(svg.isWellFormed()).toBe(true);
  });
});

describe('the CSV of a chart', () => {
  it('has a line for every entry in view, with what is drawn of it', () => {
    const line = lineOf('=1+1', [0.1, null, 0.2, 0.3, 0.4, 9, 9], {
      smoothed: Float64Array.of(1, Number.NaN, 2, 3, 4, 5, 6),
    });
    expect(chartCsv(figureOf([line])).split('\n')).toEqual([
      'run,id,epoch,"test accuracy, %",smoothed 0.6,min,max,points,band low,band high',
      "'=1+1,'=1+1,1,0.1,1,0.1,0.1,1,,",
      "'=1+1,'=1+1,2,,,,,1,,",
      "'=1+1,'=1+1,3,0.2,2,0.2,0.2,1,,",
      "'=1+1,'=1+1,4,0.3,3,0.3,0.3,1,,",
      "'=1+1,'=1+1,5,0.4,4,0.4,0.4,1,,",
      '',
    ]);
  });
});

describe('a whole comparison as one file', () => {
  const html = htmlDocument({
    title: HOSTILE,
    subtitle: 'two runs',
    sections: [
      {
        title: 'Curves',
        note: HOSTILE,
        figures: [svgChart(figureOf([lineOf('one', [1, 2])])), svgChart(figureOf([lineOf('two', [1, 2])]))],
        tables: [],
      },
      {
        title: 'Settings',
        note: '',
        figures: [],
        tables: [
          { title: 'What differs', note: '', head: ['', HOSTILE], rows: [['Learning rate', HOSTILE]] },
        ],
      },
    ],
  });

  it('holds no script, fetches nothing and is whole', () => {
    expect(html).not.toMatch(/<script|javascript:|<link|<iframe|\son\w+=/i);
    expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|src=|href=/);
    expect(html).toContain("default-src 'none'");
    expect(html.isWellFormed()).toBe(true);
    expect(html).toContain('<bdi>&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; ');
  });

  it('gives each figure ids of its own', () => {
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(html).toContain(`url(#${id})`);
  });

  it('has header cells for columns and rows', () => {
    expect(html).toContain('<th scope="row"><bdi>Learning rate</bdi></th>');
    expect(html).toContain('<th scope="col">');
  });
});

describe('parallel coordinates as a file', () => {
  it('have axes and lines, interrupted where a run has no value', () => {
    const axis = (name: string, places: number[]) => ({
      column: { key: name, name, section: 'settings', kind: 'number', better: null } as const,
      key: name,
      log: false,
      flipped: false,
      brush: null,
      canBeLog: false,
      ticks: [{ place: 0, text: '<low>' }],
      places: Float64Array.from(places),
    });
    const svg = svgParallel({
      title: HOSTILE,
      axes: [axis('a', [0, 1]), axis('b', [Number.NaN, 0.5]), axis('c', [1, 0])],
      colours: ['#123456', null],
    });
    expectWellFormed(svg);
    expect(svg).toMatch(/d="M[\d.]+ [\d.]+M[\d.]+ [\d.]+" stroke="#123456"/);
    expect(svg).toContain('&lt;low&gt;');
  });
});

describe('texts', () => {
  it('are escaped, isolated, and cut down for file names', () => {
    expect(escapeMarkup(`a\ud800b`)).toBe('a\ufffdb');
    expect(isolatedName('a\u202eb\u2069')).toBe('\u2068ab\u2069');
    expect(csvText([['a"b', 'c,d', -1, null]])).toBe('"a""b","c,d",-1,\n');
    expect(fileNameOf('Test accuracy: a/b ../..')).toBe('test-accuracy-a-b');
    expect(fileNameOf('///')).toBe('figure');
  });
});
