/** The list of snapshots: of all, of a disk, or of an instance. */
import { useState } from 'react';
import type { ReactNode } from 'react';
import { MoreOutlined } from '@ant-design/icons';
import { Button, Dropdown, Space, Tag } from 'antd';
import { Link } from 'wouter';
import type { Parameters } from '../api/ecs.ts';
import type { Snapshot, SnapshotsPage } from '../api/shapes.ts';
import { EditTagsDialog } from '../forms/tags-dialog.tsx';
import { ResourceList } from '../lists/resource-list.tsx';
import type { Column, Filter } from '../lists/resource-list.tsx';
import { NameAndId, SnapshotStatus, TagList, Time, formatBytes } from '../lists/show.tsx';
import { useSection, useWords } from '../words/language.tsx';
import type { Words } from '../words/en.ts';
import { storageWords } from '../words/storage.ts';
import { DeleteSnapshotsDialog } from './snapshot-dialogs.tsx';
import { SnapshotDialog, snapshotActOf, snapshotMenu } from './snapshot-menu.tsx';
import type { SnapshotAct } from './snapshot-menu.tsx';

type Open =
  | { what: 'one'; act: SnapshotAct; snapshot: Snapshot }
  | { what: 'delete' | 'tags'; chosen: readonly Snapshot[]; done: () => void };

type ActWords = (typeof storageWords)['en']['acts'];

const rowsOf = (answer: SnapshotsPage) => answer.Snapshots.Snapshot;
const idOf = ({ SnapshotId }: Snapshot) => SnapshotId;
const taggedOf = ({ SnapshotId: id, Tags }: Snapshot) => ({ id, tags: Tags.Tag });

export function SnapshotTable({ parameters = {}, empty }: { parameters?: Parameters; empty: ReactNode }) {
  const words = useWords();
  const { acts } = useSection(storageWords);
  const [open, setOpen] = useState<Open | null>(null);
  const close = (isDone: boolean) => {
    if (isDone && open !== null && open.what !== 'one') open.done();
    setOpen(null);
  };
  const columns = [...columnsOf(words), actionColumn(words, acts, setOpen)];
  return (
    <>
      <ResourceList<Snapshot, SnapshotsPage>
        action="DescribeSnapshots"
        {...{ parameters, rowsOf, idOf, columns, empty }}
        filters={filtersOf(words)}
        hasTags
        isMoving={({ Status }) => Status === 'progressing'}
        bulk={(chosen, done) => (
          <Space wrap>
            <Button onClick={() => setOpen({ what: 'tags', chosen, done })}>{words.form.editTags}</Button>
            <Button danger onClick={() => setOpen({ what: 'delete', chosen, done })}>
              {words.snapshots.delete}
            </Button>
          </Space>
        )}
      />
      {open?.what === 'delete' ? <DeleteSnapshotsDialog chosen={open.chosen} onClose={close} /> : null}
      {open?.what === 'tags' ? (
        <EditTagsDialog resourceType="snapshot" chosen={open.chosen.map(taggedOf)} onClose={close} />
      ) : null}
      {open?.what === 'one' ? <SnapshotDialog act={open.act} snapshot={open.snapshot} onClose={close} /> : null}
    </>
  );
}

function columnsOf({ field, kind, snapshots }: Words): Column<Snapshot>[] {
  return [
    {
      key: 'name',
      title: field.name,
      render: (row) => <NameAndId name={row.SnapshotName ?? ''} id={row.SnapshotId} />,
      sortBy: (row) => row.SnapshotName ?? '',
    },
    {
      key: 'status',
      title: field.status,
      render: (row) => <SnapshotStatus snapshot={row} />,
      sortBy: (row) => row.Status,
    },
    {
      key: 'disk',
      title: field.disk,
      render: (row) => <Link href={`/disks/${row.SourceDiskId}`}>{row.SourceDiskId}</Link>,
      sortBy: (row) => row.SourceDiskId,
    },
    {
      key: 'size',
      title: field.size,
      render: (row) =>
        row.FullSnapshotSizeInBytes === undefined
          ? `${row.SourceDiskSize} GiB`
          : `${row.SourceDiskSize} GiB · ${formatBytes(row.FullSnapshotSizeInBytes)}`,
      sortBy: (row) => Number(row.SourceDiskSize),
    },
    { key: 'type', title: field.type, render: (row) => <Tag>{kind[row.SnapshotType] ?? row.SnapshotType}</Tag> },
    {
      key: 'created',
      title: field.created,
      render: (row) => <Time at={row.CreationTime} />,
      sortBy: (row) => row.CreationTime,
    },
    {
      key: 'retention',
      title: field.retention,
      render: (row) => (row.RetentionDays === undefined ? field.forever : field.days(row.RetentionDays)),
    },
    { key: 'tags', title: field.tags, render: (row) => <TagList tags={row.Tags.Tag} /> },
    { key: 'usage', title: snapshots.usage, render: (row) => row.Usage, isExtra: true },
    { key: 'description', title: field.description, render: (row) => row.Description, isExtra: true },
  ];
}

function actionColumn(words: Words, acts: ActWords, setOpen: (open: Open) => void): Column<Snapshot> {
  const { list } = words;
  return {
    key: 'actions',
    title: list.actions,
    render: (snapshot) => {
      const items = snapshotMenu(words, acts, snapshot);
      const onClick = ({ key }: { key: string }) => setOpen({ what: 'one', act: snapshotActOf(key), snapshot });
      return (
        <Dropdown menu={{ items, onClick }} trigger={['click']}>
          <Button
            type="text"
            icon={<MoreOutlined />}
            aria-label={list.more(snapshot.SnapshotName ?? snapshot.SnapshotId)}
          />
        </Dropdown>
      );
    },
  };
}

function filtersOf({ field, list, status, kind }: Words): Filter[] {
  return [
    { name: 'SnapshotName', label: list.exactName, options: null },
    {
      name: 'Status',
      label: field.status,
      options: ['progressing', 'accomplished', 'failed'].map((value) => ({ value, label: status[value] ?? value })),
    },
    {
      name: 'SnapshotType',
      label: field.type,
      options: ['user', 'auto'].map((value) => ({ value, label: kind[value] ?? value })),
    },
    {
      name: 'SourceDiskType',
      label: field.disk,
      options: ['system', 'data'].map((value) => ({ value, label: kind[value] ?? value })),
    },
  ];
}
