/**
 * ExportImage and ExportSnapshot, after the request has written the task: each disk becomes a file of its own.
 *
 * What is written has another name until it is whole and synced, and the task's id is in its name, so that nothing that
 * is there is touched. After a crash the file that was under way is written again; undone, all of them go. The trees are
 * roots for the collector until the end, whatever is deleted meanwhile.
 */
import type { TaskAction } from '../../ecs/resources.ts';
import type { OperationKind, StepContext } from '../operation-kind.ts';
import type { ExportOrder, Parts } from '../parts.ts';
import { createTaskProgress, failTask, finishTask } from '../tasks.ts';

export const EXPORT = 'export';

export interface ExportState {
  action: TaskAction;
  taskId: string;
  bucket: string;
  files: (Omit<ExportOrder, 'bucket'> & { isWritten?: true })[];
}

export function exportOperation(parts: Parts): OperationKind<ExportState> {
  return {
    kind: EXPORT,
    steps: [
      {
        name: 'write',
        run: (state, context) => writeAll(parts, state, context),
        record: (transaction, { taskId, bucket, files }) => {
          const items = files.map(({ object, format }) => ({
            ...{ OSSBucket: bucket, OSSObject: object },
            ImageFormat: format,
          }));
          return finishTask(parts, transaction, taskId, items);
        },
        undo: ({ bucket, files }) =>
          parts.exchange.remove(
            bucket,
            files.map(({ object }) => object),
          ),
      },
    ],
    abandon: (transaction, { state: { action, taskId }, reason }) =>
      failTask(parts, transaction, taskId, { code: `${action}Failed`, reason }),
    treesOf: ({ files }) => files.map(({ tree }) => tree),
  };
}

async function writeAll(
  { exchange, ...parts }: Parts,
  { taskId, bucket, files: before }: ExportState,
  { signal, save }: StepContext<ExportState>,
): Promise<void> {
  const report = createTaskProgress({ exchange, ...parts }, taskId);
  const files = [...before];
  for (const [index, file] of files.entries()) {
    if (file.isWritten === true) continue;
    const onProgress = (share: number) => report((index + share) / files.length, 1);
    await exchange.write({ ...file, bucket }, { signal, onProgress });
    files[index] = { ...file, isWritten: true };
    await save({ files: [...files] });
  }
}
