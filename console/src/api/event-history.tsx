/** The newest events that match, kept up to date: when something happens, only what is new is asked for. */
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import type { UseQueryResult } from '@tanstack/react-query';
import { readNewest, readNews } from './newest-events.ts';
import type { EventSpan, NewestEvents } from './newest-events.ts';
import { useSession } from './session.tsx';
import type { EventItemsPage } from './shapes-observe.ts';

const DAY_MS = 86_400_000;

export interface AskedEvents {
  /** `YYYY-MM-DD` of this browser's zone; empty: the last 24 hours. */
  day: string;
  type: string;
  resourceId: string;
  wanted: number;
}

export function useEventHistory(asked: AskedEvents): UseQueryResult<NewestEvents> {
  const { api, regionId } = useSession();
  const client = useQueryClient();
  const queryKey = ['answer', api.accessKeyId, regionId, 'newest-events', asked];
  return useQuery<NewestEvents>({
    queryKey,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const filter = { RegionId: regionId, 'EventType.1': asked.type, 'ResourceId.1': asked.resourceId };
      const ask = (parameters: Record<string, string | number>) =>
        api.call<EventItemsPage>('HupoDescribeEvents', { ...filter, ...parameters }, { signal });
      const span = spanOf(asked.day);
      const before = client.getQueryData<NewestEvents>(queryKey);
      const news = before === undefined ? null : await readNews(ask, before, span);
      return news ?? (await readNewest(ask, span, asked.wanted));
    },
  });
}

function spanOf(day: string): EventSpan {
  const nowMs = Date.now();
  const begin = new Date(`${day}T00:00:00`);
  if (Number.isNaN(begin.getTime())) return { fromMs: nowMs - DAY_MS, untilMs: nowMs, isOpen: true };
  const end = new Date(begin);
  end.setDate(end.getDate() + 1); // not always 24 hours
  const isOpen = end.getTime() > nowMs;
  return { fromMs: begin.getTime(), untilMs: isOpen ? Math.max(nowMs, begin.getTime()) : end.getTime(), isOpen };
}
