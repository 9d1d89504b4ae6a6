/** @file Runs in Electron's main process. Supervised children as utility processes: Electron's fuses forbid plain Node ones. */
import type { UtilityProcess, utilityProcess } from 'electron';
import type { ChildLauncher, LaunchedChild } from '../training/childLauncher.ts';

interface Pulse {
  readonly pulse: number;
}

function isPulse(message: unknown): message is Pulse {
  return (
    typeof message === 'object' && message !== null && 'pulse' in message && typeof message.pulse === 'number'
  );
}

/** As for any supervised child; `words` are its arguments. */
type UtilityLauncher = (
  ...parameters: [...Parameters<ChildLauncher>, words?: readonly string[]]
) => LaunchedChild;

export function launchUtility(parent: Pick<typeof utilityProcess, 'fork'>): UtilityLauncher {
  return (entry, environment, { onMessage, onPulse, onStderr, onClose }, words = []) => {
    const child: UtilityProcess = parent.fork(entry, [...words], {
      env: { ...environment },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe'],
      serviceName: 'Entail worker',
    });
    child.on('message', (message: unknown) =>
      isPulse(message) ? onPulse(message.pulse) : onMessage(message),
    );
    child.stderr?.on('data', (bytes: Buffer) => onStderr(bytes.toString('utf8')));
    // A fault of V8 is told before the end that follows; unheard, it would end this process too.
    child.on('error', (fault, place) => onStderr(`${fault} ${place}\n`));
    child.on('exit', (code) => onClose(`exit code ${code}`));
    return {
      get pid() {
        return child.pid;
      },
      send: (message) => child.postMessage(message),
      kill: () => {
        const { pid } = child;
        // kill() of a utility process is a polite request; a child that hangs does not hear it.
        if (pid !== undefined) process.kill(pid, 'SIGKILL');
        else child.kill();
      },
    };
  };
}
