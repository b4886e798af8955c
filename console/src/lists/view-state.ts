/** What a list shows is in its address (page, filters, sorting, columns), so that a link or a reload brings the same view back. */
import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'wouter';

const DEFAULT_PAGE_SIZE = 20;

export interface ViewState {
  page: number;
  pageSize: number;
  /** Where the page begins in a list that is paged by tokens; empty: the first. */
  token: string;
  /** `COLUMN` or `-COLUMN`; empty: as the server has it. */
  sort: string;
  hidden: readonly string[];
  filterOf: (name: string) => string;
  /** Filters that are set, but not page, sorting and columns. */
  hasFilters: boolean;
  /** Empty text takes it out of the address. A filter goes back to the first page. */
  set: (changes: Readonly<Record<string, string>>) => void;
}

const OWN = ['page', 'token', 'size', 'sort', 'hide', 'tab'];

export function useViewState(): ViewState {
  const [search, setSearch] = useSearchParams();
  const set = useCallback(
    (changes: Readonly<Record<string, string>>) => {
      setSearch(
        (before) => {
          const next = new URLSearchParams(before);
          const isFilter = Object.keys(changes).some((name) => !OWN.includes(name));
          if (isFilter) for (const name of ['page', 'token']) next.delete(name);
          for (const [name, value] of Object.entries(changes)) {
            if (value === '') next.delete(name);
            else next.set(name, value);
          }
          return next;
        },
        { replace: true },
      );
    },
    [setSearch],
  );
  return useMemo(
    () => ({
      page: positive(search.get('page'), 1),
      pageSize: Math.min(100, positive(search.get('size'), DEFAULT_PAGE_SIZE)),
      token: search.get('token') ?? '',
      sort: search.get('sort') ?? '',
      hidden: (search.get('hide') ?? '').split(',').filter((name) => name !== ''),
      filterOf: (name) => search.get(name) ?? '',
      hasFilters: [...search.keys()].some((name) => !OWN.includes(name)),
      set,
    }),
    [search, set],
  );
}

function positive(text: string | null, otherwise: number): number {
  const number = Number(text);
  return Number.isInteger(number) && number > 0 ? number : otherwise;
}
