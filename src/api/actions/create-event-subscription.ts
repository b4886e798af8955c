/** HupoCreateEventSubscription, an extension: events are told to a URL from now on, signed with the secret that is shown here once. */
import { findWebhookUrlProblem } from '../../control/webhook-plan.ts';
import { eventTypes } from '../../ecs/events.ts';
import { defineAction } from '../action.ts';
import { finishDryRun } from '../filters.ts';
import { repeated, required, text, withDefault } from '../parameters.ts';
import { description, dryRun } from '../resource-parameters.ts';
import { checkEventType } from './describe-events.ts';

export const createEventSubscription = defineAction({
  name: 'HupoCreateEventSubscription',
  parameters: {
    Url: required(text('InvalidParameter', findWebhookUrlProblem)),
    EventType: repeated(eventTypes.length),
    Description: withDefault(description, ''),
    DryRun: dryRun,
  },
  run: async (values, { control }) => {
    for (const type of values.EventType) checkEventType(type);
    const { webhooks } = control.events;
    await webhooks.assertRoom();
    finishDryRun(values.DryRun);
    const wanted = { url: values.Url, types: values.EventType, description: values.Description };
    const { subscriptionId, secret } = await webhooks.create(wanted);
    return { SubscriptionId: subscriptionId, Secret: secret };
  },
});
