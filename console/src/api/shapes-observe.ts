/** What answers about tasks, events, tags and usage hold, as far as the console shows it (`docs/api.md`). */
import type { Page } from './shapes.ts';

export interface Task {
  TaskId: string;
  TaskAction: string;
  TaskStatus: 'Processing' | 'Finished' | 'Failed';
  SupportCancel: 'true' | 'false';
  CreationTime: string;
  FinishedTime: string;
  ResourceId: string;
}

export interface TasksPage extends Page {
  TaskSet: { Task: Task[] };
}

export interface TaskAttribute {
  /** `42%` */
  TaskProcess: string;
  TaskStatus: Task['TaskStatus'];
  OperationProgressSet: { OperationProgress: { ErrorCode: string; ErrorMsg: string }[] };
}

export interface EventItem {
  Id: string;
  Type: string;
  Subject: string;
  Time: string;
  Data: Readonly<Record<string, string | number>>;
}

export interface EventItemsPage {
  NextToken: string;
  HasGap: boolean;
  Events: { Event: EventItem[] };
}

export interface Webhook {
  SubscriptionId: string;
  Url: string;
  /** Empty: all. */
  EventTypes: { EventType: string[] };
  Description: string;
  CreationTime: string;
  Status: 'Active' | 'Retrying' | 'Failing';
  FailureCount: number;
  LastError: string;
  NextTryTime: string;
  LastSuccessTime: string;
  BacklogCount: number;
  MissedCount: number;
}

export interface WebhooksAnswer {
  EventSubscriptions: { EventSubscription: Webhook[] };
}

export interface WebhookTest {
  IsDelivered: boolean;
  Error: string;
}

export interface CountedTag {
  TagKey: string;
  TagValue: string;
  ResourceTypeCount: { Instance: number; Disk: number; Snapshot: number; Image: number };
}

export interface CountedTagsPage extends Page {
  Tags: { Tag: CountedTag[] };
}

export interface Cost {
  /** `2026-11` or `2026-11-23`, in UTC+8. */
  Period: string;
  DiskId?: string;
  TagValue?: string;
  Category: 'standard' | 'archive';
  GiBHours: number;
  /** Blank without prices. */
  Cost: string;
}

export interface CostsPage {
  NextToken: string;
  EndTime: string;
  Currency: string;
  TotalCost: string;
  TotalGiBHours: number;
  Costs: { Cost: Cost[] };
}

export interface SnapshotsUsage {
  SnapshotCount: number;
  SnapshotSize: number;
  UncountedCount: number;
  UndoCount: number;
  UndoSize: number;
  RecycledCount: number;
  RecycledSize: number;
}
