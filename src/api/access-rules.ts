/**
 * What each action touches, for policies: the resources that its parameters name, each of which must be allowed, and whether it
 * changes anything. The parameters are looked at as the action itself reads them, so that nothing can be asked about one resource
 * and done to another. An action that has no rule here is done for root alone, and `access-rules.test.ts` fails.
 *
 * A list is asked for about the ids that it is limited to; without any about `disk/*` and the like, which a policy for single
 * resources does not allow. Tags that a list is limited to count as tags of what it shows (`acs:ResourceTag/…`).
 */

/** As resource names have them: `acs:ecs:REGION:ACCOUNT:disk/d-…`. */
export type AccessType =
  | 'disk'
  | 'snapshot'
  | 'snapshotgroup'
  | 'snapshotpolicy'
  | 'image'
  | 'instance'
  | 'eni'
  | 'securitygroup'
  | 'user'
  | 'role'
  | 'policy';

/** `TagResources` and others have the type in another parameter; of what the recycle bin has, ids begin with it. */
export type FoundType = { named: string } | 'by id';

export type Touch =
  /** Each that the parameter names; none where it names none. */
  | { how: 'each'; type: AccessType | FoundType; path: string }
  /** The same, and all of the type where it names none. */
  | { how: 'listed'; type: AccessType | FoundType; path: string }
  /** What does not exist yet, or any: `disk/*`; `region` is a parameter that names another region. */
  | { how: 'any'; type: AccessType; region?: string }
  /** A user that is named, else the one who asks. */
  | { how: 'own'; path: string }
  /** What has no resource of its own: `*`. */
  | { how: 'all' };

export interface AccessRule {
  changes: boolean;
  touches: readonly Touch[];
  /** Parameters that hold tags: `request` puts them on resources, `filter` limits a list to them. */
  tags: 'request' | 'filter';
  /** Everybody may: it tells nothing but who asks. */
  isFree?: true;
}

const each = (type: AccessType | 'by id', path: string): Touch => ({ how: 'each', type, path });
const listed = (type: AccessType | 'by id', path: string): Touch => ({ how: 'listed', type, path });
const any = (type: AccessType, region?: string): Touch => ({
  how: 'any',
  type,
  ...(region !== undefined && { region }),
});
const all: Touch = { how: 'all' };
const reads = (...touches: Touch[]): AccessRule => ({ changes: false, touches, tags: 'filter' });
const changes = (...touches: Touch[]): AccessRule => ({ changes: true, touches, tags: 'request' });

const typed = (path = 'ResourceId'): Touch => ({ how: 'each', type: { named: 'ResourceType' }, path });
const typedList: Touch = { how: 'listed', type: { named: 'ResourceType' }, path: 'ResourceId' };

const newInstances = changes(
  ...[any('instance'), listed('image', 'ImageId'), each('snapshot', 'DataDisk.N.SnapshotId')],
  ...['SystemDisk', 'DataDisk.N'].map((disk) => each('snapshotpolicy', `${disk}.AutoSnapshotPolicyId`)),
);
const newInstance = changes(any('instance'), listed('image', 'ImageId'), each('snapshot', 'DataDisk.N.SnapshotId'));

const snapshots: Record<string, AccessRule> = {
  CreateSnapshot: changes(each('disk', 'DiskId'), any('snapshot')),
  DescribeSnapshots: reads(listed('snapshot', 'SnapshotIds')),
  ModifySnapshotAttribute: changes(each('snapshot', 'SnapshotId')),
  ModifySnapshotCategory: changes(each('snapshot', 'SnapshotId')),
  CopySnapshot: changes(each('snapshot', 'SnapshotId'), any('snapshot', 'DestinationRegionId')),
  ExportSnapshot: changes(each('snapshot', 'SnapshotId')),
  DeleteSnapshot: changes(each('snapshot', 'SnapshotId')),
  LockSnapshot: changes(each('snapshot', 'SnapshotId')),
  UnlockSnapshot: changes(each('snapshot', 'SnapshotId')),
  DescribeLockedSnapshots: reads(listed('snapshot', 'SnapshotIds')),
  DescribeSnapshotLinks: reads(listed('disk', 'DiskIds')),
  DescribeSnapshotsUsage: reads(any('snapshot')),
  DescribeSnapshotMonitorData: reads(any('snapshot')),
  DescribeSnapshotPackage: reads(all),
  OpenSnapshotService: changes(all),
  CreateSnapshotGroup: changes(each('instance', 'InstanceId'), each('disk', 'DiskId'), any('snapshotgroup')),
  DescribeSnapshotGroups: reads(listed('snapshotgroup', 'SnapshotGroupId')),
  ModifySnapshotGroup: changes(each('snapshotgroup', 'SnapshotGroupId')),
  DeleteSnapshotGroup: changes(each('snapshotgroup', 'SnapshotGroupId')),
};

const ofPolicy = each('snapshotpolicy', 'autoSnapshotPolicyId');

