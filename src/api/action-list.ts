/** Every action that is built. */
import type { Action } from './action.ts';
import { applyAutoSnapshotPolicy } from './actions/apply-auto-snapshot-policy.ts';
import { approveRetention } from './actions/approve-retention.ts';
import { cancelAutoSnapshotPolicy } from './actions/cancel-auto-snapshot-policy.ts';
import { createAutoSnapshotPolicy } from './actions/create-auto-snapshot-policy.ts';
import { deleteAutoSnapshotPolicy } from './actions/delete-auto-snapshot-policy.ts';
import { describeAutoSnapshotPolicyAssociations } from './actions/describe-auto-snapshot-policy-associations.ts';
import { describeAutoSnapshotPolicyEx } from './actions/describe-auto-snapshot-policy-ex.ts';
import { describeSnapshotCost } from './actions/describe-snapshot-cost.ts';
import { describePolicyRuns } from './actions/describe-policy-runs.ts';
import { modifyAutoSnapshotPolicyEx } from './actions/modify-auto-snapshot-policy-ex.ts';
import { previewPolicy } from './actions/preview-policy.ts';
import { addTags } from './actions/add-tags.ts';
import { attachDisk } from './actions/attach-disk.ts';
import { beginImport } from './actions/begin-import.ts';
import { cancelCopyImage } from './actions/cancel-copy-image.ts';
import { cancelTask } from './actions/cancel-task.ts';
import { completeImport } from './actions/complete-import.ts';
import { copyImage } from './actions/copy-image.ts';
import { copySnapshot } from './actions/copy-snapshot.ts';
import { createDisk } from './actions/create-disk.ts';
import { createImage } from './actions/create-image.ts';
import { createInstance } from './actions/create-instance.ts';
import { createSnapshotGroup } from './actions/create-snapshot-group.ts';
import { createSnapshot } from './actions/create-snapshot.ts';
import { deleteDisk } from './actions/delete-disk.ts';
import { deleteFromRecycleBin } from './actions/delete-from-recycle-bin.ts';
import { deleteImage } from './actions/delete-image.ts';
import { deleteInstance } from './actions/delete-instance.ts';
import { deleteInstances } from './actions/delete-instances.ts';
import { deleteSnapshotGroup } from './actions/delete-snapshot-group.ts';
import { deleteSnapshot } from './actions/delete-snapshot.ts';
import { describeDiskMonitorData } from './actions/describe-disk-monitor-data.ts';
import { describeAvailableResource } from './actions/describe-available-resource.ts';
import { describeDisks } from './actions/describe-disks.ts';
import { describeEipAddresses } from './actions/describe-eip-addresses.ts';
import { describeImageSupportInstanceTypes } from './actions/describe-image-support-instance-types.ts';
import { describeImageFromFamily } from './actions/describe-image-from-family.ts';
import { describeImageSharePermission } from './actions/describe-image-share-permission.ts';
import { describeImages } from './actions/describe-images.ts';
import { describeInstanceAttachmentAttributes } from './actions/describe-instance-attachment-attributes.ts';
import { describeInstanceAttribute } from './actions/describe-instance-attribute.ts';
import { describeInstanceAutoRenewAttribute } from './actions/describe-instance-auto-renew-attribute.ts';
import { describeInstanceHistoryEvents } from './actions/describe-instance-history-events.ts';
import { describeInstanceMaintenanceAttributes } from './actions/describe-instance-maintenance-attributes.ts';
import { describeInstanceRamRole } from './actions/describe-instance-ram-role.ts';
import { describeInstanceStatus } from './actions/describe-instance-status.ts';
import { describeInstanceTypes } from './actions/describe-instance-types.ts';
import { describeInstances } from './actions/describe-instances.ts';
import { describeLockedSnapshots } from './actions/describe-locked-snapshots.ts';
import { describeRecycleBin } from './actions/describe-recycle-bin.ts';
import { describeRegions } from './actions/describe-regions.ts';
import { describeSnapshotGroups } from './actions/describe-snapshot-groups.ts';
import { describeSnapshotLinks } from './actions/describe-snapshot-links.ts';
import { describeSnapshotMonitorData } from './actions/describe-snapshot-monitor-data.ts';
import { describeSnapshotPackage } from './actions/describe-snapshot-package.ts';
import { describeSnapshotsUsage } from './actions/describe-snapshots-usage.ts';
import { describeKeyPairs } from './actions/describe-key-pairs.ts';
import { describeNetworkInterfaces } from './actions/describe-network-interfaces.ts';
import { describeSecurityGroupAttribute } from './actions/describe-security-group-attribute.ts';
import { describeSecurityGroups } from './actions/describe-security-groups.ts';
import { describeSnapshots } from './actions/describe-snapshots.ts';
import { describeTags } from './actions/describe-tags.ts';
import { describeUserData } from './actions/describe-user-data.ts';
import { describeVSwitches } from './actions/describe-v-switches.ts';
import { describeVpcs } from './actions/describe-vpcs.ts';
import { describeTaskAttribute } from './actions/describe-task-attribute.ts';
import { describeTasks } from './actions/describe-tasks.ts';
import { describeZones } from './actions/describe-zones.ts';
import { detachDisk } from './actions/detach-disk.ts';
import { joinResourceGroup } from './actions/join-resource-group.ts';
import { exportImage } from './actions/export-image.ts';
import { exportSnapshot } from './actions/export-snapshot.ts';
import { importImage } from './actions/import-image.ts';
import { listTagResources } from './actions/list-tag-resources.ts';
import { renewInstance } from './actions/renew-instance.ts';
import { modifyInstanceChargeType } from './actions/modify-instance-charge-type.ts';
import { modifyDiskChargeType } from './actions/modify-disk-charge-type.ts';
import { modifyInstanceAutoRenewAttribute } from './actions/modify-instance-auto-renew-attribute.ts';
import { describeAccount, lockAccount, unlockAccount } from './actions/lock-account.ts';
import { lockInstance, unlockInstance } from './actions/lock-instance.ts';
import { lockSnapshot } from './actions/lock-snapshot.ts';
import { modifyDiskAttribute } from './actions/modify-disk-attribute.ts';
import { modifyDiskSpec } from './actions/modify-disk-spec.ts';
import { modifyImageAttribute } from './actions/modify-image-attribute.ts';
import { modifyImageSharePermission } from './actions/modify-image-share-permission.ts';
import { modifyInstanceAttribute } from './actions/modify-instance-attribute.ts';
import { modifySnapshotGroup } from './actions/modify-snapshot-group.ts';
import { modifySnapshotAttribute } from './actions/modify-snapshot-attribute.ts';
import { openSnapshotService } from './actions/open-snapshot-service.ts';
import { modifySnapshotCategory } from './actions/modify-snapshot-category.ts';
import { rebootInstance } from './actions/reboot-instance.ts';
import { rebootInstances } from './actions/reboot-instances.ts';
import { reInitDisk } from './actions/reinit-disk.ts';
import { removeTags } from './actions/remove-tags.ts';
import { replaceSystemDisk } from './actions/replace-system-disk.ts';
import { restoreFromRecycleBin } from './actions/restore-from-recycle-bin.ts';
import { resetDisk } from './actions/reset-disk.ts';
import { resetDisks } from './actions/reset-disks.ts';
import { resizeDisk } from './actions/resize-disk.ts';
import { runInstances } from './actions/run-instances.ts';
import { startInstance } from './actions/start-instance.ts';
import { startInstances } from './actions/start-instances.ts';
import { stopInstance } from './actions/stop-instance.ts';
import { stopInstances } from './actions/stop-instances.ts';
import { tagResources } from './actions/tag-resources.ts';
import { unlockSnapshot } from './actions/unlock-snapshot.ts';
import { createEventSubscription } from './actions/create-event-subscription.ts';
import { deleteEventSubscription } from './actions/delete-event-subscription.ts';
import { describeEventSubscriptions } from './actions/describe-event-subscriptions.ts';
import { describeEvents } from './actions/describe-events.ts';
import { testEventSubscription } from './actions/test-event-subscription.ts';
import { untagResources } from './actions/untag-resources.ts';

