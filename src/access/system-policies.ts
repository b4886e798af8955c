/** The policies that every account has, as the cloud names them; nobody can change or delete them. */
import type { Grant } from './evaluate.ts';
import { parsePolicy } from './policy-document.ts';

export interface SystemPolicy extends Grant {
  description: string;
  document: string;
}

function allow(policyName: string, description: string, actions: readonly string[]): SystemPolicy {
  const statement = { Effect: 'Allow', Action: actions, Resource: '*' };
  const document = JSON.stringify({ Version: '1', Statement: [statement] });
  return { policyName, policyType: 'System', description, document, statements: parsePolicy(document) };
}

const READS = ['Describe', 'List', 'Get', 'Query'];
const readsOf = (service: string) => READS.map((verb) => `${service}:${verb}*`);

export const systemPolicies: readonly SystemPolicy[] = [
  allow('AdministratorAccess', 'everything', ['*']),
  allow('ReadOnlyAccess', 'reading everything', [
    ...['ecs', 'ram', 'sts', 'bssapi'].flatMap(readsOf),
    'actiontrail:LookupEvents',
  ]),
  allow('AliyunECSFullAccess', 'disks, snapshots, images and instances', ['ecs:*']),
  allow('AliyunECSReadOnlyAccess', 'reading disks, snapshots, images and instances', [
    ...['Describe', 'List', 'Get', 'HupoDescribe', 'HupoPreview'].map((verb) => `ecs:${verb}*`),
  ]),
  allow('AliyunRAMFullAccess', 'users, keys, policies and roles', ['ram:*']),
  allow('AliyunRAMReadOnlyAccess', 'reading users, keys, policies and roles', ['ram:Get*', 'ram:List*']),
  allow('AliyunSTSAssumeRoleAccess', 'taking roles that trust one', ['sts:AssumeRole']),
  allow('AliyunActionTrailFullAccess', 'the audit log', ['actiontrail:*']),
  allow('AliyunActionTrailReadOnlyAccess', 'reading the audit log', ['actiontrail:LookupEvents']),
];
