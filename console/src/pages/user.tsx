/** One user: its AccessKeys and what it may do. */
import { useState } from 'react';
import { Badge, Button, Modal, Space, Spin, Tag, Typography } from 'antd';
import type { TableColumnType } from 'antd';
import { useLocation } from 'wouter';
import { useAnswer } from '../api/session.tsx';
import { RAM } from '../api/shapes-access.ts';
import type { AccessPoliciesAnswer, AccessPolicy, Key, User } from '../api/shapes-access.ts';
import { ActionDialog } from '../forms/action-dialog.tsx';
import { PageHead } from '../lists/page-head.tsx';
import { Id, Time } from '../lists/show.tsx';
import { Problem } from '../shell/problem.tsx';
import { useSection, useWords } from '../words/language.tsx';
import { accessWords } from '../words/access.ts';
import { AttachPolicyDialog, SureDialog } from './access-dialogs.tsx';
import { ShortList } from './users.tsx';

interface Secret {
  AccessKeyId: string;
  AccessKeySecret: string;
}

export function UserPage({ id }: { id: string }) {
  const userName = decodeURIComponent(id);
  const { users } = useSection(accessWords);
  const [, goTo] = useLocation();
  const [isDeleting, setIsDeleting] = useState(false);
  const { data, error, refetch } = useAnswer<{ User: User }>('GetUser', { UserName: userName }, { version: RAM });
  if (data === undefined) return error === null ? <Spin /> : <Problem error={error} onRetry={() => void refetch()} />;
  return (
    <>
      <PageHead
        title={userName}
        intro={[data.User.DisplayName, data.User.Comments].filter((text) => text !== '').join(' · ')}
        actions={
          <Button danger onClick={() => setIsDeleting(true)}>
            {users.delete}
          </Button>
        }
      />
      <Typography.Title level={2} className="card-title">
        {users.keys}
      </Typography.Title>
      <Keys userName={userName} />
      <Typography.Title level={2} className="card-title">
        {users.policies}
      </Typography.Title>
      <Policies userName={userName} />
      {isDeleting ? (
        <SureDialog
          title={users.delete}
          intro={users.deleteIntro}
          action="DeleteUser"
          parameters={{ UserName: userName }}
          subject={userName}
          onClose={(isDone) => {
            setIsDeleting(false);
            if (isDone) goTo('/users');
          }}
        />
      ) : null}
    </>
  );
}

type OpenKey = { act: 'create' } | { act: 'status' | 'delete'; key: Key };

function Keys({ userName }: { userName: string }) {
  const { field, list } = useWords();
  const { users } = useSection(accessWords);
  const [open, setOpen] = useState<OpenKey | null>(null);
  const [secret, setSecret] = useState<Secret | null>(null);
  const asked = { UserName: userName };
  const { data, error } = useAnswer<{ AccessKeys: { AccessKey: Key[] } }>('ListAccessKeys', asked, { version: RAM });
  const columns: TableColumnType<Key>[] = [
    { title: users.keys, render: (_none, { AccessKeyId }) => <Id id={AccessKeyId} /> },
    {
      title: field.status,
      render: (_none, { Status }) => (
        <Badge
          status={Status === 'Active' ? 'success' : 'default'}
          text={Status === 'Active' ? users.active : users.inactive}
        />
      ),
    },
    { title: field.created, render: (_none, { CreateDate }) => <Time at={CreateDate} /> },
    {
      title: list.actions,
      render: (_none, key) => (
        <Space wrap>
          <Button onClick={() => setOpen({ act: 'status', key })}>
            {key.Status === 'Active' ? users.deactivate : users.activate}
          </Button>
          <Button danger onClick={() => setOpen({ act: 'delete', key })}>
            {users.deleteKey}
          </Button>
        </Space>
      ),
    },
  ];
  const create = <Button onClick={() => setOpen({ act: 'create' })}>{users.createKey}</Button>;
  return (
    <>
      <ShortList
        {...{ columns, error }}
        rows={data?.AccessKeys.AccessKey}
        rowKey="AccessKeyId"
        empty={users.noKeys}
        action={create}
      />
      {open === null ? null : <KeyDialog {...{ open, userName }} onSecret={setSecret} onClose={() => setOpen(null)} />}
      {secret === null ? null : <SecretDialog secret={secret} onClose={() => setSecret(null)} />}
    </>
  );
}

