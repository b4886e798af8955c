/** Users, the policies that there are, and roles. */
import { useState } from 'react';
import type { ReactNode } from 'react';
import { Button, Empty, Table, Tabs, Tag, Typography } from 'antd';
import type { TableColumnType } from 'antd';
import { Link } from 'wouter';
import { useAnswer } from '../api/session.tsx';
import { RAM } from '../api/shapes-access.ts';
import type { AccessPoliciesAnswer, AccessPolicy, Role, User, UsersAnswer } from '../api/shapes-access.ts';
import { PageHead } from '../lists/page-head.tsx';
import { Id, Time } from '../lists/show.tsx';
import { useViewState } from '../lists/view-state.ts';
import { Problem } from '../shell/problem.tsx';
import { useSection, useWords } from '../words/language.tsx';
import { accessWords } from '../words/access.ts';
import { CreateDocumentDialog, CreateUserDialog, SureDialog } from './access-dialogs.tsx';

const MOST = 100;

export function UsersPage() {
  const { users } = useSection(accessWords);
  const view = useViewState();
  const tabs = [
    { key: 'users', label: users.tabs.users, children: <Users /> },
    { key: 'policies', label: users.tabs.policies, children: <Policies /> },
    { key: 'roles', label: users.tabs.roles, children: <Roles /> },
  ];
  return (
    <>
      <PageHead title={users.title} intro={users.intro} />
      <Tabs
        items={tabs}
        activeKey={view.filterOf('tab') || 'users'}
        onChange={(tab) => view.set({ tab })}
        destroyOnHidden
      />
    </>
  );
}

interface ShortListProps<T> {
  rows: readonly T[] | undefined;
  rowKey: string;
  columns: TableColumnType<T>[];
  empty: string;
  error: unknown;
  action: ReactNode;
}

/** All rows at once: of these there are few. */
export function ShortList<T extends object>({ rows, rowKey, columns, empty, error, action }: ShortListProps<T>) {
  return (
    <>
      <Problem error={error} />
      <div className="filters">{action}</div>
      {error === null ? (
        <Table<T>
          size="middle"
          className="table"
          rowKey={rowKey}
          loading={rows === undefined}
          dataSource={rows === undefined ? [] : [...rows]}
          columns={columns}
          pagination={{ pageSize: 20, hideOnSinglePage: true }}
          locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={empty} /> }}
        />
      ) : null}
    </>
  );
}

function Users() {
  const { field } = useWords();
  const { users } = useSection(accessWords);
  const [isOpen, setIsOpen] = useState(false);
  const { data, error } = useAnswer<UsersAnswer>('ListUsers', { MaxItems: MOST }, { version: RAM });
  const columns: TableColumnType<User>[] = [
    {
      title: users.userName,
      render: (_none, { UserName: name }) => <Link href={`/users/${encodeURIComponent(name)}`}>{name}</Link>,
    },
    { title: users.displayName, dataIndex: 'DisplayName' },
    { title: users.comments, dataIndex: 'Comments' },
    { title: field.created, render: (_none, { CreateDate }) => <Time at={CreateDate} /> },
  ];
  const create = (
    <Button type="primary" onClick={() => setIsOpen(true)}>
      {users.create}
    </Button>
  );
  return (
    <>
      <ShortList
        {...{ columns, error }}
        rows={data?.Users.User}
        rowKey="UserName"
        empty={users.empty}
        action={create}
      />
      {data?.IsTruncated === true ? <Typography.Text type="secondary">{users.truncated}</Typography.Text> : null}
      {isOpen ? <CreateUserDialog onClose={() => setIsOpen(false)} /> : null}
    </>
  );
}

function Policies() {
  const { field, list } = useWords();
  const { users } = useSection(accessWords);
  const [open, setOpen] = useState<string | null>(null);
  const { data, error } = useAnswer<AccessPoliciesAnswer>('ListPolicies', { MaxItems: MOST }, { version: RAM });
  const columns: TableColumnType<AccessPolicy>[] = [
    { title: users.policy, render: (_none, { PolicyName }) => <Id id={PolicyName} /> },
    { title: users.policyType, render: (_none, { PolicyType }) => <Tag>{users[PolicyType]}</Tag> },
    { title: field.description, dataIndex: 'Description' },
    { title: users.attached, dataIndex: 'AttachmentCount' },
    {
      title: list.actions,
      render: (_none, { PolicyName: name, PolicyType }) =>
        PolicyType === 'System' ? (
          '–'
        ) : (
          <Button danger onClick={() => setOpen(name)}>
            {users.deletePolicy}
          </Button>
        ),
    },
  ];
  const create = (
    <Button type="primary" onClick={() => setOpen('')}>
      {users.createPolicy}
    </Button>
  );
  return (
    <>
      <ShortList
        {...{ columns, error }}
        rows={data?.Policies.Policy}
        rowKey="PolicyName"
        empty={users.noPolicies}
        action={create}
      />
      {open === '' ? <CreateDocumentDialog of="policy" onClose={() => setOpen(null)} /> : null}
      {open === null || open === '' ? null : (
        <SureDialog
          title={users.deletePolicy}
          intro={users.deletePolicyIntro}
          action="DeletePolicy"
          parameters={{ PolicyName: open }}
          subject={open}
          onClose={() => setOpen(null)}
        />
      )}
    </>
  );
}

function Roles() {
  const { field, list } = useWords();
  const { users } = useSection(accessWords);
  const [open, setOpen] = useState<string | null>(null);
  const { data, error } = useAnswer<{ Roles: { Role: Role[] } }>('ListRoles', { MaxItems: MOST }, { version: RAM });
  const columns: TableColumnType<Role>[] = [
    { title: users.role, dataIndex: 'RoleName' },
    { title: 'ARN', render: (_none, { Arn }) => <Id id={Arn} /> },
    { title: field.description, dataIndex: 'Description' },
    { title: field.created, render: (_none, { CreateDate }) => <Time at={CreateDate} /> },
    {
      title: list.actions,
      render: (_none, { RoleName: name }) => (
        <Button danger onClick={() => setOpen(name)}>
          {users.deleteRole}
        </Button>
      ),
    },
  ];
  const create = (
    <Button type="primary" onClick={() => setOpen('')}>
      {users.createRole}
    </Button>
  );
  return (
    <>
      <ShortList
        {...{ columns, error }}
        rows={data?.Roles.Role}
        rowKey="RoleName"
        empty={users.noRoles}
        action={create}
      />
      {open === '' ? <CreateDocumentDialog of="role" onClose={() => setOpen(null)} /> : null}
      {open === null || open === '' ? null : (
        <SureDialog
          title={users.deleteRole}
          intro={users.deleteRoleIntro}
          action="DeleteRole"
          parameters={{ RoleName: open }}
          subject={open}
          onClose={() => setOpen(null)}
        />
      )}
    </>
  );
}
