/**
 * What is told of a change of state, as CloudEvents 1.0. Types are those of ECS's own event notifications where it has one
 * (`ecs:Snapshot:CreateSnapshotCompleted`, `ecs:Disk:DiskOperationCompleted`, `ecs:Instance:StateChange`), with the members of
 * their `content`; for the rest a type of the same form. docs/events.md lists them, and a test holds it against this.
 */
import { formatSecond } from './times.ts';

export type EventResource = 'disk' | 'snapshot' | 'snapshotgroup' | 'instance' | 'image' | 'task';

/** As the catalog has it. */
export interface StoredEvent {
  sequence: number;
  id: string;
  atMs: number;
  type: string;
  resourceType: EventResource;
  resourceId: string;
  /** Null: it is shown from now on. */
  oldStatus: string | null;
  newStatus: string;
  facts: Readonly<Record<string, string | number | null>>;
}

export interface EventFilter {
  types?: readonly string[];
  resourceIds?: readonly string[];
  fromMs?: number;
  untilMs?: number;
}

/** Structured mode, `application/cloudevents+json`. */
export interface CloudEvent {
  specversion: '1.0';
  id: string;
  source: string;
  type: string;
  subject: string;
  time: string;
  datacontenttype: 'application/json';
  /** As EventBridge has it. */
  aliyunregionid: string;
  /** The extension of that name: as text, in the order of the numbers. */
  sequence: string;
  data: Record<string, string | number>;
}

export interface EventType {
  type: string;
  resourceType: EventResource;
  /** When, for people. */
  when: string;
  /** Whether ECS has it. */
  isOfEcs: boolean;
}

export const eventTypes: readonly EventType[] = [
  {
    type: 'ecs:Disk:DiskOperationCompleted',
    resourceType: 'disk',
    when: 'a disk was attached or detached, or could not be',
    isOfEcs: true,
  },
  { type: 'ecs:Disk:StateChange', resourceType: 'disk', when: 'any other change of a disk', isOfEcs: false },
  {
    type: 'ecs:Snapshot:CreateSnapshotCompleted',
    resourceType: 'snapshot',
    when: 'a snapshot, or the copy of one, is stored or has failed',
    isOfEcs: true,
  },
  {
    type: 'ecs:Snapshot:StateChange',
    resourceType: 'snapshot',
    when: 'a snapshot is frozen, appears otherwise, or is deleted',
    isOfEcs: false,
  },
  {
    type: 'ecs:SnapshotGroup:StateChange',
    resourceType: 'snapshotgroup',
    when: 'a group is frozen, all of it is stored or failed, or it is deleted',
    isOfEcs: false,
  },
  { type: 'ecs:Instance:StateChange', resourceType: 'instance', when: 'any change of an instance', isOfEcs: true },
  { type: 'ecs:Image:StateChange', resourceType: 'image', when: 'any change of a custom image', isOfEcs: false },
  {
    type: 'ecs:Task:StateChange',
    resourceType: 'task',
    when: 'a task begins, is finished, or has failed',
    isOfEcs: false,
  },
];

/** What a test of a subscription sends; in no list. */
export const TEST_EVENT_TYPE = 'ecs:EventSubscription:Test';

const SEQUENCE_DIGITS = 16;

export function renderEvent(event: StoredEvent, regionId: string): CloudEvent {
  return {
    specversion: '1.0',
    id: event.id,
    source: 'acs.ecs',
    type: event.type,
    subject: event.resourceId,
    time: new Date(event.atMs).toISOString(),
    datacontenttype: 'application/json',
    aliyunregionid: regionId,
    sequence: String(event.sequence).padStart(SEQUENCE_DIGITS, '0'),
    data: withoutNulls({ ...contentOf(event), oldStatus: event.oldStatus, newStatus: event.newStatus }),
  };
}

type Facts = Record<string, string | number | null>;

/** The members that ECS's events of that type have, then ours. */
function contentOf(event: StoredEvent): Facts {
  const { name = null, createdAtMs = null, ...facts } = event.facts;
  switch (event.resourceType) {
    case 'disk':
      return { diskId: event.resourceId, diskName: name, ...operationOf(event), ...facts };
    case 'snapshot':
      return {
        ...{ snapshotId: event.resourceId, snapshotName: name, ...facts },
        ...(typeof createdAtMs === 'number' && { startTime: formatSecond(createdAtMs) }),
        ...(event.type === 'ecs:Snapshot:CreateSnapshotCompleted' && resultOf(event)),
      };
    case 'snapshotgroup':
      return { snapshotGroupId: event.resourceId, snapshotGroupName: name, ...facts };
    case 'instance':
      return {
        ...{ resourceId: event.resourceId, resourceType: 'ALIYUN::ECS::Instance', state: event.newStatus },
        ...{ instanceName: name, ...facts },
      };
    case 'image':
      return { imageId: event.resourceId, imageName: name, ...facts };
    case 'task':
      return { taskId: event.resourceId, ...facts };
  }
}

function resultOf({ newStatus, facts, atMs }: StoredEvent): Facts {
  const snapshotType = (facts['sourceSnapshotId'] ?? null) === null ? 'user' : 'copied';
  return { result: newStatus, snapshotType, endTime: formatSecond(atMs) };
}

/** What was to be done follows from where it came from, whether it was from where it went. */
function operationOf({ type, oldStatus, newStatus }: StoredEvent): Facts {
  if (type !== 'ecs:Disk:DiskOperationCompleted') return {};
  const isAttach = oldStatus === 'Attaching' || oldStatus === 'Available';
  const isDone = isAttach === (newStatus === 'In_use');
  return { operation: isAttach ? 'AttachDisk' : 'DetachDisk', result: isDone ? 'accomplished' : 'failed' };
}

function withoutNulls(facts: Facts): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(facts).filter((fact): fact is [string, string | number] => fact[1] !== null),
  );
}