const policies: Record<string, AccessRule> = {
  CreateAutoSnapshotPolicy: changes(any('snapshotpolicy')),
  ModifyAutoSnapshotPolicyEx: changes(ofPolicy),
  DeleteAutoSnapshotPolicy: changes(ofPolicy),
  DescribeAutoSnapshotPolicyEx: reads(listed('snapshotpolicy', 'AutoSnapshotPolicyId')),
  ApplyAutoSnapshotPolicy: changes(ofPolicy, each('disk', 'diskIds')),
  CancelAutoSnapshotPolicy: changes(ofPolicy, each('disk', 'diskIds')),
  DescribeAutoSnapshotPolicyAssociations: reads(
    ...[listed('snapshotpolicy', 'AutoSnapshotPolicyId'), each('disk', 'DiskId')],
  ),
  HupoDescribePolicyRuns: reads(listed('snapshotpolicy', 'AutoSnapshotPolicyId')),
  HupoPreviewPolicy: reads(each('snapshotpolicy', 'AutoSnapshotPolicyId'), each('disk', 'DiskId')),
  HupoApproveRetention: changes(each('disk', 'DiskId')),
  HupoDescribeSnapshotCost: reads(any('snapshot'), each('disk', 'DiskId')),
};

const recycleBin: Record<string, AccessRule> = {
  HupoDescribeRecycleBin: reads(listed('by id', 'ResourceId')),
  HupoRestoreFromRecycleBin: changes(each('by id', 'ResourceId')),
  HupoDeleteFromRecycleBin: changes(listed('by id', 'ResourceId')),
};

/** Who may see events sees those of every resource, so a policy for single resources does not allow it. */
const events: Record<string, AccessRule> = {
  HupoDescribeEvents: reads(all),
  HupoCreateEventSubscription: changes(all),
  HupoDescribeEventSubscriptions: reads(all),
  HupoDeleteEventSubscription: changes(all),
  HupoTestEventSubscription: changes(all),
};

const disks: Record<string, AccessRule> = {
  CreateDisk: changes(
    ...[any('disk'), each('snapshot', 'SnapshotId'), each('snapshotpolicy', 'AutoSnapshotPolicyId')],
    each('instance', 'InstanceId'),
  ),
  DescribeDisks: reads(listed('disk', 'DiskIds')),
  AttachDisk: changes(each('disk', 'DiskId'), each('instance', 'InstanceId')),
  DetachDisk: changes(each('disk', 'DiskId'), each('instance', 'InstanceId')),
  ResetDisk: changes(each('disk', 'DiskId'), each('snapshot', 'SnapshotId')),
  ResetDisks: changes(each('disk', 'Disk.N.DiskId'), each('snapshot', 'Disk.N.SnapshotId')),
  ReInitDisk: changes(each('disk', 'DiskId')),
  ResizeDisk: changes(each('disk', 'DiskId')),
  ModifyDiskAttribute: changes(each('disk', 'DiskId'), each('disk', 'DiskIds')),
  ModifyDiskSpec: changes(each('disk', 'DiskId')),
  ReplaceSystemDisk: changes(each('instance', 'InstanceId'), listed('image', 'ImageId')),
  DeleteDisk: changes(each('disk', 'DiskId')),
  DescribeDiskMonitorData: reads(each('disk', 'DiskId')),
  HupoBeginImport: changes(any('disk'), each('snapshotpolicy', 'AutoSnapshotPolicyId')),
  HupoCompleteImport: changes(each('disk', 'DiskId')),
};

const ofInstance = changes(each('instance', 'InstanceId'));

const instances: Record<string, AccessRule> = {
  RunInstances: newInstances,
  CreateInstance: newInstance,
  DescribeInstances: reads(listed('instance', 'InstanceIds')),
  DescribeInstanceStatus: reads(listed('instance', 'InstanceId')),
  DescribeInstanceAttribute: reads(each('instance', 'InstanceId')),
  DescribeUserData: reads(each('instance', 'InstanceId')),
  DescribeInstanceRamRole: reads(listed('instance', 'InstanceIds')),
  DescribeInstanceMaintenanceAttributes: reads(listed('instance', 'InstanceId')),
  DescribeInstanceAttachmentAttributes: reads(each('instance', 'InstanceIds')),
  DescribeInstanceHistoryEvents: reads(any('instance')),
  DescribeInstanceAutoRenewAttribute: reads(listed('instance', 'InstanceId')),
  ModifyInstanceAutoRenewAttribute: ofInstance,
  RenewInstance: ofInstance,
  ModifyInstanceChargeType: changes(each('instance', 'InstanceIds')),
  ModifyDiskChargeType: changes(each('instance', 'InstanceId'), each('disk', 'DiskIds')),
  ModifyInstanceAttribute: ofInstance,
  StartInstance: ofInstance,
  StartInstances: ofInstance,
  StopInstance: ofInstance,
  StopInstances: ofInstance,
  RebootInstance: ofInstance,
  RebootInstances: ofInstance,
  DeleteInstance: ofInstance,
  DeleteInstances: ofInstance,
  HupoLockInstance: ofInstance,
  HupoUnlockInstance: ofInstance,
  HupoLockAccount: changes(all),
  HupoUnlockAccount: changes(all),
  HupoDescribeAccount: reads(all),
};

