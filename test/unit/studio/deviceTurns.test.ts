/** @file Tests. The scheduler of devices: who may start now and on what, first come, first served; a pure function. */
import { describe, expect, it } from 'vitest';
import {
  type DeviceTurn,
  deviceTurns,
  type HeldDevice,
  type WaitingTurn,
} from '../../../main/studio/deviceTurns.ts';
import { type Device, type DeviceHolder, type DevicesWish, PROCESSOR } from '../../../shared/devices.ts';
import { StudioError } from '../../../shared/errors.ts';

const gpu = (name: Device['name'], gpus: readonly string[] = [name]): Device => ({
  ...PROCESSOR,
  name,
  gpus,
});
const CUDA = [0, 1, 2, 3].map((number) => gpu(`cuda:${number}`, [`GPU-${number}`]));
const MACHINE = [...CUDA, PROCESSOR];

const somebody: DeviceHolder = { kind: 'process', pid: 4711, program: 'python3' };
const holding = (...devices: readonly Device[]): HeldDevice[] =>
  devices.map((device) => ({ device, holder: somebody }));

function waits(run: string, wish: DevicesWish = 1, devices: readonly Device[] = MACHINE): WaitingTurn {
  return { run, wish, devices, besidePrograms: false, ticket: null };
}
const beside = (run: string, wish: DevicesWish = 1): WaitingTurn => ({
  ...waits(run, wish),
  besidePrograms: true,
});

/** "a: cuda:0,cuda:1" for one that starts, "b: -" for one that waits. */
const standing = (turns: readonly DeviceTurn[]) =>
  turns.map(({ run, placement }) => {
    if (placement instanceof StudioError) return `${run}: ${placement.code}`;
    return `${run}: ${placement?.map(({ name }) => name).join(',') ?? '-'}`;
  });

describe('runs that ask for one device', () => {
  it('start side by side, in their order, the best device first', () => {
    const turns = deviceTurns(
      ['a', 'b', 'c', 'd', 'e'].map((run) => waits(run)),
      [],
    );
    expect(standing(turns)).toEqual(['a: cuda:0', 'b: cuda:1', 'c: cuda:2', 'd: cuda:3', 'e: -']);
    expect(turns[4]!.waitsFor[0]).toEqual({ device: 'cuda:0', holder: { kind: 'waiting', run: 'a' } });
  });

  it('pass over what is in use, and say who has it when everything is', () => {
    expect(standing(deviceTurns([waits('a')], holding(CUDA[0]!, CUDA[2]!)))).toEqual(['a: cuda:1']);
    const [turn] = deviceTurns([waits('a', 1, CUDA.slice(0, 2))], holding(CUDA[0]!, CUDA[1]!));
    expect(turn).toEqual({
      run: 'a',
      placement: null,
      waitsFor: [
        { device: 'cuda:0', holder: somebody },
        { device: 'cuda:1', holder: somebody },
      ],
      hopesFor: [],
    });
  });

  it('are trained one at a time on a machine that has only a processor', () => {
    const onProcessor = (run: string) => waits(run, 1, [PROCESSOR]);
    expect(standing(deviceTurns([onProcessor('a'), onProcessor('b')], []))).toEqual(['a: cpu', 'b: -']);
  });

  it('take the processor of a machine with GPUs by name only', () => {
    expect(standing(deviceTurns([waits('a'), waits('b', ['cpu'])], holding(...CUDA)))).toEqual([
      'a: -',
      'b: cpu',
    ]);
  });
});

describe('runs that name devices', () => {
  it('wait for these, while others start on the rest', () => {
    const turns = deviceTurns([waits('a', ['cuda:0']), waits('b', ['1']), waits('c')], holding(CUDA[0]!));
    expect(standing(turns)).toEqual(['a: -', 'b: cuda:1', 'c: cuda:2']);
  });

  it('get them in the order of the wish', () => {
    expect(standing(deviceTurns([waits('a', ['2', 'cuda:0'])], []))).toEqual(['a: cuda:2,cuda:0']);
  });

  it('may name the processor for several workers', () => {
    expect(standing(deviceTurns([waits('a', ['cpu', 'cpu']), waits('b', ['cpu'])], []))).toEqual([
      'a: cpu,cpu',
      'b: -',
    ]);
  });

  it('may not name a GPU twice', () => {
    expect(standing(deviceTurns([waits('a', ['2', 'cuda:2'])], []))).toEqual(['a: USAGE']);
  });

  it('are told that there is no such device, and keep nobody from starting', () => {
    const turns = deviceTurns([waits('a', ['7']), waits('b', ['webgpu:0']), waits('c')], []);
    expect(standing(turns)).toEqual(['a: NOT_FOUND', 'b: NOT_FOUND', 'c: cuda:0']);
    const [{ placement }] = turns as [DeviceTurn];
    expect((placement as StudioError).message).toContain('cuda:0, cuda:1, cuda:2, cuda:3, cpu');
  });
});

