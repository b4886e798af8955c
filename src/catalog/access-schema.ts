/**
 * The tables of users, keys, policies and roles, which belong to the account and so are in the catalog of the first region.
 * A key's secret is sealed under a key that is in no catalog (`access/master-key.ts`).
 */

export interface AccessSchema {
  ram_users: RamUserRow;
  ram_keys: RamKeyRow;
  ram_policies: RamPolicyRow;
  ram_policy_versions: RamPolicyVersionRow;
  ram_roles: RamRoleRow;
  ram_attachments: RamAttachmentRow;
}

export interface RamUserRow {
  user_id: string;
  user_name: string;
  display_name: string;
  comments: string;
  mobile_phone: string;
  email: string;
  created_at_ms: number;
  updated_at_ms: number;
}

export interface RamKeyRow {
  access_key_id: string;
  user_id: string;
  sealed_secret: string;
  status: 'Active' | 'Inactive';
  created_at_ms: number;
}

export interface RamPolicyRow {
  policy_name: string;
  description: string;
  /** The number of the version that counts. */
  default_version: number;
  /** The highest number that was ever given: none is given twice. */
  last_version: number;
  created_at_ms: number;
  updated_at_ms: number;
}

export interface RamPolicyVersionRow {
  policy_name: string;
  version: number;
  document: string;
  created_at_ms: number;
}

export interface RamRoleRow {
  role_id: string;
  role_name: string;
  description: string;
  trust_document: string;
  max_session_seconds: number;
  created_at_ms: number;
  updated_at_ms: number;
}

export interface RamAttachmentRow {
  /** Of a user or a role: their ids differ. */
  principal_id: string;
  policy_type: 'System' | 'Custom';
  policy_name: string;
  attached_at_ms: number;
}

export const accessStatements: string[] = [
  `CREATE TABLE ram_users (
    user_id TEXT PRIMARY KEY, user_name TEXT NOT NULL UNIQUE, display_name TEXT NOT NULL, comments TEXT NOT NULL,
    mobile_phone TEXT NOT NULL, email TEXT NOT NULL, created_at_ms BIGINT NOT NULL, updated_at_ms BIGINT NOT NULL)`,
  `CREATE TABLE ram_keys (
    access_key_id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES ram_users (user_id), sealed_secret TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('Active', 'Inactive')), created_at_ms BIGINT NOT NULL)`,
  `CREATE INDEX ram_keys_by_user ON ram_keys (user_id)`,
  `CREATE TABLE ram_policies (
    policy_name TEXT PRIMARY KEY, description TEXT NOT NULL, default_version INTEGER NOT NULL,
    last_version INTEGER NOT NULL, created_at_ms BIGINT NOT NULL, updated_at_ms BIGINT NOT NULL)`,
  `CREATE TABLE ram_policy_versions (
    policy_name TEXT NOT NULL REFERENCES ram_policies (policy_name), version INTEGER NOT NULL, document TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL, PRIMARY KEY (policy_name, version))`,
  `CREATE TABLE ram_roles (
    role_id TEXT PRIMARY KEY, role_name TEXT NOT NULL UNIQUE, description TEXT NOT NULL, trust_document TEXT NOT NULL,
    max_session_seconds INTEGER NOT NULL, created_at_ms BIGINT NOT NULL, updated_at_ms BIGINT NOT NULL)`,
  `CREATE TABLE ram_attachments (
    principal_id TEXT NOT NULL, policy_type TEXT NOT NULL CHECK (policy_type IN ('System', 'Custom')),
    policy_name TEXT NOT NULL, attached_at_ms BIGINT NOT NULL, PRIMARY KEY (principal_id, policy_type, policy_name))`,
];