const images: Record<string, AccessRule> = {
  DescribeImages: reads(listed('image', 'ImageId')),
  DescribeImageSupportInstanceTypes: reads(each('image', 'ImageId'), each('image', 'Filter')),
  DescribeImageFromFamily: reads(any('image')),
  DescribeImageSharePermission: reads(each('image', 'ImageId')),
  CreateImage: changes(
    ...[any('image'), each('instance', 'InstanceId')],
    ...[each('snapshot', 'SnapshotId'), each('snapshot', 'DiskDeviceMapping.N.SnapshotId')],
  ),
  ImportImage: changes(any('image')),
  ExportImage: changes(each('image', 'ImageId')),
  CopyImage: changes(each('image', 'ImageId'), any('image', 'DestinationRegionId')),
  CancelCopyImage: changes(each('image', 'ImageId')),
  ModifyImageAttribute: changes(each('image', 'ImageId')),
  ModifyImageSharePermission: changes(each('image', 'ImageId')),
  DeleteImage: changes(each('image', 'ImageId')),
};

const others: Record<string, AccessRule> = {
  DescribeRegions: reads(all),
  DescribeZones: reads(all),
  DescribeInstanceTypes: reads(all),
  DescribeAvailableResource: reads(all),
  DescribeKeyPairs: reads(all),
  DescribeVpcs: reads(all),
  DescribeVSwitches: reads(all),
  DescribeSecurityGroups: reads(any('securitygroup')),
  DescribeSecurityGroupAttribute: reads(each('securitygroup', 'SecurityGroupId')),
  DescribeNetworkInterfaces: reads(listed('eni', 'NetworkInterfaceId')),
  DescribeEipAddresses: reads(all),
  JoinResourceGroup: changes(typed()),
  TagResources: changes(typed()),
  UntagResources: changes(typed()),
  AddTags: changes(typed()),
  RemoveTags: changes(typed()),
  ListTagResources: reads(typedList),
  DescribeTags: reads(typedList),
  DescribeTasks: reads(all),
  DescribeTaskAttribute: reads(all),
  CancelTask: changes(all),
};

const ecs = { ...snapshots, ...policies, ...recycleBin, ...events, ...disks, ...instances, ...images, ...others };

const ofUser: Touch = { how: 'own', path: 'UserName' };
const user = each('user', 'UserName');
const role = each('role', 'RoleName');
const policy = each('policy', 'PolicyName');

const ram: Record<string, AccessRule> = {
  CreateUser: changes(any('user')),
  GetUser: reads(user),
  ListUsers: reads(any('user')),
  UpdateUser: changes(user),
  DeleteUser: changes(user),
  CreateAccessKey: changes(ofUser),
  ListAccessKeys: reads(ofUser),
  UpdateAccessKey: changes(ofUser),
  DeleteAccessKey: changes(ofUser),
  CreatePolicy: changes(any('policy')),
  GetPolicy: reads(policy),
  ListPolicies: reads(any('policy')),
  DeletePolicy: changes(policy),
  CreatePolicyVersion: changes(policy),
  GetPolicyVersion: reads(policy),
  ListPolicyVersions: reads(policy),
  DeletePolicyVersion: changes(policy),
  SetDefaultPolicyVersion: changes(policy),
  AttachPolicyToUser: changes(user, policy),
  DetachPolicyFromUser: changes(user, policy),
  ListPoliciesForUser: reads(user),
  ListEntitiesForPolicy: reads(policy),
  CreateRole: changes(any('role')),
  GetRole: reads(role),
  ListRoles: reads(any('role')),
  UpdateRole: changes(role),
  DeleteRole: changes(role),
  AttachPolicyToRole: changes(role, policy),
  DetachPolicyFromRole: changes(role, policy),
  ListPoliciesForRole: reads(role),
};

/** By the code that a service has in policies, and its action. */
const rules: Readonly<Record<string, Readonly<Record<string, AccessRule>>>> = {
  ecs,
  ram,
  sts: {
    AssumeRole: changes(each('role', 'RoleArn')),
    GetCallerIdentity: { ...reads(all), isFree: true },
  },
  actiontrail: { LookupEvents: reads(all) },
  bssapi: { QueryAvailableInstances: reads(all) },
};

export function findAccessRule(service: string, action: string): AccessRule | undefined {
  const ofService = Object.hasOwn(rules, service) ? rules[service] : undefined;
  return ofService !== undefined && Object.hasOwn(ofService, action) ? ofService[action] : undefined;
}

/** `ecs:CreateSnapshot` of all that have a rule. */
export function listRuledActions(): string[] {
  return Object.entries(rules).flatMap(([service, ofService]) =>
    Object.keys(ofService).map((action) => `${service}:${action}`),
  );
}
