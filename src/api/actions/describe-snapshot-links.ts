/** DescribeSnapshotLinks (`ecs-api.md` 2.1): the chains of snapshots, one a disk, also of disks that are deleted. */
import { diskOfSnapshotLink, snapshotLinkId } from '../../ecs/ids.ts';
import type { SnapshotChain } from '../../ecs/resources.ts';
import { defineAction } from '../action.ts';
import { emptyPage, pageFields, pagingOf, pagingParameters } from '../filters.ts';
import { jsonList, text } from '../parameters.ts';

export const describeSnapshotLinks = defineAction({
  name: 'DescribeSnapshotLinks',
  parameters: {
    ...pagingParameters(100),
    DiskIds: jsonList('InvalidDiskIds'),
    SnapshotLinkIds: jsonList('InvalidSnapshotLinkIds'),
    InstanceId: text(),
  },
  run: async (values, { control, region }) => {
    const paging = pagingOf(values);
    const ofLinks = values.SnapshotLinkIds?.flatMap((linkId) => diskOfSnapshotLink(linkId) ?? []) ?? null;
    const diskIds = ofLinks === null ? values.DiskIds : ofLinks.filter((id) => values.DiskIds?.includes(id) ?? true);
    const filter = {
      ...(diskIds !== null && { diskIds }),
      ...(values.InstanceId !== null && { instanceId: values.InstanceId }),
    };
    const page = diskIds?.length === 0 ? emptyPage : await control.listSnapshotChains(filter, paging);
    const links = page.items.map((chain) => renderLink(chain, region.regionId));
    return { ...pageFields(paging, page), SnapshotLinks: { SnapshotLink: links } };
  },
});

/** `UncountedCount` is an extension: what of `TotalCount` is not in `TotalSize`. */
function renderLink(chain: SnapshotChain, regionId: string): object {
  const { diskId, totals } = chain;
  return {
    SnapshotLinkId: snapshotLinkId(diskId),
    RegionId: regionId,
    SourceDiskId: diskId,
    SourceDiskName: chain.diskName ?? '',
    SourceDiskSize: chain.diskSizeGib,
    SourceDiskType: chain.diskType,
    InstanceId: chain.instanceId ?? '',
    InstanceName: chain.instanceName ?? '',
    Category: 'standard',
    InstantAccess: false,
    TotalCount: totals.snapshotCount,
    TotalSize: totals.sizeBytes,
    UncountedCount: totals.uncountedCount,
  };
}
