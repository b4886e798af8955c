/**
 * HupoDescribeSnapshotCost, an extension: what snapshots took and cost (`ecs-api.md` 4.9), by month, day or hour of UTC+8, and by disk or
 * by a tag of the disks. Computed anew for each page: with the first one's `EndTime` the others fit to it.
 */
import type { Cost, CostQuestion } from '../../control/metering.ts';
import { formatFee, startOfMonth } from '../../ecs/billing.ts';
import type { Page } from '../../ecs/resources.ts';
import { formatSecond, parseSecond } from '../../ecs/times.ts';
import { RequestError } from '../../lib/errors.ts';
import { defineAction } from '../action.ts';
import { finishDryRun, pageFields, pagingOf, pagingParameters } from '../filters.ts';
import { invalidParameter, oneOf, text, withDefault } from '../parameters.ts';
import { dryRun, tagKey } from '../resource-parameters.ts';
import type { Paging } from '../../ecs/list-filters.ts';

const DAY_MS = 86_400_000;
const MOST_DAYS = { Month: 36_600, Day: 3660, Hour: 366 };
const GROUPS = { Disk: 'disk', Tag: 'tag', None: 'all' } as const;
const PERIODS = { Month: 'month', Day: 'day', Hour: 'hour' } as const;

const isTime = (value: string) => (parseSecond(value) === null ? 'it must be UTC as yyyy-MM-ddTHH:mm:ssZ' : null);

export const describeSnapshotCost = defineAction({
  name: 'HupoDescribeSnapshotCost',
  parameters: {
    ...pagingParameters(1000),
    StartTime: text('InvalidParameter', isTime),
    EndTime: text('InvalidParameter', isTime),
    Period: withDefault<keyof typeof PERIODS>(oneOf(['Month', 'Day', 'Hour']), 'Month'),
    GroupBy: withDefault<keyof typeof GROUPS>(oneOf(['Disk', 'Tag', 'None']), 'Disk'),
    TagKey: tagKey,
    DiskId: text(),
    DryRun: dryRun,
  },
  run: async (values, { control }) => {
    const { metering } = control;
    const { GroupBy: by, TagKey: key } = values;
    if (by === 'Tag' && key === null) {
      throw new RequestError('MissingParameter', 'The parameter "TagKey" must be given with GroupBy=Tag.');
    }
    const span = spanOf(values, metering.nowMs());
    const paging = pagingOf(values);
    const skip = parsePosition(paging);
    finishDryRun(values.DryRun);
    const asked = { ...span, period: PERIODS[values.Period], by: GROUPS[by], tagKey: key ?? '', diskId: values.DiskId };
    const costs = await metering.listCosts(asked);
    const fees = costs.flatMap(({ fee }) => fee ?? []);
    const currency = metering.currency();
    const page = sliceAt(costs, skip, paging.pageSize);
    return {
      ...pageFields(paging, page),
      EndTime: formatSecond(span.untilMs),
      Currency: currency ?? '',
      TotalCost: currency === null ? '' : formatFee(sum(fees)),
      TotalGiBHours: roundHours(sum(costs.map(({ gibHours }) => gibHours))),
      Costs: { Cost: page.items.map((cost) => renderCost(cost, asked.by)) },
    };
  },
});

function spanOf(
  { StartTime, EndTime, Period }: { StartTime: string | null; EndTime: string | null; Period: keyof typeof MOST_DAYS },
  nowMs: number,
): { fromMs: number; untilMs: number } {
  const untilMs = EndTime === null ? nowMs : (parseSecond(EndTime) ?? nowMs);
  const fromMs = StartTime === null ? startOfMonth(untilMs) : (parseSecond(StartTime) ?? 0);
  if (fromMs > untilMs) throw invalidParameter('InvalidParameter', 'StartTime', StartTime ?? '', 'it is after EndTime');
  if (untilMs - fromMs > MOST_DAYS[Period] * DAY_MS) {
    const rule = `with Period=${Period} it must be at most ${MOST_DAYS[Period]} days before EndTime`;
    throw invalidParameter('InvalidParameter', 'StartTime', StartTime ?? '', rule);
  }
  return { fromMs, untilMs };
}

/** A token is the position where the next page begins. */
function parsePosition({ pageNumber, pageSize, nextToken }: Paging): number {
  if (nextToken === null) return (pageNumber - 1) * pageSize;
  if (/^\d{1,9}$/.test(nextToken)) return Number(nextToken);
  throw invalidParameter('InvalidParameter', 'NextToken', nextToken, 'take it from the answer before');
}

function sliceAt(costs: readonly Cost[], skip: number, size: number): Page<Cost> {
  const end = skip + size;
  return {
    items: costs.slice(skip, end),
    totalCount: costs.length,
    nextToken: end < costs.length ? String(end) : null,
  };
}

function renderCost({ period, subject, category, gibHours, fee }: Cost, by: CostQuestion['by']): object {
  return {
    Period: period,
    ...(by === 'disk' && { DiskId: subject }),
    ...(by === 'tag' && { TagValue: subject }),
    Category: category,
    GiBHours: roundHours(gibHours),
    Cost: fee === null ? '' : formatFee(fee),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function roundHours(gibHours: number): number {
  return Number(gibHours.toFixed(6));
}
