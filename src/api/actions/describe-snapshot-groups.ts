/** DescribeSnapshotGroups (`ecs-api.md` 2.1): paged by token alone. */
import type { SnapshotGroupFilter } from '../../ecs/list-filters.ts';
import { allFieldsAreShown } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { finishDryRun, pagingParameters, tagFilters } from '../filters.ts';
import { invalidParameter, oneOfShape, repeated, text, type Parameter, type Values } from '../parameters.ts';
import { renderSnapshotGroup } from '../render/snapshot-group.ts';
import { dryRun } from '../resource-parameters.ts';

const STATUSES = ['progressing', 'accomplished', 'failed'] as const;
const { MaxResults, NextToken } = pagingParameters(100);

const parameters = {
  SnapshotGroupId: repeated(10),
  Name: text(),
  InstanceId: text(),
  Status: statuses(),
  Tag: tagFilters(),
  ResourceGroupId: text(),
  MaxResults,
  NextToken,
  AdditionalAttributes: allFieldsAreShown,
  DryRun: dryRun,
};

export const describeSnapshotGroups = defineAction({
  name: 'DescribeSnapshotGroups',
  parameters,
  run: async (values, { control }) => {
    finishDryRun(values.DryRun);
    const paging = { pageNumber: 1, pageSize: values.MaxResults ?? 10, nextToken: values.NextToken };
    const page = await control.listSnapshotGroups(filterOf(values), paging);
    return { NextToken: page.nextToken ?? '', SnapshotGroups: { SnapshotGroup: page.items.map(renderSnapshotGroup) } };
  },
});

function filterOf(values: Values<typeof parameters>): SnapshotGroupFilter {
  return {
    ...(values.SnapshotGroupId.length > 0 && { groupIds: values.SnapshotGroupId }),
    ...(values.Name !== null && { groupName: values.Name }),
    ...(values.InstanceId !== null && { instanceId: values.InstanceId }),
    ...(values.ResourceGroupId !== null && { resourceGroupId: values.ResourceGroupId }),
    ...(values.Status.length > 0 && { statuses: values.Status }),
    ...(values.Tag.length > 0 && { tags: values.Tag }),
  };
}

/** `Status.N`: one of them. */
function statuses(): Parameter<(typeof STATUSES)[number][]> {
  const list = repeated(STATUSES.length, 'InvalidStatus.ValueNotSupported');
  return {
    ...list,
    shape: oneOfShape(STATUSES),
    accepts: STATUSES,
    read: (set, name) =>
      list.read(set, name).map((value) => {
        const status = STATUSES.find((word) => word === value.toLowerCase());
        if (status !== undefined) return status;
        throw invalidParameter('InvalidStatus.ValueNotSupported', name, value, `it must be ${oneOfShape(STATUSES)}`);
      }),
  };
}
