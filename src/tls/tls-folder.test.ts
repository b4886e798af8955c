import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { systemClock } from '../lib/clock.ts';
import { systemFiles } from '../lib/files.ts';
import { systemRandom } from '../lib/random.ts';
import { DAY_MS } from './certificates.ts';
import { ensureServerCertificate, serverNames } from './tls-folder.ts';
import type { TlsFolderOptions } from './tls-folder.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const MACHINE = { hostName: 'Box-1.example', addresses: ['192.168.7.9', 'fd00::9'] };

/** A folder, gone after the test, and how to start a server on it. */
function openFolder() {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-tls-'));
  const warnings: string[] = [];
  const folder = path.join(root, 'tls');
  const start = async (changes: Partial<TlsFolderOptions> & { days?: number } = {}) =>
    await ensureServerCertificate({
      files: systemFiles,
      folder,
      hostName: MACHINE.hostName,
      names: serverNames('127.0.0.1', MACHINE),
      clock: { ...systemClock, nowMs: () => NOW_MS + (changes.days ?? 0) * DAY_MS },
      random: systemRandom,
      log: { info: () => undefined, warn: (message) => void warnings.push(message) },
      ...changes,
    });
  const read = (name: string) => fs.readFileSync(path.join(folder, name), 'utf8');
  const certificate = (name: string) => new X509Certificate(read(name));
  const all = () => ['ca.pem', 'ca.key', 'server.pem'].map(read);
  const remove = () => fs.rmSync(root, { recursive: true });
  return { folder, warnings, start, read, certificate, all, [Symbol.dispose]: remove };
}

