/** @file Tests. Which hub is asked and as whom, from the variables and the file that the hub's own tools use. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hubSettings } from '../../../main/hub/hubSettings.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const nowhere = { HF_HOME: temporaryFolder() };

describe('the hub that is asked', () => {
  test('is the public one without a token, unless the environment says otherwise', () => {
    const { endpoint, token } = hubSettings(nowhere);
    expect([endpoint.href, token]).toEqual(['https://huggingface.co/', null]);
    const mirror = hubSettings({ ...nowhere, HF_ENDPOINT: 'http://mirror.example:8080/hub/' });
    expect(mirror.endpoint.href).toBe('http://mirror.example:8080/hub');
  });

  test.each(['mirror', 'ftp://mirror', 'https://mirror/?x=1'])('%s is no hub', (HF_ENDPOINT) => {
    expect(studioErrorOf(() => hubSettings({ ...nowhere, HF_ENDPOINT })).code).toBe('USAGE');
  });

  test('knows the person by HF_TOKEN before the file that the login of its tools writes', () => {
    const home = temporaryFolder();
    writeFileSync(join(home, 'token'), 'hf_from_file\n');
    expect(hubSettings({ HF_HOME: home }).token).toBe('hf_from_file');
    expect(hubSettings({ HF_HOME: home, HF_TOKEN: ' hf_from_variable ' }).token).toBe('hf_from_variable');
    expect(hubSettings({ HF_HOME: home, HF_TOKEN: '' }).token).toBe('hf_from_file');
    const cache = temporaryFolder();
    mkdirSync(join(cache, 'huggingface'));
    writeFileSync(join(cache, 'huggingface', 'token'), 'hf_in_cache');
    expect(hubSettings({ XDG_CACHE_HOME: cache }).token).toBe('hf_in_cache');
    expect(hubSettings({ ...nowhere, HF_TOKEN_PATH: join(home, 'token') }).token).toBe('hf_from_file');
  });

  test('a token that no header can carry is refused without being shown', () => {
    const error = studioErrorOf(() => hubSettings({ ...nowhere, HF_TOKEN: 'secret\nword' }));
    expect(error.code).toBe('USAGE');
    expect(JSON.stringify(error.toData())).not.toContain('secret');
  });

  test('is none with HF_HUB_OFFLINE', () => {
    expect(studioErrorOf(() => hubSettings({ ...nowhere, HF_HUB_OFFLINE: '1' })).code).toBe('OFFLINE');
    expect(hubSettings({ ...nowhere, HF_HUB_OFFLINE: '0' }).token).toBeNull();
  });
});
