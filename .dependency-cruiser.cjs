/**
 * @file Runs under Node, read by dependency-cruiser. The fences between the folders: control goes down, facts come up,
 * and only the composition root sees everything. `npm run fences` checks them; test/architecture.test.ts proves that
 * each of them can fail.
 */

/** What each folder may import of the project, apart from itself. entries.ts is for those who start processes and threads. */
const MAY_SEE = {
  shared: [],
  'main/files': ['shared'],
  'main/db': ['shared', 'main/files'],
  // A hub of models and data sets: what it has, and its files.
  'main/hub': ['shared', 'main/files'],
  // The form of a batch, and the numbers that shuffle it, are the model's; both are pure.
  'main/data': [
    'shared',
    'main/files',
    'main/hub',
    'main/entries.ts',
    'main/model/packedBatch.ts',
    'main/model/maskedBatch.ts',
    'main/model/philox.ts',
  ],
  // Pure functions over columns; random numbers are the model's, which are pure too.
  'main/analysis': ['shared', 'main/model/philox.ts'],
  'main/model': ['shared'],
  // A model comes with what cuts its text.
  'main/models': [
    // A model is downloaded and then imported.
    'main/hub',
    'shared',
    'main/files',
    'main/model',
    'main/data/vocabulary.ts',
    'main/data/openPairTokenizer.ts',
  ],
  // Writers of exports carry a tokenizer with them; nothing here knows of runs, the database or the studio.
  'main/export': [
    'shared',
    'main/files',
    'main/model/config.ts',
    'main/model/parameters.ts',
    // How a file of weights is read tensor by tensor, and where transformers keeps each parameter.
    'main/models/safetensorsFile.ts',
    'main/models/weightFile.ts',
    'main/models/huggingFace/names.ts',
    'main/data/encoding.ts',
    'main/data/pairTokenizer.ts',
    'main/data/treebankTokenizer.ts',
    'main/data/truncation.ts',
    'main/data/vocabulary.ts',
    'main/data/wordpiece',
    'main/data/words.ts',
    'main/data/wordsTokenizer.ts',
    'main/engines/wasmBackend.ts',
  ],
  // The child that writes an export and compares its answers with the studio's own.
  'main/exporting': [
    ...['shared', 'main/files', 'main/data', 'main/model', 'main/models', 'main/engines'],
    ...['main/training', 'main/export', 'main/entries.ts'],
  ],
  'main/engines': ['shared', 'main/files', 'main/model', 'main/entries.ts'],
  'main/training': [
    'shared',
    'main/files',
    'main/hub',
    'main/data',
    'main/model',
    'main/engines',
    'main/entries.ts',
  ],
  // What PyTorch computed, and how an engine is compared with it on a person's own device.
  'main/golden': [
    ...['shared', 'main/files', 'main/model', 'main/engines', 'main/training', 'main/entries.ts'],
    // How a batch becomes micro-batches.
    ...['main/data/batches.ts', 'main/data/encoding.ts'],
  ],
  // What both hosts share: the contract's dispatcher and the events.
  'main/rpc': ['shared'],
  renderer: ['shared'],
};

const fences = Object.entries(MAY_SEE).map(([folder, seen]) => ({
  name: `${folder.replace('main/', '')}-fence`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: {
    path: '^(main|shared|renderer|test|bin)/',
    pathNot: [folder, ...seen].map((name) => `^${name}(/|$)`),
  },
}));

const MODEL_PACKAGES = '^(node_modules/@tensorflow/tfjs-core/|@tensorflow/tfjs-core)';

module.exports = {
  forbidden: [
    ...fences,
    {
      name: 'shared-is-pure',
      comment: 'shared/ runs in the renderer too: no Node, and of packages only zod.',
      severity: 'error',
      from: { path: '^shared/' },
      to: { pathNot: '^(shared/|node_modules/zod/)' },
    },
    {
      name: 'model-imports-only-tfjs-core',
      severity: 'error',
      from: { path: '^main/model/' },
      to: { pathNot: ['^(main/model|shared)/', MODEL_PACKAGES] },
    },
    {
      name: 'only-the-roots-see-everything',
      comment: 'studio.ts wires the services; nothing below it may import it.',
      severity: 'error',
      from: { path: '^main/', pathNot: '^main/(cli|headless|desktop|studio|start)[./]' },
      to: { path: '^main/(studio|cli|headless|desktop)([./]|$)' },
    },
    {
      name: 'electron-only-in-desktop',
      severity: 'error',
      from: {
        path: '^(main|shared|test|renderer)/',
        pathNot: ['^main/desktop[./]', '^test/support/fakeElectron'],
      },
      to: { path: '(^|/)node_modules/electron/|^electron$' },
    },
    {
      name: 'no-cycles',
      comment: 'Imports of types only are gone at run time.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-tests-in-the-program',
      severity: 'error',
      from: { path: '^(main|shared|renderer)/' },
      to: { path: '^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
    },
  },
};