function daysOf(certificate: X509Certificate): number {
  return (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / DAY_MS;
}

test('the first start makes a CA and a certificate below it, readable by the owner alone', async () => {
  using place = openFolder();
  const { caFile, cert } = await place.start();
  assert.equal(caFile, path.join(place.folder, 'ca.pem'));
  const [ca, server] = [place.certificate('ca.pem'), new X509Certificate(cert)];
  assert.deepEqual([ca.subject, ca.issuer], ['CN=Hupo CA Box-1.example', ca.subject]);
  assert.deepEqual([ca.ca, server.ca], [true, false]);
  assert.ok(ca.verify(ca.publicKey) && server.verify(ca.publicKey) && server.checkIssued(ca));
  assert.deepEqual([daysOf(ca), daysOf(server)], [3650, 825]);
  assert.ok(ca.validFromDate.getTime() < NOW_MS && server.validFromDate.getTime() < NOW_MS);
  assert.equal(ca.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.notEqual(ca.serialNumber, server.serialNumber);
  for (const name of fs.readdirSync(place.folder)) {
    assert.equal(fs.statSync(path.join(place.folder, name)).mode & 0o777, 0o600, name);
  }
  assert.equal(fs.statSync(place.folder).mode & 0o777, 0o700);
  assert.doesNotMatch(place.read('ca.pem'), /PRIVATE/);
});

test('the certificate is for this machine, and for where the server listens', async () => {
  using place = openFolder();
  const always = ['localhost', '127.0.0.1', '::1', 'box-1.example'];
  assert.deepEqual(serverNames('127.0.0.1', MACHINE), always);
  assert.deepEqual(serverNames('10.1.2.3', MACHINE), [...always, '10.1.2.3']);
  assert.deepEqual(serverNames('disks.example', MACHINE), [...always, 'disks.example']);
  assert.deepEqual(serverNames('0.0.0.0', MACHINE), [...always, ...MACHINE.addresses]);
  assert.deepEqual(serverNames('::', MACHINE), [...always, ...MACHINE.addresses]);
  assert.deepEqual(serverNames('::1', { hostName: 'my box_', addresses: [] }), ['localhost', '127.0.0.1', '::1']);
  const { cert } = await place.start({ names: serverNames('0.0.0.0', MACHINE) });
  const server = new X509Certificate(cert);
  for (const ip of ['127.0.0.1', '::1', '192.168.7.9', 'fd00::9']) assert.ok(server.checkIP(ip), ip);
  for (const host of ['localhost', 'box-1.example', 'BOX-1.example']) assert.ok(server.checkHost(host), host);
  assert.equal(server.checkIP('192.168.7.10'), undefined);
  assert.equal(server.checkHost('other.example'), undefined);
});

test('later starts change nothing while everything fits', async () => {
  using place = openFolder();
  await place.start({ names: serverNames('10.1.2.3', MACHINE) });
  const before = place.all();
  await place.start({ days: 400 });
  assert.deepEqual(place.all(), before);
  assert.deepEqual(place.warnings, []);
});

test('the server gets a new certificate of the same CA when the old one ends, misses a name, or is none', async () => {
  using place = openFolder();
  await place.start();
  const [ca, key] = place.all();
  const spoil = (text: string) => fs.writeFileSync(path.join(place.folder, 'server.pem'), text);
  using other = openFolder();
  await other.start();
  const whys: [why: string, change: () => void, start: Parameters<typeof place.start>[0]][] = [
    ['a year is left', () => undefined, { days: 825 - 1 - 365 + 1 }],
    ['the clock was ahead', () => undefined, { days: -2 }],
    ['another address', () => undefined, { names: serverNames('10.9.9.9', MACHINE) }],
    ['the host has another name', () => undefined, { names: serverNames('127.0.0.1', { ...MACHINE, hostName: 'b' }) }],
    ['of another CA', () => spoil(other.read('server.pem')), {}],
    ['no certificate', () => spoil('garbage'), {}],
    ['without its key', () => spoil(place.certificate('server.pem').toString()), {}],
    ['gone', () => fs.rmSync(path.join(place.folder, 'server.pem')), {}],
  ];
  for (const [why, change, start] of whys) {
    change();
    const before = fs.existsSync(path.join(place.folder, 'server.pem')) ? place.read('server.pem') : '';
    const { cert } = await place.start(start);
    assert.notEqual(cert, before, why);
    assert.ok(new X509Certificate(cert).verify(place.certificate('ca.pem').publicKey), why);
    if (why !== 'the clock was ahead') assert.deepEqual(place.all().slice(0, 2), [ca, key], why);
    else fs.writeFileSync(path.join(place.folder, 'ca.pem'), ca ?? '');
  }
});

test('a CA near its end is renewed under its name and key, so that clients with either trust the server', async () => {
  using place = openFolder();
  await place.start();
  const old = place.certificate('ca.pem');
  const { cert } = await place.start({ days: 3650 - 800, hostName: 'renamed' });
  const fresh = place.certificate('ca.pem');
  const server = new X509Certificate(cert);
  assert.notEqual(fresh.serialNumber, old.serialNumber);
  assert.equal(fresh.subject, old.subject);
  for (const ca of [old, fresh]) assert.ok(server.checkIssued(ca) && server.verify(ca.publicKey));
  assert.ok(server.validToDate < fresh.validToDate);
  assert.match(place.warnings.join(), /renewed/);
});

test('a lost certificate of the CA is made again of its key; a lost key makes another CA, and says so', async () => {
  using place = openFolder();
  await place.start();
  const old = place.certificate('ca.pem');
  fs.rmSync(path.join(place.folder, 'ca.pem'));
  const again = new X509Certificate((await place.start()).cert);
  assert.ok(again.verify(old.publicKey) && again.checkIssued(old));
  assert.deepEqual(place.warnings, []);
  fs.rmSync(path.join(place.folder, 'ca.key'));
  const other = new X509Certificate((await place.start()).cert);
  assert.ok(!other.verify(old.publicKey) && other.verify(place.certificate('ca.pem').publicKey));
  assert.match(place.warnings.join(), /ca\.key is gone: another CA is made/);
});

test('what only a person can mend is refused, and left as it is', async () => {
  using place = openFolder();
  using other = openFolder();
  await place.start();
  await other.start();
  const cases: [file: string, text: string, message: RegExp][] = [
    ['ca.key', 'garbage', /ca\.key holds no key: put the right one back, or remove .*tls/],
    ['ca.pem', 'garbage', /ca\.pem holds no certificate/],
    ['ca.pem', place.certificate('server.pem').toString(), /ca\.pem holds no certificate of a CA/],
    ['ca.pem', other.read('ca.pem'), /ca\.pem does not belong to .*ca\.key/],
  ];
  for (const [file, text, message] of cases) {
    const before = place.read(file);
    fs.writeFileSync(path.join(place.folder, file), text);
    await assert.rejects(place.start(), { name: 'OperationalError', message });
    assert.equal(place.read(file), text);
    fs.writeFileSync(path.join(place.folder, file), before);
  }
  await place.start();
});
