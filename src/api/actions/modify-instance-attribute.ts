/** ModifyInstanceAttribute (`ecs-api.md` 2.4). */
import { defaultNetwork } from '../../ecs/default-network.ts';
import { findDescriptionProblem, findHostNameProblem, findNameProblem } from '../../ecs/names.ts';
import type { ModifyInstanceRequest } from '../../control/requests.ts';
import { defineAction, type Region } from '../action.ts';
import { boolean, invalidParameter, noEffect, notBuilt, repeated, required, text, type Values } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

const USERS_MACHINE = 'the machine is run by its user, who decides this';
const NOT_PUBLIC = 'not public; the documentation says to ignore it';

const parameters = {
  InstanceId: required(text()),
  InstanceName: text('InvalidInstanceName.Malformed', findNameProblem),
  Description: text('InvalidDescription.Malformed', findDescriptionProblem),
  HostName: text('InvalidHostName.Malformed', findHostNameProblem),
  DeletionProtection: boolean(),
  SecurityGroupIds: repeated(16),
  Password: notBuilt('a password cannot be set in a machine that its user runs', { code: 'InvalidPassword.Malformed' }),
  UserData: notBuilt('there is no metadata service yet that could hand it over', {
    code: 'InvalidUserData.NotSupported',
  }),
  CreditSpecification: notBuilt('there are no burstable instance types', {
    code: 'InvalidParameter.CreditSpecification',
  }),
  CpuOptions: notBuilt(USERS_MACHINE, { code: 'InvalidParameter' }),
  EnableJumboFrame: notBuilt(USERS_MACHINE, { code: 'InvalidParameter', neutral: ['false'] }),
  EnableNetworkEncryption: notBuilt(USERS_MACHINE, { code: 'InvalidParameter', neutral: ['false'] }),
  NetworkInterfaceQueueNumber: notBuilt(USERS_MACHINE, { code: 'InvalidParameter' }),
  PrivateDnsNameOptions: notBuilt('there are no private domain names', { code: 'InvalidParameter' }),
  Recyclable: noEffect(NOT_PUBLIC),
  RemoteConnectionOptions: noEffect(NOT_PUBLIC),
  DryRun: dryRun,
};

export const modifyInstanceAttribute = defineAction({
  name: 'ModifyInstanceAttribute',
  parameters,
  run: async (values, { control, region, options }) => {
    checkSecurityGroups(values.SecurityGroupIds, region);
    await control.modifyInstance(requestOf(values), options({ dryRun: values.DryRun }));
    return {};
  },
});

/** Every instance is in the default group, and there is no other. */
function checkSecurityGroups(groupIds: readonly string[], region: Region): void {
  const { securityGroupId } = defaultNetwork(region.regionId, region.zoneIds[0] ?? '');
  const index = groupIds.findIndex((groupId) => groupId !== securityGroupId);
  if (index === -1) return;
  throw invalidParameter(
    'InvalidSecurityGroupId.NotFound',
    `SecurityGroupIds.${index + 1}`,
    groupIds[index] ?? '',
    `the only security group is ${securityGroupId}`,
  );
}

function requestOf(values: Values<typeof parameters>): ModifyInstanceRequest {
  return {
    instanceId: values.InstanceId,
    ...(values.InstanceName !== null && { instanceName: values.InstanceName }),
    ...(values.Description !== null && { description: values.Description }),
    ...(values.HostName !== null && { hostName: values.HostName }),
    ...(values.DeletionProtection !== null && { deletionProtection: values.DeletionProtection }),
  };
}
