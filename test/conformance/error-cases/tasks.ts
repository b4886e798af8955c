/** Errors of the actions on tasks. */
import { elsewhere, type ErrorCases } from './case.ts';

export const taskCases: ErrorCases = {
  CancelTask: {
    'InvalidRegionId.NotFound': elsewhere,
    'InvalidTaskId.IncorrectTaskStatus': {
      after: ({ call, exportTask }) => call('CancelTask', { TaskId: exportTask }),
    },
    'InvalidTaskId.NotFound': { TaskId: 't-none' },
    'InvalidTaskId.TaskActionNotSupport': ({ task }) => ({ TaskId: task }),
    MissingParameter: { TaskId: '' },
  },
  DescribeTasks: { 'InvalidRegionId.NotFound': elsewhere },
  DescribeTaskAttribute: {
    'InvalidRegionId.NotFound': elsewhere,
    'InvalidTaskId.NotFound': { TaskId: 't-none' },
    MissingParameter: { TaskId: '' },
  },
};
