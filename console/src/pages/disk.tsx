/** One disk: what it is, and its snapshots. */
import { useState } from 'react';
import { Button, Descriptions, Space, Spin, Tabs } from 'antd';
import { Link } from 'wouter';
import { useAnswer } from '../api/session.tsx';
import type { Disk, DisksPage } from '../api/shapes.ts';
import { PageHead } from '../lists/page-head.tsx';
import { Id, LockMarks, Status, TagList, Time } from '../lists/show.tsx';
import { useViewState } from '../lists/view-state.ts';
import { Problem } from '../shell/problem.tsx';
import { useWords } from '../words/language.tsx';
import { DiskDialog, actOf, useDiskMenu } from './disk-table.tsx';
import { NotFoundPage } from './not-found.tsx';
import { SnapshotTable } from './snapshot-table.tsx';

export function DiskPage({ id: diskId }: { id: string }) {
  const words = useWords();
  const view = useViewState();
  const menuOf = useDiskMenu();
  const [act, setAct] = useState<string | null>(null);
  const { data, error, refetch } = useAnswer<DisksPage>('DescribeDisks', { DiskIds: JSON.stringify([diskId]) });
  const disk = data?.Disks.Disk[0];
  if (error !== null) return <Problem error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Spin />;
  if (disk === undefined) return <NotFoundPage />;
  const tabs = [
    { key: 'details', label: words.disks.details, children: <Facts disk={disk} /> },
    {
      key: 'snapshots',
      label: words.snapshots.title,
      children: <SnapshotTable parameters={{ DiskId: diskId }} empty={words.snapshots.emptyOfDisk} />,
    },
  ];
  const actions = menuOf(disk).map(({ key, label, disabled, danger }) => (
    <Button
      key={key}
      disabled={disabled === true}
      danger={danger === true}
      type={key === 'snapshot' ? 'primary' : 'default'}
      onClick={() => setAct(key)}
    >
      {label}
    </Button>
  ));
  return (
    <>
      <PageHead title={disk.DiskName || disk.DiskId} intro={<Id id={disk.DiskId} />} actions={actions} />
      <Tabs
        items={tabs}
        activeKey={view.filterOf('tab') || 'snapshots'}
        onChange={(tab) => view.set({ tab })}
        destroyOnHidden
      />
      {act === null ? null : <DiskDialog act={actOf(act)} chosen={[disk]} onClose={() => setAct(null)} />}
    </>
  );
}

function Facts({ disk }: { disk: Disk }) {
  const { field, kind } = useWords();
  const items = [
    { label: field.status, children: <DiskStatus disk={disk} /> },
    { label: field.size, children: `${disk.Size} GiB` },
    { label: field.category, children: `${disk.Category} ${disk.PerformanceLevel}` },
    { label: field.type, children: kind[disk.Type] ?? disk.Type },
    {
      label: field.attachedTo,
      children: disk.InstanceId === '' ? '–' : <Link href={`/instances/${disk.InstanceId}`}>{disk.InstanceId}</Link>,
    },
    { label: field.device, children: disk.Device || '–' },
    { label: field.source, children: disk.SourceSnapshotId || disk.ImageId || '–' },
    { label: field.policy, children: disk.AutoSnapshotPolicyId || field.none },
    { label: field.zone, children: disk.ZoneId },
    { label: field.created, children: <Time at={disk.CreationTime} /> },
    { label: field.charge, children: disk.DiskChargeType },
    { label: field.tags, children: <TagList tags={disk.Tags.Tag} /> },
    { label: field.nbd, children: disk.NbdUri === undefined ? '–' : <Id id={disk.NbdUri} /> },
    { label: field.description, children: disk.Description || '–' },
  ];
  return (
    <Descriptions
      bordered
      size="small"
      column={{ xs: 1, md: 2 }}
      items={items.map((item) => ({ key: item.label, ...item }))}
    />
  );
}

function DiskStatus({ disk }: { disk: Disk }) {
  return (
    <Space>
      <Status status={disk.Status} />
      <LockMarks reasons={disk.OperationLocks.OperationLock.map(({ LockReason }) => LockReason)} />
    </Space>
  );
}
