/** What actions say of subscriptions: how long one is bought for, and how it is renewed. Nothing is paid. */
import { automaticPeriods, boughtPeriods, chargeTypes, isPeriod } from '../ecs/subscription.ts';
import type { Period, PeriodTable, PeriodUnit } from '../ecs/subscription.ts';
import { RequestError } from '../lib/errors.ts';
import {
  boolean,
  commaList,
  integer,
  invalidParameter,
  noEffect,
  oneOf,
  withDefault,
  type Parameter,
  type Values,
} from './parameters.ts';

export const autoPay = noEffect('nothing is paid: there is no order that waits for it');

/** More than any table has. */
const MOST_COUNT = 60;

export function periodCount(code: string) {
  return integer({ least: 1, most: MOST_COUNT, code });
}

export function periodUnit(units: readonly PeriodUnit[], code: string) {
  return withDefault(oneOf(units, code), 'Month');
}

/** Of CreateInstance and RunInstances. */
export const newSubscriptionParameters = {
  InstanceChargeType: withDefault(oneOf(chargeTypes, 'InvalidInstanceChargeType.NotFound'), 'PostPaid'),
  Period: periodCount('InvalidPeriod'),
  PeriodUnit: periodUnit(['Week', 'Month'], 'InvalidPeriodUnit.ValueNotSupported'),
  AutoRenew: withDefault(boolean(), false),
  AutoRenewPeriod: periodCount('InvalidAutoRenewPeriod.ValueNotSupported'),
};

/** Null: PostPaid, and whatever else is said of subscriptions counts for nothing. */
export function subscriptionOf(
  values: Values<typeof newSubscriptionParameters>,
): { period: Period; renewal: Period | null } | null {
  if (values.InstanceChargeType === 'PostPaid') return null;
  const { Period: count, PeriodUnit: unit, AutoRenewPeriod: renewCount } = values;
  if (count === null) throw missingPeriod('MissingParameter');
  const period = checkPeriod({ count, unit }, boughtPeriods, { name: 'Period', code: 'InvalidPeriod' });
  if (!values.AutoRenew) return { period, renewal: null };
  const renewed = { name: 'AutoRenewPeriod', code: 'InvalidAutoRenewPeriod.ValueNotSupported' };
  return { period, renewal: checkPeriod({ count: renewCount ?? 1, unit }, automaticPeriods, renewed) };
}

export function missingPeriod(code: string): RequestError {
  return new RequestError(
    code,
    'The input parameter "Period" that is mandatory for processing this request is not supplied: a subscription has an end.',
  );
}

/** The period, if there is such a one. */
export function checkPeriod(
  period: Period,
  table: PeriodTable,
  { name, code }: { name: string; code: string },
): Period {
  if (isPeriod(period, table)) return period;
  const counts = table[period.unit]?.join(', ') ?? 'nothing';
  throw invalidParameter(code, name, String(period.count), `of the unit ${period.unit} it must be one of ${counts}`);
}

const MOST_INSTANCES = 100;

/** `i-…,i-…` of the actions on renewal; null when absent. */
export const instanceIdList: Parameter<string[] | null> = {
  ...commaList(MOST_INSTANCES),
  read: (set, name) => {
    const value = set.find(name);
    if (value === null) return null;
    const ids = value.split(',').map((id) => id.trim());
    if (ids.length > MOST_INSTANCES) {
      const message = `"${name}" names ${ids.length} instances; at most ${MOST_INSTANCES} are allowed.`;
      throw new RequestError('InvalidParameter.ToManyInstanceIds', message);
    }
    if (!ids.includes('')) return ids;
    throw invalidParameter('InvalidParameter.InvalidInstanceId', name, value, 'give ids joined by commas');
  },
};
