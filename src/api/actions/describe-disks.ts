/** DescribeDisks (`ecs-api.md` 2.3). */
import { isKnownCategory } from '../../ecs/disk-categories.ts';
import { chargeTypes } from '../../ecs/subscription.ts';
import type { DiskFilter } from '../../ecs/list-filters.ts';
import { checkZone, defineAction } from '../action.ts';
import {
  constantFilter,
  emptyPage,
  finishDryRun,
  matchesNothing,
  noneHas,
  pageFields,
  pagingOf,
  pagingParameters,
  resourceFilterOf,
  tagFilters,
  timeFilters,
} from '../filters.ts';
import { boolean, jsonList, noEffect, oneOf, text, type Values } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';
import { renderDisk } from '../render/disk.ts';

const STATUSES = ['All', 'Creating', 'Available', 'Attaching', 'In_use', 'Detaching', 'ReIniting'] as const;

const parameters = {
  ...pagingParameters(500),
  DiskIds: jsonList('InvalidDiskIds.Malformed'),
  InstanceId: text(),
  ZoneId: text(),
  DiskName: text(),
  Category: text('InvalidCategory.ValueNotSupported', (value) =>
    value.toLowerCase() === 'all' || isKnownCategory(value) ? null : 'it must be a disk category or all',
  ),
  DiskType: oneOf(['all', 'system', 'data'], 'InvalidDiskType.ValueNotSupported'),
  Status: oneOf(STATUSES, 'InvalidStatus.ValueNotSupported'),
  SnapshotId: text(),
  Portable: boolean(),
  DeleteWithInstance: boolean(),
  DeleteAutoSnapshot: boolean(),
  EnableAutoSnapshot: boolean(),
  DiskChargeType: oneOf(chargeTypes, 'InvalidDiskChargeType.NotFound'),
  MultiAttach: constantFilter({
    all: ['Disabled'],
    none: ['Enabled', 'LegacyShared'],
    code: 'InvalidParameter.MultiAttach',
  }),
  LockReason: oneOf(['financial', 'security'], 'InvalidLockReason.NotFound'),
  Encrypted: constantFilter({ all: ['false'], none: ['true'], code: 'InvalidParameter' }),
  EnableShared: constantFilter({ all: ['false'], none: ['true'], code: 'InvalidParameter' }),
  EnableAutomatedSnapshotPolicy: boolean(),
  AutoSnapshotPolicyId: text(),
  KMSKeyId: noneHas(),
  ResourceGroupId: text(),
  AdditionalAttributes: noEffect('asks for fields: Placement is always shown, and IOPS where disks are limited'),
  Filter: timeFilters(['CreationStartTime', 'CreationEndTime']),
  Tag: tagFilters(),
  DryRun: dryRun,
};

export const describeDisks = defineAction({
  name: 'DescribeDisks',
  parameters,
  run: async (values, { control, region }) => {
    const paging = pagingOf(values);
    if (values.ZoneId !== null) checkZone(values.ZoneId, region);
    finishDryRun(values.DryRun);
    const isEmpty = matchesNothing(values) || values.DiskIds?.length === 0;
    const page = isEmpty ? emptyPage : await control.listDisks(filterOf(values), paging);
    const disks = page.items.map((disk) => renderDisk(disk, region.regionId));
    return { ...pageFields(paging, page), Disks: { Disk: disks } };
  },
});

function filterOf(values: Values<typeof parameters>): DiskFilter {
  return {
    ...resourceFilterOf(values),
    ...(values.DiskIds !== null && { diskIds: values.DiskIds }),
    ...(values.InstanceId !== null && { instanceId: values.InstanceId }),
    ...(values.ZoneId !== null && { zoneId: values.ZoneId }),
    ...(values.DiskName !== null && { diskName: values.DiskName }),
    ...(values.Category !== null && values.Category.toLowerCase() !== 'all' && { category: values.Category }),
    ...(values.DiskType !== null && values.DiskType !== 'all' && { type: values.DiskType }),
    ...(values.Status !== null && values.Status !== 'All' && { status: values.Status }),
    ...(values.LockReason !== null && { lockReason: values.LockReason }),
    ...(values.SnapshotId !== null && { sourceSnapshotId: values.SnapshotId }),
    ...(values.DiskChargeType !== null && { chargeType: values.DiskChargeType }),
    ...(values.Portable !== null && { portable: values.Portable }),
    ...(values.DeleteWithInstance !== null && { deleteWithInstance: values.DeleteWithInstance }),
    ...(values.DeleteAutoSnapshot !== null && { deleteAutoSnapshot: values.DeleteAutoSnapshot }),
    ...(values.AutoSnapshotPolicyId !== null && { policyId: values.AutoSnapshotPolicyId }),
    ...(values.EnableAutomatedSnapshotPolicy !== null && { hasPolicy: values.EnableAutomatedSnapshotPolicy }),
    ...(values.EnableAutoSnapshot !== null && { enableAutoSnapshot: values.EnableAutoSnapshot }),
  };
}
