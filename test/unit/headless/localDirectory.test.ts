/** @file Tests. A data directory on a network file system: recognised, another one proposed, asked for once and remembered. */
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { networkFileSystem } from '../../../main/db/localFileSystem.ts';
import { type LocalDirectoryLinks, localDataDirectory } from '../../../main/start/localDirectory.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

/** A machine whose home is on NFS; the kernel's numbers and mount table decide, as they do for real. */
function machine(
  answers: readonly boolean[] | null = null,
  isRemote: (path: string) => boolean = () => false,
) {
  const home = temporaryFolder();
  const mounts = `/dev/sda1 / ext4 rw 0 0\nserver:/home ${home} nfs4 rw 0 0\n`;
  const questions: string[] = [];
  const asked: string[] = [];
  const links: LocalDirectoryLinks = {
    networkFileSystemOf: (folder) => {
      asked.push(folder);
      return isRemote(folder) ? 'NFS' : networkFileSystem(folder, 0xef53, mounts);
    },
    ask:
      answers === null
        ? null
        : async (question) => {
            questions.push(question);
            return answers[questions.length - 1] ?? false;
          },
    pointerPath: join(temporaryFolder(), 'configuration', 'data-directories.json'),
    localFolders: [temporaryFolder()],
  };
  return { home, links, questions, asked };
}

describe('a data directory', () => {
  it('on a local disk is taken as it is, whether it is there or not, and nobody is asked', async () => {
    const { links, questions, asked } = machine([true]);
    const local = temporaryFolder();
    const deep = join(local, 'not', 'there', 'yet');
    expect(await localDataDirectory(deep, {}, links)).toBe(deep);
    // What is not there yet will lie where its nearest parent does.
    expect(asked).toEqual([local]);
    expect(await localDataDirectory(null, { ENTAIL_HOME: local }, links)).toBe(local);
    expect(questions).toEqual([]);
    expect(existsSync(deep)).toBe(false);
  });

  it('on a network file system is named, and another one proposed where nobody can be asked', async () => {
    const { home, links } = machine();
    const wanted = join(home, 'entail');
    const error = await studioRejectionOf(localDataDirectory(wanted, {}, links));
    expect(error).toMatchObject({ code: 'WRITE_FAILED', place: { file: wanted } });
    expect(error.message).toBe(
      `${wanted} lies on a network file system (nfs4), where the database could be damaged.`,
    );
    const proposal = /^Use a local disk: --data-dir (.+)$/.exec(error.nextStep)?.[1] ?? '';
    expect(proposal).toMatch(new RegExp(`/entail-${userInfo().username}$`));
    expect(existsSync(links.pointerPath)).toBe(false);
    // The proposal is one that would be taken.
    expect(await localDataDirectory(proposal, {}, links)).toBe(proposal);
  });

  it('is never proposed where this person cannot write, or another one has been before', async () => {
    const { home, links } = machine();
    const name = `entail-${userInfo().username}`;
    const [behindFile, behindLink, others, fine] = [1, 2, 3, 4].map(() => temporaryFolder());
    writeFileSync(join(behindFile!, name), '');
    symlinkSync(temporaryFolder(), join(behindLink!, name));
    mkdirSync(join(others!, name));
    // Only root may give a folder away; for anybody else /proc is refusal enough.
    if (process.getuid?.() === 0) chownSync(join(others!, name), 12345, 12345);
    const refused = [
      '/proc',
      '/nowhere',
      behindFile!,
      behindLink!,
      ...(process.getuid?.() === 0 ? [others!] : []),
    ];
    const proposalAmong = async (localFolders: readonly string[]) =>
      (await studioRejectionOf(localDataDirectory(join(home, 'entail'), {}, { ...links, localFolders })))
        .nextStep;
    expect(await proposalAmong(refused)).toBe('Give a folder on a local disk: --data-dir FOLDER.');
    expect(await proposalAmong([...refused, fine!])).toBe(
      `Use a local disk: --data-dir ${join(fine!, name)}`,
    );
    expect(readdirSync(fine!)).toEqual([]);
    // One's own from an earlier time is as good.
    mkdirSync(join(fine!, name));
    expect(await proposalAmong([fine!])).toContain(join(fine!, name));
    expect(readdirSync(join(fine!, name))).toEqual([]);
  });

  it('is replaced once a person agrees, and from then on without a question', async () => {
    const { home, links, questions } = machine([true]);
    const wanted = join(home, 'entail');
    const taken = await localDataDirectory(wanted, {}, links);
    expect(taken.startsWith(home)).toBe(false);
    expect(questions).toEqual([
      `${wanted} lies on a network file system (nfs4), where the database could be damaged.\nUse ${taken} instead, and remember it? [y/N] `,
    ]);
    const silent = { ...links, ask: null };
    expect(await localDataDirectory(wanted, {}, silent)).toBe(taken);
    expect(await localDataDirectory(null, { ENTAIL_HOME: wanted }, silent)).toBe(taken);
    expect(JSON.parse(readFileSync(links.pointerPath, 'utf8'))).toEqual({ instead: { [wanted]: taken } });
    // It was agreed to for this directory only.
    expect((await studioRejectionOf(localDataDirectory(join(home, 'other'), {}, silent))).code).toBe(
      'WRITE_FAILED',
    );
  });

  it('is refused when the person says no, and asked for again the next time', async () => {
    const { home, links, questions } = machine([false, true]);
    const wanted = join(home, 'entail');
    expect((await studioRejectionOf(localDataDirectory(wanted, {}, links))).code).toBe('WRITE_FAILED');
    await localDataDirectory(wanted, {}, links);
    expect(questions).toHaveLength(2);
  });

  it('is refused without a proposal where everything is remote', async () => {
    const { home, links, questions } = machine([true], () => true);
    const error = await studioRejectionOf(localDataDirectory(join(home, 'entail'), {}, links));
    expect(error.nextStep).toBe('Give a folder on a local disk: --data-dir FOLDER.');
    expect(questions).toEqual([]);
  });

  it('is looked at anew when what was remembered cannot be read', async () => {
    const { links } = machine();
    const local = join(tmpdir(), 'somewhere');
    const pointerPath = join(temporaryFolder(), 'data-directories.json');
    for (const text of ['', '{', '{"instead":[]}', `{"instead":{"${local}":7}}`]) {
      writeFileSync(pointerPath, text);
      expect(await localDataDirectory(local, {}, { ...links, pointerPath })).toBe(local);
    }
  });
});
