/** What became of each of several things (`ecs-api.md` 2.1 DeleteSnapshotGroup, 2.3 ResetDisks). */
import type { ItemOutcome } from '../../control/requests.ts';

/** `name` is what their ids are called: `SnapshotId`, say. */
export function renderOutcomes(outcomes: readonly ItemOutcome[], name: string): object {
  return {
    OperationProgressSet: {
      OperationProgress: outcomes.map(({ id, refusal }) => ({
        OperationStatus: refusal === null ? 'Success' : 'Failed',
        ErrorCode: refusal?.code ?? '',
        ErrorMsg: refusal?.message ?? '',
        RelatedItemSet: { RelatedItem: [{ Name: name, Value: id }] },
      })),
    },
  };
}
