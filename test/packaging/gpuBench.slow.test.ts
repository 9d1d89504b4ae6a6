/**
 * @file Runs in tests. The packed benchmark on a machine that has nothing but a shell: packed, unpacked in an empty folder
 * with an empty environment, and run on a driver in software, with a stand-in for PyTorch.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { SOFTWARE_ADAPTER, softwareVulkanEnvironment } from '../support/softwareVulkan.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const run = promisify(execFile);
const ROOT = dirname(dirname(import.meta.dirname));
const MOST_BYTES = 60e6;

const ROUND =
  '{"kind":"round","steps":2,"pairs":4,"ms":1,"peakMegabytes":10,"batchingMs":null,"recordingMs":null,"loss":1}';
/** Answers as peer_torch.py does; "bucket_compiled" fails. */
const STAND_IN_FOR_PYTHON = `#!/bin/sh
case $2 in bucket_compiled) echo "RuntimeError: CUDA is not there" >&2; exit 1 ;; esac
echo '{"kind":"ready","device":"cuda:0 stand-in","stepMs":1}'
while read -r order; do echo '${ROUND}'; done
`;

/** Driver in software as a description for Vulkan's loader. */
function driverDescription(folder: string): string {
  const driver = softwareVulkanEnvironment()['LD_LIBRARY_PATH']!.split(':')[0]!;
  const library = { library_path: join(driver, 'libvk_swiftshader.so'), api_version: '1.1.0' };
  const path = join(folder, 'software_icd.json');
  writeFileSync(path, JSON.stringify({ file_format_version: '1.0.0', ICD: library }));
  return path;
}

/** The package is for this platform alone, and made on it. */
describe.runIf(process.platform === 'linux' && process.arch === 'x64')('the packed benchmark', () => {
  const packed = temporaryFolder();
  const file = join(packed, 'entail-gpu-bench.sh');
  const empty = temporaryFolder();
  const out = join(empty, 'found');
  let table = '';

  async function runPacked(words: readonly string[], environment: Record<string, string>) {
    const env = { PATH: '/usr/bin:/bin', TMPDIR: temporaryFolder(), ...environment };
    return { ...(await run('sh', [file, ...words], { cwd: empty, env })), temporary: env.TMPDIR };
  }

  beforeAll(async () => {
    const words = [join(ROOT, 'test/bench/gpu/main.ts'), 'pack', packed, '--level', '1'];
    await run(process.execPath, words, { cwd: ROOT });
    const python = join(temporaryFolder(), 'python3');
    writeFileSync(python, STAND_IN_FOR_PYTHON, { mode: 0o755 });
    const tiny = ['--tiny', '--out', out, '--python', python, '--rounds', '1', '--round-seconds', '0.1'];
    const { stdout, temporary } = await runPacked([...tiny, '--seconds', '800'], {
      VK_DRIVER_FILES: driverDescription(packed),
      ENTAIL_WEBGPU_ADAPTER: SOFTWARE_ADAPTER,
    });
    table = stdout;
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('is one file below 60 MB', () => {
    expect(statSync(file).size).toBeLessThan(MOST_BYTES);
  });

  it('prints one table of all programs, with what each came to', () => {
    expect(table).toMatch(/\| tiny +\| webgpu, fp32 +\| +[\d.,]+ \|/);
    expect(table).toMatch(/\| tiny +\| native, fp32 +\| +[\d.,]+ \|/);
    expect(table).toMatch(/\| tiny +\| PyTorch as the book does it .*\| +8,000 \|/);
    expect(table).toMatch(/webgpu, fp16: .*has no half precision/);
    expect(table).toMatch(/length-sorted.*: ended with 1: RuntimeError: CUDA is not there/);
  });

  it('passes the golden fixtures on each engine, and leaves their reports', () => {
    expect(table).toMatch(/golden fixtures on webgpu, fp32 +\| passed/);
    expect(table).toMatch(/golden fixtures on native, fp32 +\| passed/);
    expect(readFileSync(join(out, 'report-webgpu-fp32.md'), 'utf8')).toContain('| model_book.json |');
  });

  it('leaves its findings in files: the table, the figures, a profile by kernel, a log of each program', () => {
    expect(readFileSync(join(out, 'table.md'), 'utf8')).toBe(table.trimStart());
    const { vulkan, programs } = JSON.parse(readFileSync(join(out, 'results.json'), 'utf8'));
    expect(vulkan.adapter.name).toMatch(/SwiftShader/);
    expect(programs[0].rounds[0]).toMatchObject({ pairs: 4 });
    expect(programs[0].rounds[0].loss).toBeGreaterThan(0);
    expect(readFileSync(join(out, 'profile.md'), 'utf8')).toMatch(/kernels one by one/);
    expect(existsSync(join(out, 'logs', 'torch-tiny-bucket-compiled.log'))).toBe(true);
  });

  it('says where there is no GPU at all, and measures what can be', async () => {
    const words = ['--tiny', '--out', join(empty, 'without'), '--only', 'native-tiny-fp32'];
    const { stdout, stderr } = await runPacked([...words, '--only', 'webgpu-tiny-fp32', '--rounds', '1'], {
      VK_DRIVER_FILES: '/no/such/icd.json',
    });
    expect(stderr).toMatch(/^Vulkan by \/no\/such\/icd\.json, as asked: /m);
    expect(stdout).toMatch(/WebGPU reaches no GPU/);
    expect(stdout).toMatch(/webgpu, fp32: The engine webgpu finds no GPU here/);
    expect(stdout).toMatch(/\| tiny +\| native, fp32 +\| +[\d.,]+ \|/);
  });

  it('refuses options that it does not know', async () => {
    await expect(runPacked(['--tinny'], {})).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Unknown option '--tinny'"),
    });
  });
});
