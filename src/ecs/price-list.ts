/** What `serve --prices FILE` says: what a GiB and month of snapshots costs in each region (`ecs-api.md` 4.9). */
import { OperationalError } from '../lib/errors.ts';
import type { PricedCategory, Prices } from './billing.ts';

/** Of a region. */
export interface PriceList {
  currency: string;
  prices: Prices;
}

const CATEGORIES: readonly PricedCategory[] = ['standard', 'archive'];
const EXAMPLE = '{"currency":"CNY","default":{"standard":0.12,"archive":0.03}}';

/** Those of each region that is served. Throws an OperationalError that names the file, the member and what it should be. */
export function parsePriceLists(text: string, file: string, regionIds: readonly string[]): Map<string, PriceList> {
  const wrong = (member: string, rule: string) =>
    new OperationalError(`--prices ${file}: ${member} ${rule}, as in ${EXAMPLE}`, { retryable: false });
  const whole = parseObject(text);
  if (whole === null) throw wrong('the file', 'must be a JSON object');
  const stray = Object.keys(whole).find((name) => !['currency', 'regions', 'default'].includes(name));
  if (stray !== undefined) throw wrong(stray, 'is not known: only currency, regions and default are');
  const { currency } = whole;
  if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency)) {
    throw wrong('currency', 'must be a code of three capital letters');
  }
  const regions = whole['regions'] === undefined ? {} : asObject(whole['regions']);
  if (regions === null) throw wrong('regions', 'must be an object from region id to prices');
  const lists = new Map<string, PriceList>();
  const read = (value: unknown, member: string) => ({ currency, prices: readPrices(value, member, wrong) });
  const common = whole['default'] === undefined ? null : read(whole['default'], 'default');
  for (const [regionId, value] of Object.entries(regions)) lists.set(regionId, read(value, `regions.${regionId}`));
  return new Map(
    regionIds.map((regionId) => {
      const list = lists.get(regionId) ?? common;
      if (list === null) throw wrong(`regions.${regionId}`, 'must be there, or default: the region is served');
      return [regionId, list];
    }),
  );
}

function readPrices(value: unknown, member: string, wrong: (member: string, rule: string) => Error): Prices {
  const given = asObject(value);
  if (given === null) throw wrong(member, 'must be an object with standard and archive');
  const stray = Object.keys(given).find((name) => !CATEGORIES.some((category) => category === name));
  if (stray !== undefined) throw wrong(`${member}.${stray}`, 'is not known: only standard and archive are');
  const priceOf = (category: PricedCategory) => {
    const price = given[category];
    if (typeof price === 'number' && price >= 0 && price <= 1_000_000) return price;
    throw wrong(`${member}.${category}`, 'must be a number from 0 to 1000000, the price of a GiB and month');
  };
  return { standard: priceOf('standard'), archive: priceOf('archive') };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return null;
  }
}

function asObject(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}
