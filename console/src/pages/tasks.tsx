/** What goes on longer than a call, and how it ended. */
import { useState } from 'react';
import { Badge, Button, Progress, Typography } from 'antd';
import { Link } from 'wouter';
import { useAnswer } from '../api/session.tsx';
import type { Task, TaskAttribute, TasksPage as TasksAnswer } from '../api/shapes-observe.ts';
import { ActionDialog } from '../forms/action-dialog.tsx';
import { PageHead } from '../lists/page-head.tsx';
import { ResourceList } from '../lists/resource-list.tsx';
import type { Column, Filter } from '../lists/resource-list.tsx';
import { Id, Time } from '../lists/show.tsx';
import { useSection, useWords } from '../words/language.tsx';
import type { Words } from '../words/en.ts';
import { observeWords } from '../words/observe.ts';

type TaskWords = (typeof observeWords)['en']['tasks'];

const MOVING_MS = 1000;
const rowsOf = (answer: TasksAnswer) => answer.TaskSet.Task;
const idOf = ({ TaskId }: Task) => TaskId;

export function TasksPage() {
  const words = useWords();
  const { tasks } = useSection(observeWords);
  const [cancelling, setCancelling] = useState<Task | null>(null);
  return (
    <>
      <PageHead title={tasks.title} intro={tasks.intro} />
      <ResourceList<Task, TasksAnswer>
        action="DescribeTasks"
        {...{ rowsOf, idOf }}
        columns={[...columnsOf(words, tasks), cancelColumn(words, tasks, setCancelling)]}
        filters={filtersOf(words, tasks)}
        empty={tasks.empty}
        isMoving={({ TaskStatus }) => TaskStatus === 'Processing'}
      />
      {cancelling === null ? null : (
        <ActionDialog
          title={tasks.cancel}
          intro={
            <>
              {`${tasks.actions[cancelling.TaskAction] ?? cancelling.TaskAction} ${cancelling.TaskId}`}
              <br />
              {tasks.cancelIntro}
            </>
          }
          action="CancelTask"
          toParameters={() => ({ TaskId: cancelling.TaskId })}
          submit={tasks.cancel}
          isDangerous
          onClose={() => setCancelling(null)}
        />
      )}
    </>
  );
}

function columnsOf({ field }: Words, tasks: TaskWords): Column<Task>[] {
  return [
    {
      key: 'task',
      title: tasks.action,
      render: (row) => (
        <span className="cell-name">
          <span>{tasks.actions[row.TaskAction] ?? row.TaskAction}</span>
          <Id id={row.TaskId} />
        </span>
      ),
      sortBy: (row) => row.TaskAction,
    },
    {
      key: 'status',
      title: field.status,
      render: (row) => <TaskState task={row} />,
      sortBy: (row) => row.TaskStatus,
    },
    {
      key: 'resource',
      title: tasks.resource,
      render: ({ ResourceId: id }) =>
        id.startsWith('d-') ? <Link href={`/disks/${id}`}>{id}</Link> : id === '' ? '–' : <Id id={id} />,
      sortBy: (row) => row.ResourceId,
    },
    {
      key: 'created',
      title: field.created,
      render: (row) => <Time at={row.CreationTime} />,
      sortBy: (row) => row.CreationTime,
    },
    {
      key: 'finished',
      title: tasks.finished,
      render: (row) => <Time at={row.FinishedTime} />,
      sortBy: (row) => row.FinishedTime,
    },
  ];
}

/** Only what can be cancelled has the button. */
function cancelColumn({ list }: Words, tasks: TaskWords, onCancel: (task: Task) => void): Column<Task> {
  return {
    key: 'actions',
    title: list.actions,
    render: (task) =>
      task.SupportCancel === 'true' ? (
        <Button danger size="small" onClick={() => onCancel(task)}>
          {tasks.cancel}
        </Button>
      ) : (
        '–'
      ),
  };
}

/** How far it is, or why it failed: the list itself does not say. */
function TaskState({ task }: { task: Task }) {
  const { field } = useWords();
  const { tasks } = useSection(observeWords);
  const isMoving = task.TaskStatus === 'Processing';
  const { data } = useAnswer<TaskAttribute>(
    'DescribeTaskAttribute',
    { TaskId: task.TaskId },
    { isEnabled: task.TaskStatus !== 'Finished', refreshMs: () => (isMoving ? MOVING_MS : false) },
  );
  if (isMoving) {
    return (
      <div className="progress-cell">
        <Progress
          percent={Number.parseInt(data?.TaskProcess ?? '0', 10) || 0}
          size="small"
          status="active"
          aria-label={field.progress}
        />
      </div>
    );
  }
  const reasons = data?.OperationProgressSet.OperationProgress.flatMap(({ ErrorMsg }) => ErrorMsg || []) ?? [];
  return (
    <>
      <Badge
        status={task.TaskStatus === 'Failed' ? 'error' : 'success'}
        text={tasks.states[task.TaskStatus] ?? task.TaskStatus}
      />
      {task.TaskStatus === 'Failed' && reasons.length > 0 ? (
        <Typography.Paragraph className="said">{reasons.join(' ')}</Typography.Paragraph>
      ) : null}
    </>
  );
}

function filtersOf({ field }: Words, tasks: TaskWords): Filter[] {
  const optionsOf = (names: Record<string, string>) =>
    Object.entries(names).map(([value, label]) => ({ value, label }));
  return [
    { name: 'TaskAction', label: field.type, options: optionsOf(tasks.actions) },
    { name: 'TaskStatus', label: field.status, options: optionsOf(tasks.states) },
    { name: 'TaskIds', label: tasks.taskId, options: null },
    { name: 'ResourceIds.1', label: tasks.resourceId, options: null },
    { name: 'StartTime', label: tasks.from, options: null, isDay: true, toParameter: (day) => timeOfDay(day, 0) },
    { name: 'EndTime', label: tasks.until, options: null, isDay: true, toParameter: (day) => timeOfDay(day, 1) },
  ];
}

/** When a day of this browser's zone begins, or the day so many after it; what is no day the API refuses. */
function timeOfDay(day: string, after: number): string {
  const time = new Date(`${day}T00:00:00`);
  if (Number.isNaN(time.getTime())) return day;
  time.setDate(time.getDate() + after);
  return `${time.toISOString().slice(0, 19)}Z`;
}
