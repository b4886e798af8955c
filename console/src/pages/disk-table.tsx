/** The list of disks: of all, or of an instance. */
import { useState } from 'react';
import type { ReactNode } from 'react';
import { MoreOutlined } from '@ant-design/icons';
import { Button, Dropdown, Space, Tag } from 'antd';
import { Link } from 'wouter';
import type { Parameters } from '../api/ecs.ts';
import { offeredCategories } from '../../../src/ecs/disk-categories.ts';
import type { Disk, DisksPage } from '../api/shapes.ts';
import { EditTagsDialog } from '../forms/tags-dialog.tsx';
import { ResourceList } from '../lists/resource-list.tsx';
import type { Column, Filter } from '../lists/resource-list.tsx';
import { LockMarks, NameAndId, Status, TagList, Time } from '../lists/show.tsx';
import { useSection, useWords } from '../words/language.tsx';
import type { Words } from '../words/en.ts';
import { policyWords } from '../words/policies.ts';
import { storageWords } from '../words/storage.ts';
import {
  AttachDialog,
  ConnectDialog,
  DeleteDisksDialog,
  DetachDialog,
  ReInitDialog,
  ResizeDialog,
} from './disk-dialogs.tsx';
import { ApplyPolicyDialog } from './policy-dialogs.tsx';
import { CreateSnapshotDialog } from './snapshot-dialogs.tsx';

const acts = ['snapshot', 'attach', 'detach', 'resize', 'connect', 'policy', 'tags', 'reinit', 'delete'] as const;
type Act = (typeof acts)[number];

interface Open {
  act: Act;
  chosen: readonly Disk[];
  done: () => void;
}

const rowsOf = (answer: DisksPage) => answer.Disks.Disk;
const idOf = ({ DiskId }: Disk) => DiskId;
const taggedOf = ({ DiskId: id, Tags }: Disk) => ({ id, tags: Tags.Tag });

export function DiskTable({ parameters = {}, empty }: { parameters?: Parameters; empty: ReactNode }) {
  const words = useWords();
  const policies = useSection(policyWords);
  const menuOf = useDiskMenu();
  const [open, setOpen] = useState<Open | null>(null);
  const close = (isDone: boolean) => {
    if (isDone) open?.done();
    setOpen(null);
  };
  return (
    <>
      <ResourceList<Disk, DisksPage>
        action="DescribeDisks"
        {...{ parameters, rowsOf, idOf, empty }}
        columns={[...columnsOf(words), actionColumn(words, menuOf, setOpen)]}
        filters={filtersOf(words)}
        hasTags
        isMoving={({ Status: status }) => status !== 'In_use' && status !== 'Available'}
        bulk={(chosen, done) => (
          <Space wrap>
            <Button onClick={() => setOpen({ act: 'snapshot', chosen, done })}>{words.snapshots.create}</Button>
            <Button onClick={() => setOpen({ act: 'policy', chosen, done })}>{policies.set}</Button>
            <Button onClick={() => setOpen({ act: 'tags', chosen, done })}>{words.form.editTags}</Button>
            <Button danger onClick={() => setOpen({ act: 'delete', chosen, done })}>
              {words.disks.delete}
            </Button>
          </Space>
        )}
      />
      {open === null ? null : <DiskDialog act={open.act} chosen={open.chosen} onClose={close} />}
    </>
  );
}

export function DiskDialog({
  act,
  chosen,
  onClose,
}: {
  act: Act;
  chosen: readonly Disk[];
  onClose: (isDone: boolean) => void;
}) {
  const [disk] = chosen;
  if (disk === undefined) return null;
  switch (act) {
    case 'snapshot':
      return <CreateSnapshotDialog disks={chosen} onClose={onClose} />;
    case 'attach':
      return <AttachDialog disk={disk} onClose={onClose} />;
    case 'detach':
      return <DetachDialog disk={disk} onClose={onClose} />;
    case 'resize':
      return <ResizeDialog disk={disk} onClose={onClose} />;
    case 'connect':
      return <ConnectDialog disk={disk} onClose={onClose} />;
    case 'policy':
      return <ApplyPolicyDialog disks={chosen} onClose={onClose} />;
    case 'reinit':
      return <ReInitDialog disk={disk} onClose={onClose} />;
    case 'tags':
      return <EditTagsDialog resourceType="disk" chosen={chosen.map(taggedOf)} onClose={onClose} />;
    case 'delete':
      return <DeleteDisksDialog chosen={chosen} onClose={onClose} />;
    default:
      return act satisfies never;
  }
}

