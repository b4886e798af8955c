/** Automatic snapshot policies: when snapshots are taken by themselves. */
import { useState } from 'react';
import { MoreOutlined } from '@ant-design/icons';
import { Button, Dropdown } from 'antd';
import type { PoliciesPage as Answer, Policy } from '../api/shapes-policies.ts';
import { PageHead } from '../lists/page-head.tsx';
import { ResourceList } from '../lists/resource-list.tsx';
import type { Column } from '../lists/resource-list.tsx';
import { NameAndId, TagList, Time } from '../lists/show.tsx';
import { useSection, useWords } from '../words/language.tsx';
import type { Words } from '../words/en.ts';
import { policyWords } from '../words/policies.ts';
import type { PolicyWords } from '../words/policies.ts';
import { ApplyToDisksDialog, DeletePolicyDialog, PolicyDialog, numbersOf } from './policy-dialogs.tsx';

export const policyActs = ['edit', 'apply', 'delete'] as const;
export type PolicyAct = (typeof policyActs)[number];
type Open = 'create' | { act: PolicyAct; policy: Policy };

const rowsOf = (answer: Answer) => answer.AutoSnapshotPolicies.AutoSnapshotPolicy;
const idOf = ({ AutoSnapshotPolicyId }: Policy) => AutoSnapshotPolicyId;

export function PoliciesPage() {
  const words = useWords();
  const policies = useSection(policyWords);
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  return (
    <>
      <PageHead
        title={policies.title}
        intro={policies.intro}
        actions={
          <Button type="primary" onClick={() => setOpen('create')}>
            {policies.create}
          </Button>
        }
      />
      <ResourceList<Policy, Answer>
        action="DescribeAutoSnapshotPolicyEx"
        {...{ rowsOf, idOf }}
        empty={policies.empty}
        columns={[...columnsOf(words, policies), actionColumn(words, policies, setOpen)]}
        filters={[{ name: 'AutoSnapshotPolicyName', label: words.list.exactName, options: null }]}
        hasTags
      />
      {open === 'create' ? <PolicyDialog onClose={close} /> : null}
      {open === null || open === 'create' ? null : <PolicyActDialog {...open} onClose={close} />}
    </>
  );
}

export function PolicyActDialog({ act, policy, onClose }: { act: PolicyAct; policy: Policy; onClose: () => void }) {
  if (act === 'edit') return <PolicyDialog {...{ policy, onClose }} />;
  return act === 'apply' ? (
    <ApplyToDisksDialog {...{ policy, onClose }} />
  ) : (
    <DeletePolicyDialog {...{ policy, onClose }} />
  );
}

export function scheduleOf(policy: Policy, words: PolicyWords): string {
  const days = numbersOf(policy.RepeatWeekdays);
  const named = days.length === 7 ? words.everyDay : days.map((day) => words.weekdays[day - 1] ?? '').join(' ');
  const hours = numbersOf(policy.TimePoints).map((hour) => `${String(hour).padStart(2, '0')}:00`);
  return `${named} · ${hours.join(' ')} UTC+8`;
}

function columnsOf({ field }: Words, policies: PolicyWords): Column<Policy>[] {
  return [
    {
      key: 'name',
      title: field.name,
      render: (row) => <NameAndId name={row.AutoSnapshotPolicyName} id={idOf(row)} to={`/policies/${idOf(row)}`} />,
      sortBy: (row) => row.AutoSnapshotPolicyName,
    },
    { key: 'schedule', title: policies.schedule, render: (row) => scheduleOf(row, policies) },
    {
      key: 'retention',
      title: field.retention,
      render: (row) => (row.RetentionDays === -1 ? field.forever : field.days(row.RetentionDays)),
      sortBy: (row) => (row.RetentionDays === -1 ? Number.MAX_SAFE_INTEGER : row.RetentionDays),
    },
    { key: 'disks', title: policies.disks, render: (row) => row.DiskNums, sortBy: (row) => row.DiskNums },
    {
      key: 'created',
      title: field.created,
      render: (row) => <Time at={row.CreationTime} />,
      sortBy: (row) => row.CreationTime,
    },
    { key: 'tags', title: field.tags, render: (row) => <TagList tags={row.Tags.Tag} /> },
  ];
}

function actionColumn({ list }: Words, policies: PolicyWords, setOpen: (open: Open) => void): Column<Policy> {
  return {
    key: 'actions',
    title: list.actions,
    render: (policy) => {
      const items = policyActs.map((key) => ({ key, label: policies[key], danger: key === 'delete' }));
      const onClick = ({ key }: { key: string }) =>
        setOpen({ act: policyActs.find((act) => act === key) ?? 'edit', policy });
      return (
        <Dropdown menu={{ items, onClick }} trigger={['click']}>
          <Button
            type="text"
            icon={<MoreOutlined />}
            aria-label={list.more(policy.AutoSnapshotPolicyName || idOf(policy))}
          />
        </Dropdown>
      );
    },
  };
}
