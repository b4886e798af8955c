/** DescribeSecurityGroups: the one group, in which every instance is. */
import { DEFAULT_GROUP, defaultNetwork } from '../../ecs/default-network.ts';
import { notPublic } from '../absent-features.ts';
import { DEFAULT_RESOURCE_GROUP_ID } from '../../ecs/resource-groups.ts';
import { defineAction } from '../action.ts';
import {
  constantFilter,
  emptyPage,
  finishDryRun,
  matchesNothing,
  noneHas,
  pageFields,
  pageOf,
  pagingOf,
  pagingParameters,
} from '../filters.ts';
import { countInstances, networkCreationTime } from '../network.ts';
import { boolean, jsonList, text, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const describeSecurityGroups = defineAction({
  name: 'DescribeSecurityGroups',
  parameters: {
    ...pagingParameters(100),
    NextToken: text('InvalidParameter', () => 'the group fits one page, no answer gave a token'),
    SecurityGroupId: text(),
    SecurityGroupIds: jsonList(),
    SecurityGroupName: text(),
    VpcId: text(),
    NetworkType: constantFilter({ all: ['vpc'], none: ['classic'], code: 'InvalidParameter' }),
    SecurityGroupType: constantFilter({ all: ['normal'], none: ['enterprise'], code: 'InvalidParameter' }),
    ServiceManaged: constantFilter({ all: ['false'], none: ['true'], code: 'InvalidParameter' }),
    ResourceGroupId: constantFilter({ all: [DEFAULT_RESOURCE_GROUP_ID] }),
    Tag: noneHas(['.N.Key', '.N.Value']),
    IsQueryEcsCount: withDefault(boolean(), false),
    FuzzyQuery: notPublic,
    DryRun: dryRun,
  },
  run: async (values, { control, region: { regionId, zoneIds } }) => {
    const paging = pagingOf(values);
    finishDryRun(values.DryRun);
    const { securityGroupId, vpcId } = defaultNetwork(regionId, zoneIds[0] ?? '');
    const isWanted =
      !matchesNothing(values) &&
      (values.SecurityGroupId ?? securityGroupId) === securityGroupId &&
      (values.SecurityGroupIds?.includes(securityGroupId) ?? true) &&
      (values.SecurityGroupName ?? DEFAULT_GROUP.name) === DEFAULT_GROUP.name &&
      (values.VpcId ?? vpcId) === vpcId;
    const group = {
      SecurityGroupId: securityGroupId,
      SecurityGroupName: DEFAULT_GROUP.name,
      SecurityGroupType: 'normal',
      Description: DEFAULT_GROUP.description,
      VpcId: vpcId,
      CreationTime: await networkCreationTime(control),
      ResourceGroupId: DEFAULT_RESOURCE_GROUP_ID,
      RuleCount: DEFAULT_GROUP.directions.length,
      GroupToGroupRuleCount: 0,
      ServiceManaged: false,
      Tags: { Tag: [] },
      ...(values.IsQueryEcsCount && { EcsCount: await countInstances(control) }),
    };
    const page = isWanted ? pageOf([group], paging) : emptyPage;
    return { ...pageFields(paging, page), RegionId: regionId, SecurityGroups: { SecurityGroup: page.items } };
  },
});
