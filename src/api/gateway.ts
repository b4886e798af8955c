/**
 * What Alibaba Cloud's gateway settles before an API sees a request: the format of the answer, product, version and action,
 * each refused with the gateway's codes and words (`ecs-api.md` 1.7).
 */
import { closest, distance } from 'fastest-levenshtein';
import { RequestError } from '../lib/errors.ts';
import type { Action, Service } from './action.ts';
import { products, versionOf } from './products.ts';
import type { Format } from './reply.ts';
import { findHeader, hostOf, locate, type ApiRequest } from './request.ts';

/**
 * `Format`, in any case; without it an `Accept` header that wants XML first counts. Otherwise JSON, whatever the
 * signature: every client but one asks for JSON or cannot read anything else. RequestError InvalidParameter.Format.
 */
export function formatOf(request: ApiRequest): Format {
  const asked = request.parameters.find('Format');
  if (asked === null) return wantsXml(findHeader(request.headers, 'accept') ?? '') ? 'XML' : 'JSON';
  const format = asked.toUpperCase();
  if (format === 'JSON' || format === 'XML') return format;
  throw new RequestError(
    'InvalidParameter.Format',
    `The specified parameter "Format" is not valid: ${shown(asked)}; it must be JSON or XML.`,
  );
}

/** RequestErrors InvalidProduct.NotFound, MissingAction, MissingVersion, InvalidVersion, InvalidAction.NotFound. */
export function actionOf(request: ApiRequest): Action {
  checkProduct(request);
  const name = mandatory(request, 'Action');
  const version = mandatory(request, 'Version');
  const product = products.find((one) => one.version === version);
  const action = product?.actions.find((one) => one.name === name);
  if (action !== undefined) return action;
  const elsewhere = products.flatMap(({ actions }) => actions).find((one) => one.name === name);
  if (product === undefined || elsewhere?.service === 'ecs') throw wrongVersion(version, elsewhere?.service ?? 'ecs');
  throw new RequestError(
    'InvalidAction.NotFound',
    `Specified api is not found: ${shown(name)}; ${suggestAction(name, product.actions)}`,
  );
}

function wrongVersion(version: string, service: Service): RequestError {
  return new RequestError(
    'InvalidVersion',
    `Specified parameter Version is not valid: ${shown(version)}; it must be ${versionOf(service)}.`,
  );
}

/** The owner parameters of every action are for accounts that act for others; here is one. Only their form is checked. */
export function checkOwners({ parameters }: ApiRequest): void {
  for (const name of ['OwnerId', 'ResourceOwnerId']) {
    const value = parameters.find(name);
    if (value === null || /^\d{1,19}$/.test(value)) continue;
    throw new RequestError(
      'InvalidOwnerId',
      `The specified ${name} is not valid: ${shown(value)}; it must be a number.`,
    );
  }
}

function wantsXml(accept: string): boolean {
  return /^\s*(application|text)\/xml\s*(;|,|$)/i.test(accept);
}

/** Clients behind HTTP_PROXY bring requests for every product here; another's name is a clearer answer than its action. */
function checkProduct(request: ApiRequest): void {
  const product = /^([a-z0-9-]+)\.(?:[a-z0-9-]+\.)*aliyuncs\.com$/.exec(hostOf(request) ?? '')?.[1];
  if (product === undefined || /^(ecs|ram|sts|actiontrail)(-|$)/.test(product)) return;
  throw new RequestError(
    'InvalidProduct.NotFound',
    `Specified product is not found: ${shown(product)}; this server is Ecs, with Ram, Sts and ActionTrail, and nothing else of Alibaba Cloud.`,
  );
}

function mandatory(request: ApiRequest, name: 'Action' | 'Version'): string {
  const value = locate(request, name)?.value;
  if (value !== undefined) return value;
  throw new RequestError(`Missing${name}`, `${name} is mandatory for this action.`);
}

/** Of letters: a slip or two. More, and an action of another kind would be taken for a slip. */
const SLIP_LIMIT = 2;

function suggestAction(name: string, actions: readonly Action[]): string {
  const asked = name.slice(0, 64).toLowerCase();
  const names = actions.map((action) => action.name);
  const nearest = closest(
    asked,
    names.map((known) => known.toLowerCase()),
  );
  const meant = names.find((known) => known.toLowerCase() === nearest);
  return distance(asked, nearest) <= SLIP_LIMIT ? `did you mean ${meant}?` : 'this server does not have it.';
}

function shown(value: string): string {
  return JSON.stringify(value.slice(0, 64));
}