export const actions: readonly Action[] = [
  describeRegions,
  describeZones,
  describeInstanceTypes,
  describeAvailableResource,
  describeImages,
  describeImageSupportInstanceTypes,
  describeImageFromFamily,
  createImage,
  importImage,
  modifyImageAttribute,
  modifyImageSharePermission,
  describeImageSharePermission,
  deleteImage,
  exportImage,
  copyImage,
  cancelCopyImage,
  createInstance,
  runInstances,
  describeInstances,
  describeInstanceStatus,
  describeInstanceAttribute,
  modifyInstanceAttribute,
  startInstance,
  startInstances,
  stopInstance,
  stopInstances,
  rebootInstance,
  rebootInstances,
  deleteInstance,
  deleteInstances,
  describeUserData,
  describeInstanceRamRole,
  describeInstanceMaintenanceAttributes,
  describeInstanceAttachmentAttributes,
  describeInstanceHistoryEvents,
  describeInstanceAutoRenewAttribute,
  modifyInstanceAutoRenewAttribute,
  renewInstance,
  modifyInstanceChargeType,
  modifyDiskChargeType,
  describeKeyPairs,
  describeVpcs,
  describeVSwitches,
  describeSecurityGroups,
  describeSecurityGroupAttribute,
  describeNetworkInterfaces,
  describeEipAddresses,
  createDisk,
  describeDisks,
  attachDisk,
  detachDisk,
  resizeDisk,
  modifyDiskAttribute,
  modifyDiskSpec,
  resetDisk,
  resetDisks,
  reInitDisk,
  replaceSystemDisk,
  deleteDisk,
  describeDiskMonitorData,
  createSnapshot,
  describeSnapshots,
  modifySnapshotAttribute,
  modifySnapshotCategory,
  copySnapshot,
  exportSnapshot,
  deleteSnapshot,
  createSnapshotGroup,
  describeSnapshotGroups,
  modifySnapshotGroup,
  deleteSnapshotGroup,
  lockSnapshot,
  unlockSnapshot,
  describeLockedSnapshots,
  describeSnapshotLinks,
  describeSnapshotsUsage,
  describeSnapshotMonitorData,
  describeSnapshotPackage,
  openSnapshotService,
  joinResourceGroup,
  tagResources,
  untagResources,
  listTagResources,
  addTags,
  removeTags,
  describeTags,
  describeTasks,
  describeTaskAttribute,
  cancelTask,
  createAutoSnapshotPolicy,
  modifyAutoSnapshotPolicyEx,
  deleteAutoSnapshotPolicy,
  describeAutoSnapshotPolicyEx,
  applyAutoSnapshotPolicy,
  cancelAutoSnapshotPolicy,
  describeAutoSnapshotPolicyAssociations,
  describePolicyRuns,
  previewPolicy,
  approveRetention,
  describeRecycleBin,
  restoreFromRecycleBin,
  deleteFromRecycleBin,
  lockInstance,
  unlockInstance,
  lockAccount,
  unlockAccount,
  describeAccount,
  describeEvents,
  createEventSubscription,
  describeEventSubscriptions,
  deleteEventSubscription,
  testEventSubscription,
  describeSnapshotCost,
  beginImport,
  completeImport,
];

const byName: ReadonlyMap<string, Action> = new Map(actions.map((action) => [action.name, action]));

export function findAction(name: string): Action | undefined {
  return byName.get(name);
}
