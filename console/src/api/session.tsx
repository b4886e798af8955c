/**
 * Who is signed in: an AccessKey, kept for this tab, or, when it was asked for, in this browser until signing out. It is in no address. `useCall` and
 * `useAnswer` are how every page speaks to the API.
 */
import { createContext, use, useCallback, useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import type { UseQueryResult } from '@tanstack/react-query';
import type { SigningKey } from '../../../src/lib/acs3-request.ts';
import { EcsApi } from './ecs.ts';
import type { CallOptions, Parameters } from './ecs.ts';

const KEPT_KEY = 'hupo.key';
const KEPT_REGION = 'hupo.region';

export interface Session {
  api: EcsApi;
  regionId: string;
  chooseRegion: (regionId: string) => void;
  signOut: () => void;
}

const SessionContext = createContext<Session | null>(null);

interface SessionProviderProps {
  children: ReactNode;
  /** What is shown to who is not signed in; `signIn` is called with a key that the server has taken. */
  signInPage: (signIn: (key: SigningKey, regionId: string, isKept: boolean) => void) => ReactNode;
}

export function SessionProvider({ children, signInPage }: SessionProviderProps) {
  const client = useQueryClient();
  const [key, setKey] = useState<SigningKey | null>(readKey);
  const [regionId, setRegionId] = useState(() => localStorage.getItem(KEPT_REGION) ?? '');
  const chooseRegion = useCallback((id: string) => {
    localStorage.setItem(KEPT_REGION, id);
    setRegionId(id);
  }, []);
  const signIn = useCallback(
    (given: SigningKey, region: string, isKept: boolean) => {
      (isKept ? localStorage : sessionStorage).setItem(KEPT_KEY, JSON.stringify(given));
      chooseRegion(region);
      setKey(given);
    },
    [chooseRegion],
  );
  const signOut = useCallback(() => {
    localStorage.removeItem(KEPT_KEY);
    sessionStorage.removeItem(KEPT_KEY);
    client.clear();
    setKey(null);
  }, [client]);
  const session = useMemo(
    () => (key === null ? null : { api: new EcsApi(key), regionId, chooseRegion, signOut }),
    [key, regionId, chooseRegion, signOut],
  );
  return session === null ? signInPage(signIn) : <SessionContext value={session}>{children}</SessionContext>;
}

export function useSession(): Session {
  const session = use(SessionContext);
  if (session === null) throw new Error('SessionProvider is missing');
  return session;
}

export interface AnswerOptions<T> extends CallOptions {
  isEnabled?: boolean;
  /** How long until it is asked for again, from what the last answer was; false: when something changes. */
  refreshMs?: (answer: T | undefined) => number | false;
}

/** What a reading action answers, kept up to date by `live.ts`. */
export function useAnswer<T>(
  action: string,
  parameters: Parameters,
  options: AnswerOptions<T> = {},
): UseQueryResult<T> {
  const { api, regionId } = useSession();
  const { version, isEnabled = true, refreshMs } = options;
  return useQuery<T>({
    queryKey: ['answer', api.accessKeyId, regionId, action, parameters],
    queryFn: ({ signal }) =>
      api.call<T>(
        action,
        { RegionId: regionId, ...parameters },
        { signal, ...(version === undefined ? {} : { version }) },
      ),
    enabled: isEnabled,
    placeholderData: keepPreviousData,
    ...(refreshMs === undefined ? {} : { refetchInterval: (query) => refreshMs(query.state.data) }),
  });
}

function readKey(): SigningKey | null {
  const text = sessionStorage.getItem(KEPT_KEY) ?? localStorage.getItem(KEPT_KEY);
  if (text === null) return null;
  try {
    return JSON.parse(text) as SigningKey;
  } catch {
    return null;
  }
}