describe('runs that ask for several devices', () => {
  it('take all at once, or none', () => {
    expect(standing(deviceTurns([waits('a', 'all')], []))).toEqual(['a: cuda:0,cuda:1,cuda:2,cuda:3']);
    const turns = deviceTurns([waits('a', 'all')], holding(CUDA[3]!));
    expect(standing(turns)).toEqual(['a: -']);
    expect(turns[0]!.waitsFor).toEqual([{ device: 'cuda:3', holder: somebody }]);
  });

  it('keep what is free of theirs from those who came later, so that they never starve', () => {
    const turns = deviceTurns([waits('a', ['0', '1']), waits('b', ['0']), waits('c')], holding(CUDA[1]!));
    expect(standing(turns)).toEqual(['a: -', 'b: -', 'c: cuda:2']);
    expect(turns[1]!.waitsFor).toEqual([{ device: 'cuda:0', holder: { kind: 'waiting', run: 'a' } }]);
  });

  it('go on with as many as before, or as many as there are', () => {
    expect(standing(deviceTurns([waits('a', 2)], holding(CUDA[0]!)))).toEqual(['a: cuda:1,cuda:2']);
    expect(standing(deviceTurns([waits('a', 8)], []))).toEqual(['a: cuda:0,cuda:1,cuda:2,cuda:3']);
    expect(standing(deviceTurns([waits('a', 2, [PROCESSOR])], []))).toEqual(['a: cpu']);
  });

  it('or for those that are free take these, and wait for one where none is', () => {
    expect(standing(deviceTurns([waits('a', 'free')], holding(CUDA[0]!)))).toEqual([
      'a: cuda:1,cuda:2,cuda:3',
    ]);
    expect(standing(deviceTurns([waits('a', 'free')], holding(...CUDA)))).toEqual(['a: -']);
  });
});

describe('runs that start beside programs', () => {
  const two = { ...waits('a'), devices: CUDA.slice(0, 2) };
  const ENTAIL: DeviceHolder = { kind: 'entail', pid: 4712, purpose: 'run' };
  const RUN: DeviceHolder = { kind: 'run', run: 'r', pid: 4713 };

  it('do not wait for them, but rather take a device that nobody uses', () => {
    expect(standing(deviceTurns([beside('a', ['0'])], holding(CUDA[0]!)))).toEqual(['a: cuda:0']);
    expect(standing(deviceTurns([beside('a'), beside('b')], holding(...CUDA.slice(0, 3))))).toEqual([
      'a: cuda:3',
      'b: cuda:0',
    ]);
    expect(standing(deviceTurns([beside('a', 2)], holding(...CUDA.slice(1))))).toEqual(['a: cuda:0,cuda:1']);
    expect(standing(deviceTurns([beside('a', ['2', '0'])], holding(CUDA[2]!)))).toEqual(['a: cuda:2,cuda:0']);
  });

  it('that take what is free take one beside a program, and only where nothing is', () => {
    expect(standing(deviceTurns([beside('a', 'free')], holding(CUDA[0]!)))).toEqual([
      'a: cuda:1,cuda:2,cuda:3',
    ]);
    expect(standing(deviceTurns([beside('a', 'free')], holding(...CUDA)))).toEqual(['a: cuda:0']);
  });

  it.each([ENTAIL, RUN])(
    'wait for whoever else has the device, whatever else computes on it: %j',
    (holder) => {
      const held = [
        ...holding(CUDA[0]!, CUDA[1]!),
        { device: CUDA[0]!, holder },
        { device: CUDA[1]!, holder },
      ];
      const [turn] = deviceTurns([{ ...two, besidePrograms: true }], held);
      expect(turn).toEqual({
        run: 'a',
        placement: null,
        waitsFor: [
          { device: 'cuda:0', holder },
          { device: 'cuda:1', holder },
        ],
        hopesFor: CUDA.slice(0, 2),
      });
    },
  );

  it('are one a device, and pass those that wait for the program', () => {
    const turns = deviceTurns([waits('a', ['0']), beside('b', ['0']), beside('c', ['0'])], holding(CUDA[0]!));
    expect(standing(turns)).toEqual(['a: -', 'b: cuda:0', 'c: -']);
    expect(turns[2]!.waitsFor).toEqual([{ device: 'cuda:0', holder: { kind: 'waiting', run: 'b' } }]);
  });
});

