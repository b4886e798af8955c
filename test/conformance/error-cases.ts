/** All cases of errors: action → code → case. */
import type { ErrorCases } from './error-cases/case.ts';
import { diskCases } from './error-cases/disks.ts';
import { imageCases } from './error-cases/images.ts';
import { instanceCases } from './error-cases/instances.ts';
import { lockCases } from './error-cases/locks.ts';
import { networkCases } from './error-cases/network.ts';
import { policyCases } from './error-cases/policies.ts';
import { snapshotCases } from './error-cases/snapshots.ts';
import { subscriptionCases } from './error-cases/subscriptions.ts';
import { tagCases } from './error-cases/tags.ts';
import { taskCases } from './error-cases/tasks.ts';

const cases: ErrorCases = {
  ...diskCases,
  ...imageCases,
  ...instanceCases,
  ...networkCases,
  ...policyCases,
  ...snapshotCases,
  ...tagCases,
  ...taskCases,
};

export const errorCases: ErrorCases = {
  ...[lockCases, subscriptionCases].reduce(
    (all, more) => ({
      ...all,
      ...Object.fromEntries(Object.entries(more).map(([action, own]) => [action, { ...all[action], ...own }])),
    }),
    cases,
  ),
};
