/** HupoDescribeEventSubscriptions, an extension: whom events are told to, whether they take them, and what waits. There are few: no pages. */
import { defineAction } from '../action.ts';
import { finishDryRun } from '../filters.ts';
import { repeated } from '../parameters.ts';
import { renderSubscription } from '../render/event.ts';
import { dryRun } from '../resource-parameters.ts';

export const describeEventSubscriptions = defineAction({
  name: 'HupoDescribeEventSubscriptions',
  parameters: { SubscriptionId: repeated(100), DryRun: dryRun },
  run: async (values, { control }) => {
    finishDryRun(values.DryRun);
    const ids = values.SubscriptionId;
    const all = await control.events.webhooks.list();
    const wanted = all.filter(({ subscriptionId }) => ids.length === 0 || ids.includes(subscriptionId));
    return { EventSubscriptions: { EventSubscription: wanted.map(renderSubscription) } };
  },
});
