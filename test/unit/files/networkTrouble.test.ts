/** @file Tests. What network errors are called, and how fast bytes come. */
import { expect, test } from 'vitest';
import { downloadError, networkTrouble, PassingTrouble } from '../../../main/files/downloadErrors.ts';
import { RateMeter } from '../../../main/files/rateMeter.ts';
import { systemError } from '../../support/faultyFileSystem.ts';

const url = new URL('https://user:secret@nlp.example.org/snli.zip?key=secret');

test.each([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
])('%s means offline, also as a cause and among parallel attempts', (code) => {
  const error = systemError(code);
  const thrown = [error, new TypeError('fetch failed', { cause: error }), new AggregateError([error, error])];
  for (const one of thrown) {
    const trouble = networkTrouble(one)!;
    expect([trouble.offline, trouble.mayPass]).toEqual([true, true]);
    const { code: name, message, nextStep } = downloadError(url, trouble, 1);
    expect(name).toBe('OFFLINE');
    expect(message).toContain('nlp.example.org');
    expect(nextStep).toContain('try again');
  }
});

test.each([
  ['ECONNRESET', true],
  ['UND_ERR_SOCKET', true],
  ['UND_ERR_BODY_TIMEOUT', true],
  ['ERR_HTTP2_STREAM_ERROR', true],
  ['SELF_SIGNED_CERT_IN_CHAIN', false],
  ['CERT_HAS_EXPIRED', false],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', false],
  ['ERR_TLS_CERT_ALTNAME_INVALID', false],
  ['UND_ERR_INVALID_ARG', false],
])('%s is no matter of being offline; it may pass: %s', (code, mayPass) => {
  const trouble = networkTrouble(systemError(code))!;
  expect([trouble.offline, trouble.mayPass]).toEqual([false, mayPass]);
  const error = downloadError(url, trouble, 3);
  expect(error.code).toBe('DOWNLOAD_FAILED');
  expect(error.message).toContain('https://nlp.example.org/snli.zip failed after 3 attempts');
  expect(`${error.message} ${error.nextStep}`).not.toContain('secret');
  expect(error.nextStep.includes('NODE_EXTRA_CA_CERTS')).toBe(/CERT|SIGNATURE/.test(code));
});

test('a pause that a server asks for is passed on, and a defect is not network trouble', () => {
  expect(networkTrouble(new PassingTrouble('busy', { retryAfterMs: 7 }))?.retryAfterMs).toBe(7);
  expect(networkTrouble(new TypeError('x is not a function'))).toBeNull();
  expect(networkTrouble('text')).toBeNull();
});

test('the rate is the mean of the last five seconds', () => {
  let nowMs = 100;
  const meter = new RateMeter(() => nowMs);
  expect(meter.bytesPerSecond()).toBe(0);
  for (let second = 1; second <= 20; second++) {
    nowMs += 1000;
    meter.add(second <= 10 ? 500 : 3000);
    if (second === 10) expect(meter.bytesPerSecond()).toBe(500);
    else meter.bytesPerSecond();
  }
  expect(meter.bytesPerSecond()).toBe(3000);
  nowMs += 6000;
  expect(meter.bytesPerSecond()).toBe(0);
});
