/** Newest events first out of an API that lists the oldest first: none is missing, none twice, whatever lies how close together. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { readNewest, readNews } from '../../console/src/api/newest-events.ts';
import type { AskEvents } from '../../console/src/api/newest-events.ts';
import type { EventItem } from '../../console/src/api/shapes-observe.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2026-11-24T12:00:00.500Z');

/** HupoDescribeEvents over a list in the order of times: a token is a position. */
function serverOf(events: EventItem[]): { ask: AskEvents; askedCount: () => number } {
  let count = 0;
  const ask: AskEvents = async ({ StartTime, EndTime, NextToken, MaxResults }) => {
    count++;
    const fromMs = StartTime === undefined ? -Infinity : Date.parse(String(StartTime));
    const untilMs = EndTime === undefined ? Infinity : Date.parse(String(EndTime));
    const begin = NextToken === undefined ? 0 : Number(NextToken);
    const isWanted = ({ Time }: EventItem) => Date.parse(Time) >= fromMs && Date.parse(Time) <= untilMs;
    const wanted = events
      .map((event, index) => ({ event, index }))
      .filter((one) => one.index >= begin && isWanted(one.event));
    const page = wanted.slice(0, Number(MaxResults));
    const next = page.length === Number(MaxResults) ? (page.at(-1)?.index ?? 0) + 1 : events.length;
    return { NextToken: String(next), HasGap: false, Events: { Event: page.map(({ event }) => event) } };
  };
  return { ask, askedCount: () => count };
}

function eventAt(timeMs: number, index: number): EventItem {
  return {
    Id: String(index),
    Type: 'ecs:Disk:StateChange',
    Subject: 'd-1',
    Time: new Date(timeMs).toISOString(),
    Data: {},
  };
}

/** Some spread over two days, some in bursts. */
const someTimes = fc
  .array(
    fc.tuple(
      fc.integer({ min: 0, max: 2 * DAY_MS }),
      fc.integer({ min: 1, max: 250 }),
      fc.integer({ min: 0, max: 40 }),
    ),
    { maxLength: 6 },
  )
  .map((bursts) =>
    bursts
      .flatMap(([agoMs, count, stepMs]) =>
        Array.from({ length: count }, (_none, index) => NOW_MS - agoMs + index * stepMs),
      )
      .sort((one, other) => one - other),
  );

test('the newest come first, as many as are wanted, with none missing between', async () => {
  await fc.assert(
    fc.asyncProperty(someTimes, fc.integer({ min: 1, max: 400 }), async (times, wanted) => {
      const events = times.map(eventAt);
      const span = { fromMs: NOW_MS - DAY_MS, untilMs: NOW_MS, isOpen: true };
      const { ask, askedCount } = serverOf(events);
      const found = await readNewest(ask, span, wanted);
      const startMs = Math.floor(span.fromMs / 1000) * 1000;
      const expected = events.filter(({ Time }) => Date.parse(Time) >= startMs).reverse();
      assert.deepEqual(found.events, expected.slice(0, found.events.length));
      if (found.isWhole) assert.equal(found.events.length, expected.length);
      else assert.ok(found.events.length >= wanted);
      assert.ok(askedCount() < 200, `${askedCount()} calls`);
    }),
    { numRuns: 200 },
  );
});

test('what is new is asked for behind what is known, and nothing twice', async () => {
  const times = Array.from({ length: 260 }, (_none, index) => NOW_MS - 5000 + index);
  const events = times.slice(0, 120).map(eventAt);
  const span = { fromMs: NOW_MS - DAY_MS, untilMs: NOW_MS, isOpen: true };
  const { ask, askedCount } = serverOf(events);
  const before = await readNewest(ask, span, 10);
  events.push(...times.slice(120).map((timeMs, index) => eventAt(timeMs, 120 + index)));
  const calls = askedCount();
  const after = await readNews(ask, before, span);
  assert.equal(askedCount() - calls, 2);
  assert.deepEqual(
    after?.events.slice(0, 140).map(({ Id }) => Number(Id)),
    times.keys().toArray().slice(120).reverse(),
  );
  assert.equal(new Set(after?.events.map(({ Id }) => Id)).size, after?.events.length);
  const again = await readNews(async (asked) => ({ ...(await ask(asked)), HasGap: true }), before, span);
  assert.equal(again, null, 'a gap is read anew');
});
