/** ModifyInstanceAttribute (`ecs-api.md` 2.4). */
import { findHostNameProblem, findNameProblem } from '../../ecs/names.ts';
import type { ModifyInstanceRequest } from '../../control/requests.ts';
import { creditSpecification, notPublic, password } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { boolean, notBuilt, repeated, required, text, type Values } from '../parameters.ts';
import { checkSecurityGroups, description, dryRun, userData } from '../resource-parameters.ts';

const USERS_MACHINE = 'the machine is run by its user, who decides this';

const parameters = {
  InstanceId: required(text()),
  InstanceName: text('InvalidInstanceName.Malformed', findNameProblem),
  Description: description,
  HostName: text('InvalidHostName.Malformed', findHostNameProblem),
  DeletionProtection: boolean(),
  SecurityGroupIds: repeated(16),
  UserData: userData,
  Password: password('InvalidPassword.Malformed'),
  CreditSpecification: creditSpecification,
  CpuOptions: notBuilt(USERS_MACHINE, { code: 'InvalidParameter' }),
  EnableJumboFrame: notBuilt(USERS_MACHINE, { code: 'InvalidParameter', neutral: ['false'] }),
  EnableNetworkEncryption: notBuilt(USERS_MACHINE, { code: 'InvalidParameter', neutral: ['false'] }),
  NetworkInterfaceQueueNumber: notBuilt(USERS_MACHINE, { code: 'InvalidParameter', neutral: ['-1', '1'] }),
  PrivateDnsNameOptions: notBuilt('there are no private domain names', { code: 'InvalidParameter' }),
  Recyclable: notPublic,
  RemoteConnectionOptions: notPublic,
  DryRun: dryRun,
};

export const modifyInstanceAttribute = defineAction({
  name: 'ModifyInstanceAttribute',
  parameters,
  run: async (values, { control, region, options }) => {
    checkSecurityGroups('SecurityGroupIds.N', values.SecurityGroupIds, region);
    await control.modifyInstance(requestOf(values), options({ dryRun: values.DryRun }));
    return {};
  },
});

function requestOf(values: Values<typeof parameters>): ModifyInstanceRequest {
  return {
    instanceId: values.InstanceId,
    ...(values.InstanceName !== null && { instanceName: values.InstanceName }),
    ...(values.Description !== null && { description: values.Description }),
    ...(values.HostName !== null && { hostName: values.HostName }),
    ...(values.UserData !== null && { userData: values.UserData }),
    ...(values.DeletionProtection !== null && { deletionProtection: values.DeletionProtection }),
  };
}
