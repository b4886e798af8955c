/** When a task may be cancelled (`ecs-api.md` 2.6), as a pure function: why not, or null. */
import type { Task } from './resources.ts';
import { refusal } from './states.ts';
import type { Refusal } from './states.ts';

export function refuseCancelTask({ taskId, action, status, cancellable }: Task): Refusal | null {
  if (!cancellable) {
    return refusal(
      'InvalidTaskId.TaskActionNotSupport',
      `The task ${taskId} is ${action}: only tasks that import or export can be cancelled.`,
    );
  }
  if (status === 'Processing') return null;
  return refusal('InvalidTaskId.IncorrectTaskStatus', `The task ${taskId} is ${status} already.`);
}
