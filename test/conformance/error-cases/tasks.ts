/** Errors of the actions on tasks. */
import { elsewhere, type ErrorCases } from './case.ts';

export const taskCases: ErrorCases = {
  DescribeTasks: { 'InvalidRegionId.NotFound': elsewhere },
  DescribeTaskAttribute: {
    'InvalidRegionId.NotFound': elsewhere,
    'InvalidTaskId.NotFound': { TaskId: 't-none' },
    MissingParameter: { TaskId: '' },
  },
};
