/** RunInstances (`ecs-api.md` 2.4): makes and starts instances with their disks, all of them or none. */
import type { RunInstancesRequest } from '../../control/requests.ts';
import { defaultNetwork } from '../../ecs/default-network.ts';
import { findInstanceType, instanceTypes } from '../../ecs/instance-types.ts';
import { findDescriptionProblem, findHostNameProblem, findNameProblem, formatInstanceNames } from '../../ecs/names.ts';
import { RequestError } from '../../lib/errors.ts';
import { checkZone, defineAction, type Region } from '../action.ts';
import {
  boolean,
  integer,
  invalidParameter,
  repeated,
  required,
  text,
  withDefault,
  type Values,
} from '../parameters.ts';
import { clientToken, tags } from '../resource-parameters.ts';
import { dataDisksOf, dataDisksParameter, systemDiskOf, systemDiskParameter } from './run-instances-disks.ts';
import { unbuiltInstanceFeatures } from './run-instances-features.ts';

const parameters = {
  ImageId: required(text()),
  InstanceType: required(text()),
  ZoneId: text(),
  VSwitchId: text(),
  SecurityGroupId: text(),
  SecurityGroupIds: repeated(16),
  Amount: withDefault(integer({ least: 1, most: 100, code: 'InvalidMaxAmount.Malformed' }), 1),
  MinAmount: integer({ least: 1, most: 100, code: 'InvalidMinAmount.Malformed' }),
  InstanceName: text(),
  UniqueSuffix: withDefault(boolean(), false),
  HostName: text('InvalidHostName.Malformed', findHostNameProblem),
  Description: withDefault(text('InvalidDescription.Malformed', findDescriptionProblem), ''),
  SystemDisk: systemDiskParameter,
  DataDisk: dataDisksParameter,
  Tag: tags(),
  ClientToken: clientToken('InvalidClientToken.ValueNotSupported'),
  ...unbuiltInstanceFeatures,
};

type RunInstancesValues = Values<typeof parameters>;

export const runInstances = defineAction({
  name: 'RunInstances',
  parameters,
  run: async (values, { control, region, idempotency }) => {
    checkInstanceType(values.InstanceType);
    const zoneId = zoneOf(values, region);
    checkSecurityGroups(values, region, zoneId);
    const request: RunInstancesRequest = {
      zoneId,
      imageId: values.ImageId,
      instanceType: values.InstanceType,
      instanceNames: instanceNamesOf(values),
      hostName: values.HostName,
      description: values.Description,
      amount: values.Amount,
      systemDisk: systemDiskOf(values.SystemDisk),
      dataDisks: dataDisksOf(values.DataDisk),
      tags: values.Tag,
    };
    const { instanceIds } = await control.runInstances(request, idempotency(values.ClientToken));
    return { InstanceIdSets: { InstanceIdSet: instanceIds } };
  },
});

function checkInstanceType(instanceTypeId: string): void {
  if (findInstanceType(instanceTypeId) !== undefined) return;
  const offered = instanceTypes.map((type) => type.instanceTypeId).join(', ');
  const rule = `this service offers ${offered}: machines that you run yourself`;
  throw invalidParameter('InvalidInstanceType.ValueNotSupported', 'InstanceType', instanceTypeId, rule);
}

/** The zone that ZoneId or VSwitchId names, else the first. */
function zoneOf({ ZoneId, VSwitchId }: RunInstancesValues, region: Region): string {
  if (ZoneId !== null) checkZone(ZoneId, region);
  const candidates = region.zoneIds.filter((zoneId) => {
    return VSwitchId === null || defaultNetwork(region.regionId, zoneId).vSwitchId === VSwitchId;
  });
  const [first] = candidates;
  if (first === undefined) {
    const known = region.zoneIds.map((zoneId) => defaultNetwork(region.regionId, zoneId).vSwitchId).join(', ');
    throw invalidParameter(
      'InvalidVSwitchId.NotFound',
      'VSwitchId',
      VSwitchId ?? '',
      `leave it out or give one of ${known}`,
    );
  }
  if (ZoneId !== null && !candidates.includes(ZoneId)) {
    throw new RequestError(
      'InvalidParameter.Mismatch',
      `The vSwitch ${VSwitchId} is in the zone ${first}, not in ${ZoneId}; give one of the two.`,
    );
  }
  return ZoneId ?? first;
}

function checkSecurityGroups(values: RunInstancesValues, region: Region, zoneId: string): void {
  const { securityGroupId } = defaultNetwork(region.regionId, zoneId);
  const asked = [...(values.SecurityGroupId === null ? [] : [values.SecurityGroupId]), ...values.SecurityGroupIds];
  const unknown = asked.find((id) => id !== securityGroupId);
  if (unknown === undefined) return;
  throw invalidParameter(
    'InvalidSecurityGroupId.NotFound',
    'SecurityGroupId',
    unknown,
    `leave it out or give ${securityGroupId}`,
  );
}

/** A name for each instance, or null for its id. */
function instanceNamesOf({
  InstanceName,
  UniqueSuffix,
  HostName,
  Amount,
  MinAmount,
}: RunInstancesValues): (string | null)[] {
  if (MinAmount !== null && MinAmount > Amount) {
    throw invalidParameter(
      'InvalidMinAmount.Malformed',
      'MinAmount',
      String(MinAmount),
      `it must not be above Amount, ${Amount}`,
    );
  }
  if (UniqueSuffix && HostName !== null && Amount > 1) {
    throw new RequestError(
      'UnsupportedParameter',
      'The parameter "UniqueSuffix" cannot be used with HostName: host names get no suffix yet.',
    );
  }
  if (InstanceName === null) return Array.from({ length: Amount }, () => null);
  const names = formatInstanceNames(InstanceName, Amount, UniqueSuffix);
  for (const name of names) {
    const problem = findNameProblem(name);
    if (problem !== null) throw invalidParameter('InvalidInstanceName.Malformed', 'InstanceName', name, problem);
  }
  return names;
}
