/** Cases of the actions about the network and about attributes that instances do not have here. */
import { elsewhere, numbered, type ErrorCases } from './case.ts';

export const networkCases: ErrorCases = {
  DescribeAvailableResource: {
    'Invalid.DestinationResource': { DestinationResource: 'Moon' },
    'Invalid.InstanceChargeType': { InstanceChargeType: 'Barter' },
    'Invalid.IoOptimized': { IoOptimized: 'perhaps' },
    'Invalid.NetworkCategory': { NetworkCategory: 'string' },
    'Invalid.Param': { DestinationResource: '' },
    'Invalid.ResourceType': { ResourceType: 'moon' },
    'Invalid.SpotStrategy': { SpotStrategy: 'SpotTheDog' },
    'InvalidDedicatedHostId.NotFound': { DedicatedHostId: 'dh-none' },
    'InvalidParam.Cores': { Cores: '2' },
    'InvalidParam.Memory': { Memory: '8' },
    'InvalidParam.TypeAndCpuMem.Conflict': { DestinationResource: 'InstanceType', Cores: '2' },
    'InvalidRegionId.NotFound': elsewhere,
  },
  DescribeInstanceRamRole: {
    'InvalidInstanceId.NotFound': { InstanceIds: '["i-none"]' },
    'InvalidInstanceIds.Malformed': { InstanceIds: 'i-none' },
    'InvalidParameter.AllEmpty': { InstanceIds: '' },
  },
  DescribeInstanceMaintenanceAttributes: {
    InstanceIdLimitExceeded: numbered('InstanceId', 101, (at) => ({ [at]: `i-${at}` })),
    'InvalidInstanceId.NotFound': ({ running }) => ({ 'InstanceId.1': running, 'InstanceId.2': 'i-none' }),
    InvalidParameter: { PageSize: '101' },
  },
  DescribeInstanceAttachmentAttributes: { 'InvalidInstanceIds.NotFound': { InstanceIds: '["i-none"]' } },
  DescribeInstanceHistoryEvents: { InvalidParameter: { PageSize: '101' } },
  DescribeImageSupportInstanceTypes: {
    InvalidParamter: { ImageId: '', 'Filter.1.Key': 'colour', 'Filter.1.Value': 'red' },
  },
  DescribeSecurityGroupAttribute: {
    'InvalidNicType.ValueNotSupported': { NicType: 'wireless' },
    InvalidParamter: { Direction: 'upwards' },
    'InvalidRegionId.NotFound': elsewhere,
    'InvalidSecurityGroupId.NotFound': { SecurityGroupId: 'sg-none' },
  },
  DescribeNetworkInterfaces: { InvalidParameter: { PrimaryIpAddress: '300.1.1.1' } },
};
