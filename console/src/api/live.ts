/** Changes appear by themselves: the console waits for the server's next event, and asks again for what is shown when one comes. */
import { useEffect, useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { CallError } from './ecs.ts';
import { useSession } from './session.tsx';
import type { EventsPage } from './shapes.ts';

const WAIT_SECONDS = 20;
const AGAIN_MS = 3000;
/** Of users who may not read events: what is shown is asked for again in this time. */
const WITHOUT_EVENTS_MS = 10_000;

export type Liveness = 'live' | 'offline' | 'polling';

export function useLiveChanges(): Liveness {
  const { api, regionId } = useSession();
  const client = useQueryClient();
  const [liveness, setLiveness] = useState<Liveness>('live');
  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    const refresh = () => client.invalidateQueries({ queryKey: ['answer'] });
    const follow = async () => {
      let token: string | null = null;
      while (!signal.aborted) {
        try {
          const asked = token === null ? { Position: 'Latest' } : { NextToken: token, WaitSeconds: WAIT_SECONDS };
          const page: EventsPage = await api.call('HupoDescribeEvents', { RegionId: regionId, ...asked }, { signal });
          if (signal.aborted) return;
          setLiveness('live');
          if (token === null || page.Events.Event.length > 0 || page.HasGap) void refresh();
          token = page.NextToken;
        } catch (error) {
          if (signal.aborted) return;
          const isAway = error instanceof CallError && (error.status === 0 || error.status >= 500);
          setLiveness(isAway ? 'offline' : 'polling');
          await wait(isAway ? AGAIN_MS : WITHOUT_EVENTS_MS, signal);
          if (isAway) token = null;
          else void refresh();
        }
      }
    };
    void follow();
    return () => ending.abort();
  }, [api, regionId, client]);
  return liveness;
}

async function wait(timeMs: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
