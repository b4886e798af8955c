/** An event, and a subscription to events, as the actions about them show them: what a webhook is sent, in this API's spelling. */
import type { Subscription } from '../../control/webhooks.ts';
import type { CloudEvent } from '../../ecs/events.ts';
import { formatSecond } from '../../ecs/times.ts';

/** `Data` has the names that ECS's own events have. */
export function renderEventItem(event: CloudEvent): object {
  return {
    Id: event.id,
    Source: event.source,
    Type: event.type,
    Subject: event.subject,
    Time: event.time,
    RegionId: event.aliyunregionid,
    Sequence: Number(event.sequence),
    Data: event.data,
  };
}

/** Times that are not there are blank. */
export function renderSubscription(subscription: Subscription): object {
  const time = (timeMs: number | null) => (timeMs === null ? '' : formatSecond(timeMs));
  return {
    SubscriptionId: subscription.subscriptionId,
    Url: subscription.url,
    EventTypes: { EventType: subscription.types },
    Description: subscription.description,
    CreationTime: formatSecond(subscription.createdAtMs),
    Status: subscription.status,
    FailureCount: subscription.failureCount,
    LastError: subscription.lastError ?? '',
    NextTryTime: time(subscription.nextTryAtMs),
    LastSuccessTime: time(subscription.lastSuccessAtMs),
    BacklogCount: subscription.backlogCount,
    MissedCount: subscription.missedCount,
  };
}
