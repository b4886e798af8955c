/** HupoDeleteEventSubscription, an extension: nothing more is told to the URL once this is answered. */
import { defineAction } from '../action.ts';
import { finishDryRun } from '../filters.ts';
import { required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const deleteEventSubscription = defineAction({
  name: 'HupoDeleteEventSubscription',
  parameters: { SubscriptionId: required(text()), DryRun: dryRun },
  run: async (values, { control }) => {
    const { webhooks } = control.events;
    await webhooks.get(values.SubscriptionId);
    finishDryRun(values.DryRun);
    await webhooks.delete(values.SubscriptionId);
    return {};
  },
});
