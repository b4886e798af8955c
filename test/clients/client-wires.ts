/**
 * The wires of the clients whose walks are repeated here (`clients.md` 1): each sends one action as that client was seen to
 * send it, and reads JSON. Blank parameters are sent blank.
 */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { percentEncode, type Pair } from '../../src/api/percent.ts';
import { parseRequest } from '../../src/api/request.ts';
import { sha256Hex, signAcs3, stringToSignAcs3 } from '../../src/api/signature-acs3.ts';
import { formatSecond } from '../../src/ecs/times.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import {
  ACCESS_KEY_ID,
  ACCESS_KEY_SECRET,
  commonPairs,
  send,
  signPairs,
  type Answer,
  type ApiFixture,
} from './api-fixture.ts';

export type Parameters = Record<string, string>;
export type Row = Record<string, unknown>;

/** Sends an action; a status of 400 and above is an answer too. */
export type Wire = (action: string, parameters?: Parameters) => Promise<Answer>;

const FORM = 'application/x-www-form-urlencoded';

/** Go's url.Values: a space is a plus. */
const encode = (pairs: readonly Pair[]) =>
  pairs.map((pair) => pair.map((text) => percentEncode(text).replaceAll('%20', '+')).join('=')).join('&');

/** Terraform: what the action is asked in a form, what all actions have in the query. `version` is for another product. */
export function teaRpc(api: ApiFixture, version = '2014-05-26'): Wire {
  return async (action, parameters = {}) => {
    const body = Object.entries(parameters);
    const common = commonPairs(action).map(([name, value]): Pair => {
      return [name, { Format: 'json', Version: version }[name] ?? value];
    });
    const query = signPairs('POST', [...common, ...body]).filter(([name]) => !(name in parameters));
    const headers = { 'content-type': FORM, 'x-acs-action': action };
    return await send(api, `/?${encode(query)}`, { method: 'POST', headers, body: encode(body) });
  };
}

/** The Go SDK v1: a POST without a body, everything in its query, and a blank SignatureType. */
export function goSdkV1(api: ApiFixture): Wire {
  return async (action, parameters = {}) => {
    const all = {
      ...Object.fromEntries(commonPairs(action)),
      SignatureType: '',
      RegionId: 'cn-hangzhou',
      ...parameters,
    };
    const headers = { 'content-type': FORM, 'x-acs-action': action, 'x-acs-version': '2014-05-26' };
    const query = encode(signPairs('POST', Object.entries(all)));
    return await send(api, `/?${query}`, { method: 'POST', headers });
  };
}

/** The Go SDK v2: the action in a signed header, what it is asked in the query of a POST without a body. */
export function goSdkV2(api: ApiFixture): Wire {
  return async (action, parameters = {}) => {
    const target = `/?${encode(Object.entries({ RegionId: 'cn-hangzhou', ...parameters }))}`;
    const signed: Record<string, string> = {
      host: api.endpoint,
      'x-acs-action': action,
      'x-acs-content-sha256': sha256Hex(''),
      'x-acs-date': formatSecond(systemClock.nowMs()),
      'x-acs-signature-nonce': systemRandom.bytes(16).toString('hex'),
      'x-acs-version': '2014-05-26',
    };
    const names = Object.keys(signed).sort();
    const headers = Object.fromEntries(Object.entries(signed).map(([name, value]) => [name, [value]]));
    const request = parseRequest({ method: 'POST', target, headers, body: Buffer.alloc(0) });
    const signature = signAcs3(stringToSignAcs3(request, names), ACCESS_KEY_SECRET);
    const authorization = `ACS3-HMAC-SHA256 Credential=${ACCESS_KEY_ID},SignedHeaders=${names.join(';')},Signature=${signature}`;
    return await send(api, target, {
      method: 'POST',
      headers: { ...signed, accept: 'application/json', authorization },
    });
  };
}

/** What a client that goes on takes: a success, without the Code that some read as a failure. */
export async function good(answer: Promise<Answer>): Promise<Row> {
  const { status, body } = await answer;
  assert.equal(status, 200, JSON.stringify(body));
  assert.ok(!('Code' in body), JSON.stringify(body));
  return body;
}

/** `Disks.Disk` of a good answer. */
export async function rows(answer: Promise<Answer>, wrapper: string): Promise<Row[]> {
  const found = at(await good(answer), wrapper);
  assert.ok(Array.isArray(found), wrapper);
  return found as Row[];
}

/** The only row. */
export async function only(answer: Promise<Answer>, wrapper: string): Promise<Row> {
  const found = await rows(answer, wrapper);
  assert.equal(found.length, 1, wrapper);
  return found[0] ?? {};
}

/** The code of a refusal. */
export async function refusal(answer: Promise<Answer>): Promise<string> {
  const { status, body } = await answer;
  assert.ok(status >= 400 && status < 500, JSON.stringify(body));
  return String(body['Code']);
}

/** Asks again until the row is as wanted, as a client's waiter does; a state that no client expects on the way fails. */
export async function until(look: () => Promise<Row>, wanted: (row: Row) => boolean, onTheWay?: RegExp): Promise<Row> {
  for (let tries = 0; tries < 500; tries++) {
    const row = await look();
    if (wanted(row)) return row;
    if (onTheWay !== undefined) assert.match(String(row['Status']), onTheWay);
    await delay(5);
  }
  assert.fail('it did not come');
}

export function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, name) => (inner as Row | undefined)?.[name], value);
}

/** `string: DiskId DiskName` …: each path is there with that JSON type. */
export function assertTypes(row: Row, types: Record<string, string>): void {
  for (const [type, paths] of Object.entries(types)) {
    for (const path of paths.split(' ')) {
      const value = at(row, path);
      assert.equal(Array.isArray(value) ? 'array' : typeof value, type, `${path}: ${JSON.stringify(value)}`);
    }
  }
}
