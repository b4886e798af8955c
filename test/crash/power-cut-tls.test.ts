/**
 * Power cuts while `serve --tls` makes, renews or replaces its CA and certificate: in every state that a cut may leave, the
 * next start serves a certificate of the CA in `ca.pem`, and a CA that a server has told clients to trust is still the same.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import test from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { findFileBytes } from '../../src/lib/files.ts';
import type { Files } from '../../src/lib/files.ts';
import { DAY_MS } from '../../src/tls/certificates.ts';
import { ensureServerCertificate } from '../../src/tls/tls-folder.ts';
import { seededRandom } from '../support/repositories.ts';
import { RecordingFiles, powerCuts, seededPick } from './recording-files.ts';

const DATA = '/data';
const FOLDER = `${DATA}/tls`;
const NOW_MS = Date.UTC(2026, 10, 22, 12);

async function start(files: Files, changes: { days?: number; names?: string[] } = {}): Promise<X509Certificate> {
  const { cert, key, caFile } = await ensureServerCertificate({
    files,
    folder: FOLDER,
    hostName: 'box',
    names: changes.names ?? ['localhost', '127.0.0.1'],
    clock: { ...systemClock, nowMs: () => NOW_MS + (changes.days ?? 0) * DAY_MS },
    random: seededRandom(1),
    log: { info: () => undefined, warn: () => undefined },
  });
  const ca = new X509Certificate(findFileBytes(files, caFile) ?? '');
  const server = new X509Certificate(cert);
  assert.ok(server.checkIssued(ca) && server.verify(ca.publicKey), 'the certificate is not of the CA');
  assert.match(key, /PRIVATE KEY/);
  return ca;
}

function publicKeyOf(ca: X509Certificate): string {
  return ca.publicKey.export({ type: 'spki', format: 'pem' });
}

test('a cut at any moment leaves what the next start accepts or makes anew', async (context) => {
  const machine = new RecordingFiles();
  const files = machine.startProcess();
  files.ensureFolder(DATA);
  await files.syncFolder('/');
  const acknowledge = (ca: X509Certificate) => machine.mark({ trusted: publicKeyOf(ca) });
  acknowledge(await start(files));
  acknowledge(await start(files, { names: ['localhost', '10.0.0.1'] }));
  acknowledge(await start(files, { days: 3000 }));
  machine.mark({ lost: true });
  files.unlink(`${FOLDER}/ca.key`);
  await files.syncFolder(FOLDER);
  acknowledge(await start(files, { days: 3000 }));
  let states = 0;
  for (const cut of powerCuts(machine, { pick: seededPick(7), statesPerMoment: 4 })) {
    states += 1;
    const last = cut.marks.at(-1) as { trusted?: string } | undefined;
    const ca = await start(cut.files.startProcess(), { days: 3000 });
    if (last?.trusted !== undefined) assert.equal(publicKeyOf(ca), last.trusted, cut.description);
  }
  context.diagnostic(`${states} states`);
  assert.ok(states > 50, `only ${states} states`);
});
