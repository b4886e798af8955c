/**
 * A real SDK behind standard input and output, so that it runs in a process of its own with NODE_EXTRA_CA_CERTS set as
 * its user would. Arguments: which SDK, the server's URL, AccessKeyId, AccessKeySecret. One call a line as JSON
 * `{action, parameters}`, its answer a line as `{body}` or `{error: {code, message, status}}`.
 */
import readline from 'node:readline';
import ecs from '@alicloud/ecs20140526';
import openApi from '@alicloud/openapi-client';
import PopCore from '@alicloud/pop-core';

type Parameters = Record<string, string>;
type Call = (action: string, parameters: Parameters) => Promise<object>;

const API_VERSION = '2014-05-26';
const [which = '', url = '', accessKeyId = '', accessKeySecret = ''] = process.argv.slice(2);
const { protocol: scheme, host: endpoint } = new URL(url);
const protocol = scheme.replace(':', '');

const sdks: Record<string, () => Call> = {
  ecs20140526: typed,
  'openapi-client': untyped,
  'pop-core GET': () => popCore('GET'),
  'pop-core POST': () => popCore('POST'),
};

/** `Tag.1.Key` as `{Tag: [{Key}]}`: what a model of the typed SDK is made from. */
function nest(parameters: Parameters): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(parameters)) {
    const steps = name.split('.');
    let at: Record<string, unknown> = root;
    for (const [index, step] of steps.entries()) {
      const key = Array.isArray(at) ? String(Number(step) - 1) : step;
      if (index === steps.length - 1) at[key] = value;
      else at = (at[key] ??= /^\d+$/.test(steps[index + 1] ?? '') ? [] : {}) as Record<string, unknown>;
    }
  }
  return root;
}

interface Model {
  new (members: object): object;
  names(): Record<string, string>;
  types(): Record<string, unknown>;
}

/** A model with its members, which are typed, filled from text. */
function model(type: Model, values: Record<string, unknown>): object {
  const types = type.types();
  const members = Object.entries(type.names()).flatMap(([member, name]) =>
    values[name] === undefined ? [] : [[member, typedValue(types[member], values[name])]],
  );
  const known = new Set(Object.values(type.names()));
  const unknown = Object.keys(values).find((name) => !known.has(name));
  if (unknown !== undefined) throw new Error(`${type.name} has no member ${unknown}`);
  return new type(Object.fromEntries(members) as object);
}

function typedValue(type: unknown, value: unknown): unknown {
  if (typeof type === 'function') return model(type as Model, value as Record<string, unknown>);
  if (type === 'number') return Number(value);
  if (type === 'boolean') return value === 'true';
  if (typeof type !== 'object') return value;
  const { itemType } = type as { itemType: unknown };
  return (value as unknown[]).map((item) => typedValue(itemType, item));
}

function typed(): Call {
  const config = { accessKeyId, accessKeySecret, endpoint, protocol, regionId: 'cn-hangzhou' };
  const client = new ecs.default(config as unknown as ConstructorParameters<typeof ecs.default>[0]);
  const methods = client as unknown as Record<string, (request: object) => Promise<{ body: { toMap(): object } }>>;
  const models = ecs as unknown as Record<string, Model>;
  return async (action, parameters) => {
    const request = models[`${action}Request`];
    const method = methods[`${action.charAt(0).toLowerCase()}${action.slice(1)}`];
    if (request === undefined || method === undefined) throw new Error(`the SDK has no ${action}`);
    return (await method.call(client, model(request, nest(parameters)))).body.toMap();
  };
}

function untyped(): Call {
  const { Config, OpenApiRequest, Params, default: Client } = openApi;
  const client = new Client(new Config({ accessKeyId, accessKeySecret, endpoint, protocol }));
  const common = { version: API_VERSION, protocol: protocol.toUpperCase(), method: 'POST', authType: 'AK' };
  const shape = { style: 'RPC', pathname: '/', reqBodyType: 'formData', bodyType: 'json' };
  return async (action, query) => {
    const params = new Params({ action, ...common, ...shape });
    const answer = (await client.callApi(params, new OpenApiRequest({ query }), {} as never)) as { body: object };
    return answer.body;
  };
}

function popCore(method: string): Call {
  const client = new PopCore({ accessKeyId, accessKeySecret, endpoint: url, apiVersion: API_VERSION });
  return async (action, parameters) => await client.request<object>(action, parameters, { method });
}

const make = sdks[which];
if (make === undefined) throw new Error(`"${which}" is none of ${Object.keys(sdks).join(', ')}`);
const call = make();
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { action, parameters } = JSON.parse(line) as { action: string; parameters: Parameters };
  const answer = await call(action, parameters).then(
    (body) => ({ body }),
    (error: { code?: string; message?: string; statusCode?: number }) => ({
      error: { code: error.code, message: error.message, status: error.statusCode },
    }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