describe('Entails that have waited longer', () => {
  const kept = (ticket: string, ...devices: readonly Device[]): HeldDevice[] =>
    devices.map((device) => ({
      device,
      holder: { kind: 'entailBefore', pid: 4712, purpose: 'a run' },
      ticket,
    }));

  it('get their devices before a run that has no place, or a later one', () => {
    const held = kept('2', CUDA[0]!, CUDA[1]!);
    for (const ticket of [null, '3']) {
      const [turn] = deviceTurns([{ ...waits('a', ['0']), ticket }], held);
      expect(turn).toMatchObject({ placement: null, waitsFor: [{ holder: { kind: 'entailBefore' } }] });
      expect(turn!.hopesFor).toEqual([CUDA[0]]);
    }
    expect(standing(deviceTurns([waits('a')], held))).toEqual(['a: cuda:2']);
  });

  it('leave them to a run with an older place', () => {
    const turns = deviceTurns([{ ...waits('a', ['0', '1']), ticket: '1' }], kept('2', CUDA[0]!, CUDA[1]!));
    expect(standing(turns)).toEqual(['a: cuda:0,cuda:1']);
  });

  it('are no hope where a program must end first', () => {
    const [all, one] = deviceTurns(
      [waits('a', 'all'), waits('b')],
      [...holding(CUDA[0]!), ...kept('1', ...CUDA.slice(1))],
    );
    expect(all!.hopesFor).toEqual([]);
    expect(one!.hopesFor).toEqual(CUDA.slice(1));
  });
});

describe('GPUs of several kinds', () => {
  const old = { ...gpu('cuda:4', ['GPU-4']), title: 'an older one' };

  it('do not train one run together unless that is asked for', () => {
    const mixed = [old, ...CUDA, PROCESSOR];
    expect(standing(deviceTurns([waits('a', 'free', mixed), waits('b', 'free', mixed)], []))).toEqual([
      'a: cuda:4',
      'b: cuda:0,cuda:1,cuda:2,cuda:3',
    ]);
    expect(standing(deviceTurns([waits('a', ['4', '0'], mixed)], []))).toEqual(['a: cuda:4,cuda:0']);
  });
});

describe('one GPU in two ways', () => {
  const webgpu = gpu('webgpu:0', ['GPU-0']);

  it('computes one run', () => {
    const turns = deviceTurns([waits('a', ['0']), waits('b', 1, [webgpu])], []);
    expect(standing(turns)).toEqual(['a: cuda:0', 'b: -']);
    expect(standing(deviceTurns([waits('a')], holding(webgpu)))).toEqual(['a: cuda:1']);
  });
});

describe('from any state', () => {
  /** Numbers of a linear congruential generator: the same in every run of the test. */
  function* numbers(seed: number): Generator<number, never> {
    for (let state = seed; ; ) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      yield state / 2 ** 32;
    }
  }

  const WISHES: readonly DevicesWish[] = [
    1,
    1,
    2,
    'all',
    'free',
    ['0'],
    ['1', '3'],
    ['cpu'],
    ['2', '0', '1'],
  ];

  it('no device is given twice, nobody waits for nothing, and all runs train in the end', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = numbers(seed);
      const below = (count: number) => Math.floor(random.next().value * count);
      let waiting = Array.from({ length: 12 }, (_, at) => waits(`r${at}`, WISHES[below(WISHES.length)]!));
      const working = new Map<string, readonly Device[]>();
      for (let round = 0; waiting.length > 0 || working.size > 0; round++) {
        expect(round).toBeLessThan(100);
        const held = [...working.values()].flat().map((device) => ({ device, holder: somebody }));
        const turns = deviceTurns(waiting, held);
        for (const { run, placement, waitsFor } of turns) {
          if (placement === null) expect(waitsFor.length).toBeGreaterThan(0);
          else working.set(run, placement as readonly Device[]);
        }
        const names = [...working.values()].flat().map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        waiting = waiting.filter(({ run }) => !working.has(run));
        // Some run ends: any of them.
        const ended = [...working.keys()][below(working.size)];
        if (ended !== undefined) working.delete(ended);
      }
    }
  });

  it('the first of the queue never waits for one that came after it', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = numbers(seed);
      const below = (count: number) => Math.floor(random.next().value * count);
      const first = waits('first', WISHES[below(WISHES.length)]!);
      const others = Array.from({ length: 6 }, (_, at) => waits(`r${at}`, WISHES[below(WISHES.length)]!));
      const held = holding(...CUDA.filter(() => below(2) === 0));
      expect(deviceTurns([first, ...others], held)[0]).toEqual(deviceTurns([first], held)[0]);
    }
  });
});
