/** What the answers hold about automatic snapshot policies, as far as the console shows it. */
import type { Page, TagPair, Tags } from './shapes.ts';

export const keepPeriods = ['Last', 'Hourly', 'Daily', 'Weekly', 'Monthly', 'Yearly'] as const;

export interface Policy extends Tags {
  AutoSnapshotPolicyId: string;
  AutoSnapshotPolicyName: string;
  CreationTime: string;
  /** JSON lists of texts: hours of UTC+8, and days of the week from 1, Monday. */
  TimePoints: string;
  RepeatWeekdays: string;
  /** -1: for ever. */
  RetentionDays: number;
  DiskNums: number;
  TargetTags: { TargetTag: TagPair[] };
  EnableCrossRegionCopy: boolean;
  /** A JSON list. */
  TargetCopyRegions: string;
  CopiedSnapshotsRetentionDays: number;
  MissedRuns: 'run' | 'skip';
  Keep?: Partial<Record<(typeof keepPeriods)[number], number>>;
}

export interface PoliciesPage extends Page {
  AutoSnapshotPolicies: { AutoSnapshotPolicy: Policy[] };
}

export interface PreviewedDisk {
  DiskId: string;
  FreedSize: number;
  HeldSnapshotIds: { SnapshotId: string[] };
  DeletedSnapshots: {
    Snapshot: {
      SnapshotId: string;
      CreationTime: string;
      Reason: string;
      DeletionTime: string;
      NeedsApproval: boolean;
    }[];
  };
  KeptSnapshots: { Snapshot: { SnapshotId: string; CreationTime: string; Reason: string }[] };
}

export interface PolicyPreview {
  Runs: { Run: string[] };
  Disks: { Disk: PreviewedDisk[] };
}

export interface PolicyRun {
  AutoSnapshotPolicyId: string;
  TimePoint: string;
  StartTime: string;
  MissedRuns: number;
  Disks: { Disk: { DiskId: string; State: string; SnapshotId: string; Reason: string }[] };
}

export interface PolicyRunsPage extends Page {
  Runs: { Run: PolicyRun[] };
}

export interface AssociationsPage {
  NextToken: string;
  AutoSnapshotPolicyAssociations: { AutoSnapshotPolicyAssociation: { AutoSnapshotPolicyId: string; DiskId: string }[] };
}
