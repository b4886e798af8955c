/** A second face of an API fixture, over https with a CA of its own, as `serve --tls` makes it. */
import { once } from 'node:events';
import fs from 'node:fs';
import type https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { ApiRegions } from '../../src/api/regions.ts';
import { createSecureApiServer } from '../../src/api/server.ts';
import { listTags } from '../../src/catalog/tags.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemFiles } from '../../src/lib/files.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { ensureServerCertificate, serverNames } from '../../src/tls/tls-folder.ts';
import type { ApiFixture } from './api-fixture.ts';

export interface SecureApi extends AsyncDisposable {
  server: https.Server;
  /** `127.0.0.1:PORT`. */
  endpoint: string;
  port: number;
  /** The CA's certificate: its path and its text. */
  caFile: string;
  ca: string;
  warnings: string[];
}

export async function openSecureApi({ control, guard, world }: ApiFixture): Promise<SecureApi> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-secure-'));
  const warnings: string[] = [];
  const seen = new Set<string>();
  const log = { info: () => undefined, warn: (message: string) => void warnings.push(message) };
  const [clock, random, files] = [systemClock, systemRandom, systemFiles];
  const names = serverNames('127.0.0.1', { hostName: 'box', addresses: [] });
  const certificate = await ensureServerCertificate({ files, folder, hostName: 'box', names, clock, random, log });
  const region = { regionId: 'cn-hangzhou', zoneIds: ['cn-hangzhou-a', 'cn-hangzhou-b'], endpoint: '' };
  const { server, endPlain } = createSecureApiServer(
    {
      guard,
      nonces: { accept: (_id, nonce) => !seen.has(nonce) && seen.add(nonce).size > 0 },
      clock,
      random,
      regions: new ApiRegions([{ control, region, readTags: (ids) => listTags(world.catalog.queries, ids) }]),
      health: async () => await Promise.resolve({ status: 'ok' }),
      log,
    },
    certificate,
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  region.endpoint = `127.0.0.1:${port}`;
  const close = async () => {
    server.close();
    server.closeAllConnections();
    endPlain();
    await once(server, 'close');
    fs.rmSync(folder, { recursive: true });
  };
  const ca = fs.readFileSync(certificate.caFile, 'utf8');
  const { caFile } = certificate;
  return { server, endpoint: region.endpoint, port, caFile, ca, warnings, [Symbol.asyncDispose]: close };
}
