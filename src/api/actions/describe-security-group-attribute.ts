/** DescribeSecurityGroupAttribute: the rules of the one group. Nothing is filtered here, and so they say. */
import { DEFAULT_GROUP, defaultNetwork, type Direction } from '../../ecs/default-network.ts';
import { defineAction } from '../action.ts';
import { pagingParameters } from '../filters.ts';
import { networkCreationTime } from '../network.ts';
import { oneOf, required, text, withDefault } from '../parameters.ts';
import { checkSecurityGroups } from '../resource-parameters.ts';

const { MaxResults } = pagingParameters(1000);

export const describeSecurityGroupAttribute = defineAction({
  name: 'DescribeSecurityGroupAttribute',
  parameters: {
    SecurityGroupId: required(text()),
    Direction: withDefault(oneOf(['all', ...DEFAULT_GROUP.directions], 'InvalidParamter'), 'all'),
    NicType: oneOf(['intranet', 'internet'], 'InvalidNicType.ValueNotSupported'),
    MaxResults,
    NextToken: text('InvalidParameter', () => 'all rules fit one page, no answer gave a token'),
  },
  run: async (values, { control, region }) => {
    checkSecurityGroups('SecurityGroupId', [values.SecurityGroupId], region);
    const creationTime = await networkCreationTime(control);
    const wanted = DEFAULT_GROUP.directions.filter((one) => values.Direction === 'all' || values.Direction === one);
    return {
      SecurityGroupId: values.SecurityGroupId,
      SecurityGroupName: DEFAULT_GROUP.name,
      Description: DEFAULT_GROUP.description,
      RegionId: region.regionId,
      VpcId: defaultNetwork(region.regionId, region.zoneIds[0] ?? '').vpcId,
      InnerAccessPolicy: 'Accept',
      Permissions: { Permission: wanted.map((direction) => renderRule(direction, creationTime)) },
      SnapshotPolicyIds: { SnapshotPolicyId: [] },
      NextToken: '',
    };
  },
});

/** From anywhere, or to anywhere; the fields of the other side are blank. */
function renderRule(direction: Direction, creationTime: string): object {
  const isIngress = direction === 'ingress';
  return {
    SecurityGroupRuleId: `sgr-default-${direction}`,
    Direction: direction,
    Policy: 'Accept',
    IpProtocol: 'ALL',
    PortRange: '-1/-1',
    SourcePortRange: '',
    Priority: '1',
    NicType: 'intranet',
    Description: '',
    CreateTime: creationTime,
    SourceCidrIp: isIngress ? '0.0.0.0/0' : '',
    DestCidrIp: isIngress ? '' : '0.0.0.0/0',
    ...blankFields('Source'),
    ...blankFields('Dest'),
    PortRangeListId: '',
    PortRangeListName: '',
  };
}

function blankFields(side: 'Source' | 'Dest'): object {
  const names = ['GroupId', 'GroupName', 'GroupOwnerAccount', 'PrefixListId', 'PrefixListName'];
  return Object.fromEntries([`Ipv6${side}CidrIp`, ...names.map((name) => side + name)].map((name) => [name, '']));
}