interface KeyDialogProps {
  open: OpenKey;
  userName: string;
  onSecret: (secret: Secret) => void;
  onClose: () => void;
}

function KeyDialog({ open, userName, onSecret, onClose }: KeyDialogProps) {
  const { users } = useSection(accessWords);
  if (open.act === 'create') {
    return (
      <ActionDialog
        title={users.createKey}
        intro={users.createKeyIntro}
        action="CreateAccessKey"
        version={RAM}
        toParameters={() => ({ UserName: userName })}
        submit={users.createKey}
        onAnswer={(answer) => onSecret(answer['AccessKey'] as Secret)}
        onClose={onClose}
      />
    );
  }
  const { AccessKeyId: id, Status: status } = open.key;
  const parameters = { UserName: userName, UserAccessKeyId: id };
  if (open.act === 'delete') {
    return (
      <SureDialog
        {...{ title: users.deleteKey, intro: users.deleteKeyIntro, parameters, onClose }}
        action="DeleteAccessKey"
        subject={id}
      />
    );
  }
  const isActive = status === 'Active';
  return (
    <SureDialog
      title={isActive ? users.deactivate : users.activate}
      intro={isActive ? users.deactivateIntro : users.activateIntro}
      action="UpdateAccessKey"
      parameters={{ ...parameters, Status: isActive ? 'Inactive' : 'Active' }}
      subject={id}
      isDangerous={isActive}
      onClose={onClose}
    />
  );
}

/** Not closed by a click beside it: the secret is never shown again. */
function SecretDialog({ secret, onClose }: { secret: Secret; onClose: () => void }) {
  const { users } = useSection(accessWords);
  return (
    <Modal
      open
      title={users.secretTitle}
      mask={{ closable: false }}
      keyboard={false}
      closable={false}
      okText={users.secretSeen}
      onOk={onClose}
      cancelButtonProps={{ hidden: true }}
    >
      <Typography.Paragraph type="secondary">{users.secretIntro}</Typography.Paragraph>
      <Typography.Paragraph copyable={{ text: secret.AccessKeyId }}>
        AccessKey ID: <code>{secret.AccessKeyId}</code>
      </Typography.Paragraph>
      <Typography.Paragraph copyable={{ text: secret.AccessKeySecret }}>
        AccessKey Secret: <code>{secret.AccessKeySecret}</code>
      </Typography.Paragraph>
    </Modal>
  );
}

function Policies({ userName }: { userName: string }) {
  const { field, list } = useWords();
  const { users } = useSection(accessWords);
  const [open, setOpen] = useState<AccessPolicy | 'attach' | null>(null);
  const asked = { UserName: userName };
  const { data, error } = useAnswer<AccessPoliciesAnswer>('ListPoliciesForUser', asked, { version: RAM });
  const columns: TableColumnType<AccessPolicy>[] = [
    { title: users.policy, dataIndex: 'PolicyName' },
    { title: users.policyType, render: (_none, { PolicyType }) => <Tag>{users[PolicyType]}</Tag> },
    { title: field.description, dataIndex: 'Description' },
    {
      title: list.actions,
      render: (_none, policy) => (
        <Button danger onClick={() => setOpen(policy)}>
          {users.detach}
        </Button>
      ),
    },
  ];
  const attach = <Button onClick={() => setOpen('attach')}>{users.attach}</Button>;
  const close = () => setOpen(null);
  return (
    <>
      <ShortList
        {...{ columns, error }}
        rows={data?.Policies.Policy}
        rowKey="PolicyName"
        empty={users.noPolicies}
        action={attach}
      />
      {open === 'attach' ? <AttachPolicyDialog {...{ userName }} onClose={close} /> : null}
      {open === null || open === 'attach' ? null : (
        <SureDialog
          title={users.detach}
          intro={users.detachIntro}
          action="DetachPolicyFromUser"
          parameters={{ UserName: userName, PolicyType: open.PolicyType, PolicyName: open.PolicyName }}
          subject={open.PolicyName}
          onClose={close}
        />
      )}
    </>
  );
}
