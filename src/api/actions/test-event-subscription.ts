/** HupoTestEventSubscription, an extension: sends an event of a type of its own to the URL, now, and says how it was taken. */
import { defineAction } from '../action.ts';
import { finishDryRun } from '../filters.ts';
import { required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const testEventSubscription = defineAction({
  name: 'HupoTestEventSubscription',
  parameters: { SubscriptionId: required(text()), DryRun: dryRun },
  run: async (values, { control }) => {
    const { webhooks } = control.events;
    await webhooks.get(values.SubscriptionId);
    finishDryRun(values.DryRun);
    const problem = await webhooks.test(values.SubscriptionId);
    return { IsDelivered: problem === null, Error: problem ?? '' };
  },
});