/** What is offered for a disk in its state. */
export function useDiskMenu() {
  const { disks, snapshots, form } = useWords();
  const { acts: words } = useSection(storageWords);
  const policies = useSection(policyWords);
  return (disk: Disk) => {
    const isFree = disk.Status === 'Available';
    return [
      { key: 'snapshot', label: snapshots.create },
      { key: 'attach', label: disks.attach, disabled: !isFree },
      { key: 'detach', label: disks.detach, disabled: disk.Status !== 'In_use' || disk.Type === 'system' },
      { key: 'resize', label: disks.resize },
      { key: 'connect', label: disks.connect },
      { key: 'policy', label: policies.set },
      { key: 'tags', label: form.editTags },
      { key: 'reinit', label: words.reinit, danger: true, disabled: disk.Status !== 'In_use' },
      { key: 'delete', label: disks.delete, danger: true, disabled: !isFree },
    ];
  };
}

export function actOf(key: string): Act {
  return acts.find((act) => act === key) ?? 'connect';
}

function columnsOf({ field, kind }: Words): Column<Disk>[] {
  return [
    {
      key: 'name',
      title: field.name,
      render: (row) => <NameAndId name={row.DiskName} id={row.DiskId} to={`/disks/${row.DiskId}`} />,
      sortBy: (row) => row.DiskName,
    },
    {
      key: 'status',
      title: field.status,
      render: (row) => (
        <Space size={4}>
          <Status status={row.Status} />
          <LockMarks reasons={row.OperationLocks.OperationLock.map(({ LockReason }) => LockReason)} />
        </Space>
      ),
      sortBy: (row) => row.Status,
    },
    { key: 'size', title: field.size, render: (row) => `${row.Size} GiB`, sortBy: (row) => row.Size },
    {
      key: 'category',
      title: field.category,
      render: (row) => `${row.Category} ${row.PerformanceLevel}`.trim(),
      sortBy: (row) => row.Category,
    },
    {
      key: 'type',
      title: field.type,
      render: (row) => <Tag>{kind[row.Type] ?? row.Type}</Tag>,
      sortBy: (row) => row.Type,
    },
    {
      key: 'instance',
      title: field.attachedTo,
      render: (row) =>
        row.InstanceId === '' ? '–' : <Link href={`/instances/${row.InstanceId}`}>{row.InstanceId}</Link>,
      sortBy: (row) => row.InstanceId,
    },
    { key: 'policy', title: field.policy, render: (row) => row.AutoSnapshotPolicyId || '–' },
    {
      key: 'created',
      title: field.created,
      render: (row) => <Time at={row.CreationTime} />,
      sortBy: (row) => row.CreationTime,
    },
    { key: 'tags', title: field.tags, render: (row) => <TagList tags={row.Tags.Tag} /> },
    { key: 'device', title: field.device, render: (row) => row.Device || '–', isExtra: true },
    { key: 'zone', title: field.zone, render: (row) => row.ZoneId, isExtra: true },
    { key: 'charge', title: field.charge, render: (row) => row.DiskChargeType, isExtra: true },
    { key: 'description', title: field.description, render: (row) => row.Description, isExtra: true },
  ];
}

function actionColumn(
  words: Words,
  menuOf: ReturnType<typeof useDiskMenu>,
  setOpen: (open: Open) => void,
): Column<Disk> {
  return {
    key: 'actions',
    title: words.list.actions,
    render: (disk) => {
      const onClick = ({ key }: { key: string }) => setOpen({ act: actOf(key), chosen: [disk], done: () => undefined });
      return (
        <Dropdown menu={{ items: menuOf(disk), onClick }} trigger={['click']}>
          <Button type="text" icon={<MoreOutlined />} aria-label={words.list.more(disk.DiskName || disk.DiskId)} />
        </Dropdown>
      );
    },
  };
}

function filtersOf({ field, list, status, kind }: Words): Filter[] {
  const statuses = ['In_use', 'Available', 'Attaching', 'Detaching', 'Creating', 'ReIniting'];
  return [
    { name: 'DiskName', label: list.exactName, options: null },
    {
      name: 'Status',
      label: field.status,
      options: statuses.map((value) => ({ value, label: status[value] ?? value })),
    },
    { name: 'Category', label: field.category, options: offeredCategories.map((value) => ({ value, label: value })) },
    {
      name: 'DiskType',
      label: field.type,
      options: ['system', 'data'].map((value) => ({ value, label: kind[value] ?? value })),
    },
  ];
}
