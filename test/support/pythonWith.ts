/** @file Tests. A Python that has a package, where there is one: peers that our files are shown to. */
import { spawnSync } from 'node:child_process';
import { delimiter } from 'node:path';

/** Environment variable that names Pythons of one's own, such as virtual environments', as PATH names folders. */
const CHOICE = 'ENTAIL_TEST_PYTHON';

/** -> a Python that can import all of `modules`, or calls `skip` with a reason that says what to install. */
export function pythonWith(modules: readonly string[], skip: (reason: string) => void): string {
  const chosen = (process.env[CHOICE] ?? '').split(delimiter).filter((path) => path !== '');
  const candidates = [...chosen, 'python3', 'python'];
  const found = candidates.find((path) => runPython(path, `import ${modules.join(', ')}`).status === 0);
  if (found === undefined)
    skip(`no Python with ${modules.join(', ')}: pip install ${modules.join(' ')}, and set ${CHOICE} to it`);
  return found ?? '';
}

/** What the words after the script are is `sys.argv[1:]`. */
export function runPython(python: string, script: string, words: readonly string[] = []) {
  return spawnSync(python, ['-c', script, ...words], { encoding: 'utf8' });
}
