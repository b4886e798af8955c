/**
 * HupoDescribeEvents, an extension: what happened, oldest first, going on behind the events of an answer before, and on request
 * waiting for the next one, so that a client hears of it at once (docs/events.md).
 */
import { eventTypes, renderEvent } from '../../ecs/events.ts';
import type { EventFilter } from '../../ecs/events.ts';
import { parseSecond } from '../../ecs/times.ts';
import { defineAction } from '../action.ts';
import { finishDryRun } from '../filters.ts';
import { integer, invalidParameter, oneOf, repeated, text, withDefault, type Values } from '../parameters.ts';
import { renderEventItem } from '../render/event.ts';
import { dryRun } from '../resource-parameters.ts';

/** Below what clients and what is between wait for an answer. */
const LONGEST_WAIT_SECONDS = 25;

const parameters = {
  EventType: repeated(eventTypes.length),
  ResourceId: repeated(100),
  StartTime: text(),
  EndTime: text(),
  Position: withDefault(oneOf(['Earliest', 'Latest'] as const), 'Earliest'),
  MaxResults: withDefault(integer({ least: 1, most: 100 }), 50),
  NextToken: text('InvalidParameter', (token) => (token.length <= 1024 ? null : 'take it from the answer before')),
  WaitSeconds: withDefault(integer({ least: 0, most: LONGEST_WAIT_SECONDS }), 0),
  DryRun: dryRun,
};

export const describeEvents = defineAction({
  name: 'HupoDescribeEvents',
  parameters,
  run: async (values, { control, region }) => {
    const filter = filterOf(values);
    finishDryRun(values.DryRun);
    const { events, nextToken, isGap } = await control.events.feed.list({
      filter,
      token: values.NextToken,
      position: values.Position,
      limit: values.MaxResults,
      waitMs: values.WaitSeconds * 1000,
    });
    const shown = events.map((event) => renderEventItem(renderEvent(event, region.regionId)));
    return { NextToken: nextToken, HasGap: isGap, Events: { Event: shown } };
  },
});

function filterOf(values: Values<typeof parameters>): EventFilter {
  for (const type of values.EventType) checkEventType(type);
  return {
    ...(values.EventType.length > 0 && { types: values.EventType }),
    ...(values.ResourceId.length > 0 && { resourceIds: values.ResourceId }),
    ...(values.StartTime !== null && { fromMs: timeOf(values.StartTime, 'StartTime') }),
    ...(values.EndTime !== null && { untilMs: timeOf(values.EndTime, 'EndTime') }),
  };
}

/** RequestError InvalidParameter for what is no type of event. */
export function checkEventType(type: string): void {
  if (eventTypes.some((known) => known.type === type)) return;
  const words = eventTypes.map((known) => known.type).join(', ');
  throw invalidParameter('InvalidParameter', 'EventType', type, `it must be one of ${words}`);
}

function timeOf(value: string, name: string): number {
  const timeMs = parseSecond(value);
  if (timeMs === null)
    throw invalidParameter('InvalidParameter', name, value, 'it must be UTC as yyyy-MM-ddTHH:mm:ssZ');
  return timeMs;
}
