/** DescribeInstanceHistoryEvents: there are no system events. */
import { defineAction } from '../action.ts';
import { emptyPage, pageFields, pagingOf, pagingParameters } from '../filters.ts';
import { noEffect } from '../parameters.ts';

const filter = noEffect('there are no system events: the list is always empty');

export const describeInstanceHistoryEvents = defineAction({
  name: 'DescribeInstanceHistoryEvents',
  parameters: {
    ...pagingParameters(100),
    NextToken: filter,
    InstanceId: filter,
    ResourceId: filter,
    ResourceType: filter,
    ResourceGroupId: filter,
    EventId: filter,
    EventType: filter,
    EventCycleStatus: filter,
    InstanceEventType: filter,
    InstanceEventCycleStatus: filter,
    EventPublishTime: filter,
    NotBefore: filter,
    ImpactLevel: filter,
    Tag: filter,
  },
  run: (values) =>
    Promise.resolve({
      ...pageFields(pagingOf(values), emptyPage),
      InstanceSystemEventSet: { InstanceSystemEventType: [] },
    }),
});
