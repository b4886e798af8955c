/** What RAM and the audit log answer with, as far as the console shows it. */
export const RAM = '2015-05-01';
export const ACTION_TRAIL = '2020-07-06';

export interface User {
  UserName: string;
  UserId: string;
  DisplayName: string;
  Comments: string;
  CreateDate: string;
}

export interface UsersAnswer {
  IsTruncated: boolean;
  Users: { User: User[] };
}

export interface Key {
  AccessKeyId: string;
  Status: 'Active' | 'Inactive';
  CreateDate: string;
}

export interface AccessPolicy {
  PolicyName: string;
  PolicyType: 'System' | 'Custom';
  Description: string;
  AttachmentCount?: number;
}

export interface AccessPoliciesAnswer {
  Policies: { Policy: AccessPolicy[] };
}

export interface Role {
  RoleName: string;
  RoleId: string;
  Arn: string;
  Description: string;
  CreateDate: string;
}

export interface AuditEvent {
  eventId: string;
  eventTime: string;
  eventName: string;
  eventRW: 'Read' | 'Write';
  serviceName: string;
  sourceIpAddress: string;
  userIdentity: { type: string; userName: string; accessKeyId: string };
  requestParameterJson: string;
  resourceName: string;
  errorCode?: string;
  errorMessage?: string;
}

export interface AuditAnswer {
  NextToken?: string;
  Events: AuditEvent[];
}
