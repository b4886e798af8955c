/** What CreateInstance and RunInstances have in common (`ecs-api.md` 2.4): their parameters, and the request they become. */
import type { RunInstancesRequest } from '../../control/requests.ts';
import { defaultNetwork } from '../../ecs/default-network.ts';
import { findInstanceType, instanceTypes } from '../../ecs/instance-types.ts';
import { findHostNameProblem, findNameProblem, formatInstanceNames } from '../../ecs/names.ts';
import { RequestError } from '../../lib/errors.ts';
import { checkZone, type Region } from '../action.ts';
import { boolean, invalidParameter, required, text, withDefault, type Values } from '../parameters.ts';
import {
  checkSecurityGroups,
  clientToken,
  description,
  dryRun,
  resourceGroup,
  tags,
  userData,
} from '../resource-parameters.ts';
import { newSubscriptionParameters, subscriptionOf } from '../subscription-parameters.ts';
import { dataDisksOf, systemDiskOf, type DiskValues } from './run-instances-disks.ts';
import { unbuiltInstanceFeatures } from './run-instances-features.ts';

export const newInstanceParameters = {
  ImageId: text(),
  ImageFamily: text(),
  InstanceType: required(text()),
  ZoneId: text(),
  VSwitchId: text(),
  SecurityGroupId: text(),
  InstanceName: text(),
  HostName: text(),
  Description: withDefault(description, ''),
  DeletionProtection: withDefault(boolean(), false),
  UserData: userData,
  ResourceGroupId: resourceGroup,
  Tag: tags(),
  ClientToken: clientToken('InvalidClientToken.ValueNotSupported'),
  DryRun: dryRun,
  ...newSubscriptionParameters,
  ...unbuiltInstanceFeatures,
};

type NewInstanceValues = Values<typeof newInstanceParameters> & DiskValues;

/** What only RunInstances can ask for. */
export interface Several {
  amount: number;
  uniqueSuffix: boolean;
  /** `HostNames.N`. */
  hostNames: string[];
  /** `SecurityGroupIds.N`. */
  securityGroupIds: string[];
  start: boolean;
}

export function newInstancesOf(values: NewInstanceValues, region: Region, several: Several): RunInstancesRequest {
  checkInstanceType(values.InstanceType);
  const zoneId = zoneOf(values, region);
  checkSecurityGroups('SecurityGroupId', securityGroupsOf(values, several), region);
  return {
    zoneId,
    ...imageOf(values),
    instanceType: values.InstanceType,
    instanceNames: instanceNamesOf(values, several),
    hostNames: hostNamesOf(values, several),
    description: values.Description,
    amount: several.amount,
    systemDisk: systemDiskOf(values.SystemDisk),
    dataDisks: dataDisksOf(values.DataDisk),
    deletionProtection: values.DeletionProtection,
    userData: values.UserData,
    resourceGroupId: values.ResourceGroupId,
    start: several.start,
    tags: values.Tag,
    subscription: subscriptionOf(values),
  };
}

function imageOf({ ImageId: imageId, ImageFamily: imageFamily }: NewInstanceValues) {
  if (imageId !== null && imageFamily !== null) throw bothGiven('ImageId', 'ImageFamily');
  if (imageId !== null || imageFamily !== null) return { imageId, imageFamily };
  throw new RequestError(
    'MissingParameter',
    'The input parameter "ImageId" that is mandatory for processing this request is not supplied; ImageFamily can stand for it.',
  );
}

function checkInstanceType(instanceTypeId: string): void {
  if (findInstanceType(instanceTypeId) !== undefined) return;
  const offered = instanceTypes.map((type) => type.instanceTypeId).join(', ');
  const rule = `this service offers ${offered}: machines that you run yourself`;
  throw invalidParameter('InvalidInstanceType.ValueNotSupported', 'InstanceType', instanceTypeId, rule);
}

/** The zone that ZoneId or VSwitchId names, else the first. */
function zoneOf({ ZoneId, VSwitchId }: NewInstanceValues, region: Region): string {
  if (ZoneId !== null) checkZone(ZoneId, region);
  const candidates = region.zoneIds.filter((zoneId) => {
    return VSwitchId === null || defaultNetwork(region.regionId, zoneId).vSwitchId === VSwitchId;
  });
  const [first] = candidates;
  if (first === undefined) {
    const known = region.zoneIds.map((zoneId) => defaultNetwork(region.regionId, zoneId).vSwitchId).join(', ');
    const rule = `leave it out or give one of ${known}`;
    throw invalidParameter('InvalidVSwitchId.NotFound', 'VSwitchId', VSwitchId ?? '', rule);
  }
  if (ZoneId !== null && !candidates.includes(ZoneId)) {
    throw new RequestError(
      'InvalidParameter.Mismatch',
      `The vSwitch ${VSwitchId} is in the zone ${first}, not in ${ZoneId}; give one of the two.`,
    );
  }
  return ZoneId ?? first;
}

function securityGroupsOf({ SecurityGroupId: one }: NewInstanceValues, { securityGroupIds }: Several): string[] {
  if (one === null) return securityGroupIds;
  if (securityGroupIds.length > 0) throw bothGiven('SecurityGroupId', 'SecurityGroupIds.N');
  return [one];
}

/** A name for each instance, or null for its id. */
function instanceNamesOf({ InstanceName }: NewInstanceValues, { amount, uniqueSuffix }: Several): (string | null)[] {
  if (InstanceName === null) return Array.from({ length: amount }, () => null);
  const names = formatInstanceNames(InstanceName, amount, uniqueSuffix);
  for (const name of names) {
    const problem = findNameProblem(name);
    if (problem !== null) throw invalidParameter('InvalidInstanceName.Malformed', 'InstanceName', name, problem);
  }
  return names;
}

/** `HostNames.N` one by one, or HostName for all, counted as instance names are; null for one made from the id. */
function hostNamesOf({ HostName }: NewInstanceValues, several: Several): (string | null)[] {
  const { amount, uniqueSuffix, hostNames } = several;
  if (HostName !== null && hostNames.length > 0) throw bothGiven('HostName', 'HostNames.N');
  if (hostNames.length > amount) {
    throw new RequestError(
      'InvalidHostName.Malformed',
      `The parameter "HostNames.N" has ${hostNames.length} values for ${amount} instances.`,
    );
  }
  const names = HostName === null ? hostNames : formatInstanceNames(HostName, amount, uniqueSuffix);
  for (const name of names) {
    const problem = findHostNameProblem(name);
    if (problem !== null) throw invalidParameter('InvalidHostName.Malformed', 'HostName', name, problem);
  }
  return Array.from({ length: amount }, (_, index) => names[index] ?? null);
}

/** They are documented as excluding each other, even where they say the same. */
function bothGiven(name: string, other: string): RequestError {
  return new RequestError('InvalidParameter.Conflict', `${name} and ${other} are both given: give one of the two.`);
}
