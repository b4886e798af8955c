/**
 * The newest events of a span, newest first, out of an API that lists the oldest first: it is asked for what lies between two times, nearer and nearer to
 * the end while that is more than a page, and then for what lies before, until there are enough. Later only what is new is asked for.
 */
import type { EventItem, EventItemsPage } from './shapes-observe.ts';

const PAGE_SIZE = 100;
const LEAST_WIDTH_MS = 1000;
/** After so many full pages of news it begins anew. */
const MOST_NEWS_PAGES = 10;

export interface EventSpan {
  fromMs: number;
  untilMs: number;
  /** The end is now: what happens from now on belongs to it. */
  isOpen: boolean;
}

export interface NewestEvents {
  /** The newest first. */
  events: readonly EventItem[];
  /** All of the span; else there are older ones. */
  isWhole: boolean;
  /** Goes on behind the newest. */
  token: string;
}

export type AskEvents = (parameters: Record<string, string | number>) => Promise<EventItemsPage>;

/** At least `wanted`, if there are so many. */
export async function readNewest(ask: AskEvents, span: EventSpan, wanted: number): Promise<NewestEvents> {
  const found = new Map<string, EventItem>();
  let token = '';
  let endMs = span.untilMs;
  let widthMs = span.untilMs - span.fromMs;
  while (endMs > span.fromMs && found.size < wanted) {
    const isNewest = endMs === span.untilMs;
    const startMs = wholeSecond(Math.max(span.fromMs, endMs - widthMs));
    const bounds = {
      StartTime: timeText(startMs),
      ...(isNewest && span.isOpen ? {} : { EndTime: timeText(endMs) }),
    };
    const page = await ask({ ...bounds, MaxResults: PAGE_SIZE });
    const isTooMuch = page.Events.Event.length >= PAGE_SIZE;
    if (isTooMuch && widthMs > LEAST_WIDTH_MS) {
      widthMs = Math.max(LEAST_WIDTH_MS, wholeSecond(widthMs / 4));
      continue;
    }
    const { events, token: behind } = await readOn(ask, bounds, page);
    if (isNewest) token = behind;
    for (const event of events.reverse()) if (!found.has(event.Id)) found.set(event.Id, event);
    endMs = startMs;
    if (events.length < PAGE_SIZE / 4) widthMs *= 4;
  }
  return { events: [...found.values()], isWhole: endMs <= span.fromMs, token };
}

/** What happened since; null: it has to be read anew. */
export async function readNews(ask: AskEvents, before: NewestEvents, span: EventSpan): Promise<NewestEvents | null> {
  const bounds = span.isOpen ? {} : { EndTime: timeText(span.untilMs) };
  const known = new Set(before.events.map(({ Id }) => Id));
  const news: EventItem[] = [];
  let { token } = before;
  for (let count = 0; count < MOST_NEWS_PAGES; count++) {
    const page = await ask({ ...bounds, NextToken: token, MaxResults: PAGE_SIZE });
    if (page.HasGap) return null;
    news.push(...page.Events.Event.filter(({ Id }) => !known.has(Id)));
    token = page.NextToken;
    if (page.Events.Event.length < PAGE_SIZE)
      return { ...before, token, events: [...news.reverse(), ...before.events] };
  }
  return null;
}

/** The rest of a second that has more than a page. */
async function readOn(
  ask: AskEvents,
  bounds: Record<string, string>,
  first: EventItemsPage,
): Promise<{ events: EventItem[]; token: string }> {
  const events = [...first.Events.Event];
  let page = first;
  while (page.Events.Event.length >= PAGE_SIZE) {
    page = await ask({ ...bounds, NextToken: page.NextToken, MaxResults: PAGE_SIZE });
    events.push(...page.Events.Event);
  }
  return { events, token: page.NextToken };
}

/** The API knows whole seconds. */
function timeText(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}

function wholeSecond(timeMs: number): number {
  return Math.floor(timeMs / 1000) * 1000;
}
