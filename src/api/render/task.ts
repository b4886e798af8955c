/** A task as DescribeTasks and DescribeTaskAttribute show it (`ecs-api.md` 2.6). Times have minutes only. */
import type { Task, TaskPart } from '../../ecs/resources.ts';
import { formatMinute } from '../../ecs/times.ts';

export function renderTask(task: Task): object {
  return { ...shared(task), ResourceId: task.resourceId };
}

export function renderTaskAttribute(task: Task): object {
  const failedCount = task.endedParts.filter(({ errorCode }) => errorCode !== null).length;
  return {
    ...shared(task),
    TaskProcess: `${task.progressPercent}%`,
    TotalCount: task.partCount,
    SuccessCount: task.endedParts.length - failedCount,
    FailedCount: failedCount,
    OperationProgressSet: { OperationProgress: task.endedParts.map(renderPart) },
  };
}

function shared(task: Task): object {
  return {
    TaskId: task.taskId,
    TaskAction: task.action,
    TaskStatus: task.status,
    SupportCancel: String(task.cancellable && task.status === 'Processing'),
    CreationTime: formatMinute(task.createdAtMs),
    FinishedTime: task.finishedAtMs === null ? '' : formatMinute(task.finishedAtMs),
  };
}

function renderPart({ errorCode, errorMessage, items }: TaskPart): object {
  return {
    OperationStatus: errorCode === null ? 'Success' : 'Failed',
    ErrorCode: errorCode ?? '',
    ErrorMsg: errorMessage ?? '',
    RelatedItemSet: { RelatedItem: Object.entries(items).map(([Name, Value]) => ({ Name, Value })) },
  };
}
