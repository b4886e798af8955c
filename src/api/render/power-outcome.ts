/** What became of each instance of a StartInstances, StopInstances or RebootInstances (`ecs-api.md` 2.4). */
import type { PowerOutcome } from '../../control/requests.ts';

/** An instance that is not there has no status. */
export function renderPowerOutcomes(outcomes: readonly PowerOutcome[]): object {
  return {
    InstanceResponses: {
      InstanceResponse: outcomes.map((outcome) => ({
        InstanceId: outcome.instanceId,
        Code: outcome.code,
        Message: outcome.message,
        PreviousStatus: outcome.previousStatus ?? '',
        CurrentStatus: outcome.currentStatus ?? '',
      })),
    },
  };
}
