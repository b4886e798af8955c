/** What snapshots took and cost, page after page of one moment. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { UseQueryResult } from '@tanstack/react-query';
import type { EcsApi, Parameters } from './ecs.ts';
import { useSession } from './session.tsx';
import type { Cost, CostsPage } from './shapes-observe.ts';

const PAGE_SIZE = 1000;

export interface Costs {
  rows: readonly Cost[];
  /** Blank without prices. */
  currency: string;
  totalCost: string;
  totalGibHours: number;
  /** There are more than were asked for. */
  isCut: boolean;
}

export async function readCosts(
  api: EcsApi,
  parameters: Parameters,
  { most, signal }: { most: number; signal?: AbortSignal },
): Promise<Costs> {
  const ask = async (more: Parameters) =>
    api.call<CostsPage>(
      'HupoDescribeSnapshotCost',
      { ...parameters, MaxResults: PAGE_SIZE, ...more },
      signal === undefined ? {} : { signal },
    );
  const first = await ask({});
  const rows = [...first.Costs.Cost];
  let { NextToken: token } = first;
  while (token !== '' && rows.length < most) {
    const page = await ask({ NextToken: token, EndTime: first.EndTime });
    rows.push(...page.Costs.Cost);
    token = page.NextToken;
  }
  return {
    rows,
    currency: first.Currency,
    totalCost: first.TotalCost,
    totalGibHours: first.TotalGiBHours,
    isCut: token !== '',
  };
}

export function useCosts(parameters: Parameters, most: number, isEnabled = true): UseQueryResult<Costs> {
  const { api, regionId } = useSession();
  return useQuery<Costs>({
    queryKey: ['answer', api.accessKeyId, regionId, 'costs', parameters, most],
    queryFn: ({ signal }) => readCosts(api, { RegionId: regionId, ...parameters }, { most, signal }),
    enabled: isEnabled,
    placeholderData: keepPreviousData,
    // Costs change when an hour is over, not with each event.
    staleTime: 60_000,
  });
}
