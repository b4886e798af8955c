/** OpenSnapshotService (`ecs-api.md` 2.1): it is always open. */
import { defineAction } from '../action.ts';

export const openSnapshotService = defineAction({
  name: 'OpenSnapshotService',
  parameters: {},
  run: () => Promise.resolve({}),
});
