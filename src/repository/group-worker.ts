/** A thread of `GroupThreads`: does one task after another until it is terminated. */
import { workerData } from 'node:worker_threads';
import { GroupWork } from './group-work.ts';
import { TaskTaker } from './task-ring.ts';

export interface GroupWorkerStart {
  ring: SharedArrayBuffer;
  arena: SharedArrayBuffer;
}

const { ring, arena } = workerData as GroupWorkerStart;
const taker = new TaskTaker(ring);
const work = new GroupWork(arena);
for (;;) taker.doNext((task, bytes) => work.perform(task, bytes));
